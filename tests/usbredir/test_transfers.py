"""The guest's requests reach the device in order, and its answers reach the guest as usbredir messages."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from harness.usbredir.constants import WireStatus
from harness.usbredir.packets import (
    AllocBulkStreams,
    BulkPacket,
    BulkStreamsStatus,
    CancelDataPacket,
    ControlPacket,
    FreeBulkStreams,
    InterruptPacket,
)
from usbfuzz.wire import NAK, NEVER, STALL, Answer, Setup, Status, TransferType, data

from .peer import Dummy, GuestClock, endpoint, in_loop, plugged

if TYPE_CHECKING:
    from pathlib import Path

IN, OUT = 0x81, 0x02
BULK = (endpoint(IN, TransferType.BULK, 512), endpoint(OUT, TransferType.BULK, 512))


def read(number: int, length: int = 64) -> ControlPacket:
    """GET_DESCRIPTOR."""
    return ControlPacket(0x80, 6, 0x80, 0, 0x100, 0, length, id=number)


def read_done(number: int, payload: bytes, status: int = 0) -> ControlPacket:
    return ControlPacket(0x80, 6, 0x80, status, 0x100, 0, len(payload), payload=payload, id=number)


def bulk_in(number: int, length: int = 100, stream: int = 0) -> BulkPacket:
    return BulkPacket(IN, 0, length, stream, id=number)


def bulk_done(number: int, payload: bytes = b"", status: int = 0, stream: int = 0) -> BulkPacket:
    return BulkPacket(IN, status, len(payload), stream, payload=payload, id=number)


@in_loop
async def test_a_control_read_is_answered_with_what_the_device_gives(tmp_path: Path) -> None:
    device = Dummy()
    device.control = lambda _: data(b"descriptor")
    async with plugged(tmp_path, device) as (port, qemu):
        assert await qemu.reply(read(1, 18)) == [read_done(1, b"descriptor")]
        assert device.asked == [(Setup(0x80, 6, 0x100, 0, 18), b"")]
        assert port.requests == 1


@in_loop
async def test_requests_of_one_read_are_answered_in_their_order(tmp_path: Path) -> None:
    device = Dummy(*BULK)
    device.control = lambda _: data(b"d")
    device.answers[IN] = [data(b"one"), data(b"two")]
    async with plugged(tmp_path, device) as (_, qemu):
        got = await qemu.reply(bulk_in(1), read(2), bulk_in(3), answers=3)
    assert got == [bulk_done(1, b"one"), read_done(2, b"d"), bulk_done(3, b"two")]


@in_loop
async def test_a_write_is_answered_with_its_length_and_no_data(tmp_path: Path) -> None:
    device = Dummy(*BULK)
    device.control = lambda _: data(b"stray")
    device.always[OUT] = data(b"stray")
    setup = Setup(0x21, 9, 0x200, 0, 3)
    async with plugged(tmp_path, device) as (_, qemu):
        asked = ControlPacket(0, 9, 0x21, 0, 0x200, 0, 3, payload=b"abc", id=1)
        assert await qemu.reply(asked) == [ControlPacket(0, 9, 0x21, 0, 0x200, 0, 3, id=1)]
        assert await qemu.reply(BulkPacket(OUT, 0, 4, 0, payload=b"data", id=2)) == [BulkPacket(OUT, 0, 4, 0, id=2)]
    assert device.asked == [(setup, b"abc"), (OUT, b"data")]


@in_loop
async def test_a_failed_write_transferred_nothing(tmp_path: Path) -> None:
    device = Dummy(*BULK)
    device.always[OUT] = STALL
    async with plugged(tmp_path, device) as (_, qemu):
        got = await qemu.reply(BulkPacket(OUT, 0, 4, 0, payload=b"data", id=2))
    assert got == [BulkPacket(OUT, WireStatus.STALL, 0, 0, id=2)]


@pytest.mark.parametrize("status", [s for s in Status if s not in (Status.NAK, Status.NEVER)])
@in_loop
async def test_every_way_to_end_has_its_status_on_the_wire(tmp_path: Path, status: Status) -> None:
    names = {Status.OK: "SUCCESS", Status.IO_ERROR: "IOERROR"}
    device = Dummy(*BULK)
    device.control = lambda _: Answer(status, b"x")
    device.always[IN] = Answer(status, b"y")
    wire = WireStatus[names.get(status, status.name)]
    async with plugged(tmp_path, device) as (_, qemu):
        got = await qemu.reply(read(1), bulk_in(2), answers=2)
    assert got == [read_done(1, b"x", wire), bulk_done(2, b"y", wire)]


@in_loop
async def test_a_control_answer_beyond_what_qemu_holds_is_cut(tmp_path: Path) -> None:
    device = Dummy()
    device.control = lambda _: data(bytes(70000))
    async with plugged(tmp_path, device) as (_, qemu):
        assert await qemu.reply(read(1, 4096)) == [read_done(1, bytes(4096))]


@in_loop
async def test_more_bulk_data_than_asked_for_is_a_babble(tmp_path: Path) -> None:
    device = Dummy(*BULK)
    device.always[IN] = data(bytes(101))
    async with plugged(tmp_path, device) as (_, qemu):
        assert await qemu.reply(bulk_in(1, 100)) == [bulk_done(1, bytes(100), WireStatus.BABBLE)]


@in_loop
async def test_a_device_that_raises_gives_an_io_error_and_the_channel_lives(tmp_path: Path) -> None:
    device = Dummy()
    device.control = lambda setup: data(bytes(1 // setup.wLength))
    async with plugged(tmp_path, device) as (port, qemu):
        assert await qemu.reply(read(1, 0)) == [read_done(1, b"", WireStatus.IOERROR)]
        assert await qemu.reply(read(2, 1)) == [read_done(2, b"\0")]
        assert [type(error) for error in port.device_errors] == [ZeroDivisionError]


@in_loop
async def test_a_delayed_answer_waits_for_the_guests_clock_and_holds_up_its_own_pipe_only(tmp_path: Path) -> None:
    clock = GuestClock()
    device = Dummy(*BULK)
    device.control = lambda _: data(b"d")
    device.answers[IN] = [Answer(data=b"late", delay_ms=20), data(b"next")]
    async with plugged(tmp_path, device, clock) as (_, qemu):
        assert await qemu.reply(bulk_in(1), bulk_in(2), read(3)) == [read_done(3, b"d")]
        await clock.advance(19)
        assert await qemu.silent()
        await clock.advance(1)
        assert await qemu.several(2) == [bulk_done(1, b"late"), bulk_done(2, b"next")]


@in_loop
async def test_an_endpoint_that_naks_is_asked_again_when_the_device_wakes_it(tmp_path: Path) -> None:
    device = Dummy(*BULK)
    async with plugged(tmp_path, device) as (_, qemu):
        qemu.send(bulk_in(1), bulk_in(2))
        assert await qemu.silent()
        device.answers[IN] = [data(b"one"), data(b"two")]
        device.wake(IN)
        assert await qemu.several(2) == [bulk_done(1, b"one"), bulk_done(2, b"two")]


@in_loop
async def test_a_write_can_be_put_off_too(tmp_path: Path) -> None:
    device = Dummy(*BULK)
    async with plugged(tmp_path, device) as (_, qemu):
        qemu.send(BulkPacket(OUT, 0, 1, 0, payload=b"a", id=1))
        assert await qemu.silent()
        device.always[OUT] = Answer()
        device.wake(OUT)
        assert await qemu.one() == BulkPacket(OUT, 0, 1, 0, id=1)


@in_loop
async def test_a_delayed_nak_is_asked_again_without_being_woken(tmp_path: Path) -> None:
    clock = GuestClock()
    device = Dummy(*BULK)
    device.answers[IN] = [Answer(Status.NAK, delay_ms=5), data(b"now")]
    async with plugged(tmp_path, device, clock) as (_, qemu):
        qemu.send(bulk_in(1))
        assert await qemu.silent()
        await clock.advance(5)
        assert await qemu.one() == bulk_done(1, b"now")


@pytest.mark.parametrize("stuck", [NEVER, NAK, Answer(data=b"late", delay_ms=1000)])
@in_loop
async def test_a_request_that_hangs_is_answered_once_when_it_is_cancelled(tmp_path: Path, stuck: Answer) -> None:
    clock = GuestClock()
    device = Dummy(*BULK)
    device.answers[IN] = [stuck, data(b"fresh")]
    async with plugged(tmp_path, device, clock) as (_, qemu):
        qemu.send(bulk_in(1), bulk_in(2))
        assert await qemu.silent()
        assert await qemu.reply(CancelDataPacket(id=1), answers=2) == [
            bulk_done(1, status=WireStatus.CANCELLED),
            bulk_done(2, b"fresh"),
        ]
        await clock.advance(1001)
        assert await qemu.silent()


@in_loop
async def test_requests_withdrawn_together_do_not_reach_the_device(tmp_path: Path) -> None:
    device = Dummy(*BULK)
    device.answers[IN] = [NEVER, data(b"for 4")]
    async with plugged(tmp_path, device) as (_, qemu):
        qemu.send(bulk_in(1), bulk_in(2), bulk_in(3))
        assert await qemu.silent()
        cancels = [CancelDataPacket(id=number) for number in (1, 2, 3)]
        cancelled = [bulk_done(number, status=WireStatus.CANCELLED) for number in (1, 2, 3)]
        assert await qemu.reply(*cancels, answers=3) == cancelled
        assert await qemu.reply(bulk_in(4)) == [bulk_done(4, b"for 4")]


@in_loop
async def test_what_is_queued_behind_a_stall_is_left_for_qemu_to_withdraw(tmp_path: Path) -> None:
    clock = GuestClock()
    device = Dummy(*BULK)
    device.answers[IN] = [Answer(Status.STALL, delay_ms=1), data(b"for 3")]
    async with plugged(tmp_path, device, clock) as (_, qemu):
        qemu.send(bulk_in(1), bulk_in(2))
        assert await qemu.silent()
        qemu.send(CancelDataPacket(id=2))
        await clock.advance(1)
        got = await qemu.several(2)
        assert {m.id for m in got} == {1, 2}
        assert await qemu.reply(bulk_in(3)) == [bulk_done(3, b"for 3")]


@in_loop
async def test_cancelling_what_is_already_answered_gives_no_second_answer(tmp_path: Path) -> None:
    device = Dummy(*BULK)
    device.always[IN] = data(b"x")
    async with plugged(tmp_path, device) as (_, qemu):
        assert await qemu.reply(bulk_in(1), CancelDataPacket(id=1)) == [bulk_done(1, b"x")]


@in_loop
async def test_streams_of_one_endpoint_do_not_wait_for_each_other(tmp_path: Path) -> None:
    device = Dummy(*BULK)
    device.answers[IN] = [NEVER, data(b"two")]
    async with plugged(tmp_path, device) as (_, qemu):
        assert await qemu.reply(bulk_in(1, stream=1), bulk_in(2, stream=2)) == [bulk_done(2, b"two", stream=2)]


@in_loop
async def test_a_device_is_told_which_stream_a_transfer_is_on(tmp_path: Path) -> None:
    class Streaming(Dummy):
        def on_stream_in(self, bEndpointAddress: int, stream_id: int, length: int) -> Answer:
            return data(f"{bEndpointAddress:#x} {stream_id} {length}".encode())

        def on_stream_out(self, bEndpointAddress: int, stream_id: int, payload: bytes) -> Answer:
            self.asked.append((bEndpointAddress, stream_id, payload))
            return Answer()

    device = Streaming(*BULK)
    async with plugged(tmp_path, device) as (_, qemu):
        assert await qemu.reply(bulk_in(1, stream=3)) == [bulk_done(1, b"0x81 3 100", stream=3)]
        write = BulkPacket(OUT, 0, 4, 5, payload=b"data", id=2)
        assert await qemu.reply(write) == [BulkPacket(OUT, 0, 4, 5, id=2)]
    assert device.asked == [(OUT, 5, b"data")]


@in_loop
async def test_streams_are_always_granted(tmp_path: Path) -> None:
    async with plugged(tmp_path, Dummy(*BULK)) as (_, qemu):
        assert await qemu.reply(AllocBulkStreams(0x20004, 16)) == [BulkStreamsStatus(0x20004, 16, 0)]
        assert await qemu.reply(FreeBulkStreams(0x20004)) == [BulkStreamsStatus(0x20004, 0, 0)]


@in_loop
async def test_an_interrupt_write_is_answered_with_its_status(tmp_path: Path) -> None:
    device = Dummy(endpoint(OUT, TransferType.INTERRUPT))
    device.answers[OUT] = [Answer(), STALL]
    packet = InterruptPacket(OUT, 0, 3, payload=b"abc", id=5)
    async with plugged(tmp_path, device) as (_, qemu):
        got = await qemu.reply(packet, packet, answers=2)
    assert got == [InterruptPacket(OUT, 0, 3, id=5), InterruptPacket(OUT, WireStatus.STALL, 0, id=5)]


@in_loop
async def test_interrupt_writes_a_device_leaves_unanswered_are_bounded(tmp_path: Path) -> None:
    device = Dummy(endpoint(OUT, TransferType.INTERRUPT))
    async with plugged(tmp_path, device) as (_, qemu):
        qemu.send(*(InterruptPacket(OUT, 0, 0, id=number) for number in range(1026)))
        assert [m.id for m in await qemu.several(2)] == [1024, 1025]
