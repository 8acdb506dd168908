"""Pushed packets: as fast as the guest's clock lets the endpoint, and no faster."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from harness.usbredir.constants import WireStatus
from harness.usbredir.packets import (
    InterruptPacket,
    InterruptReceivingStatus,
    IsoPacket,
    IsoStreamStatus,
    StartInterruptReceiving,
    StartIsoStream,
    StopInterruptReceiving,
    StopIsoStream,
)
from harness.usbredir.streams import period_ms
from usbfuzz.wire import NAK, NEVER, STALL, Answer, Speed, Status, TransferType, data

from .peer import Dummy, GuestClock, Qemu, endpoint, in_loop, plugged

if TYPE_CHECKING:
    from pathlib import Path

    from harness.usbredir.message import Message

IN, OUT = 0x81, 0x02
BURST = 16


def interrupt(interval: int = 8, size: int = 8) -> Dummy:
    """A device with an interrupt IN endpoint; at high speed, bInterval 8 is 16 ms."""
    return Dummy(endpoint(IN, TransferType.INTERRUPT, size, interval))


def report(payload: bytes, status: int = 0) -> InterruptPacket:
    return InterruptPacket(IN, status, len(payload), payload=payload)


async def everything(qemu: Qemu) -> list[Message]:
    """All that comes until it is quiet."""
    got: list[Message] = []
    while not await qemu.silent():
        got.append(await qemu.one())
    return got


@in_loop
async def test_reports_are_pushed_until_the_device_has_none_and_again_when_it_has(tmp_path: Path) -> None:
    device = interrupt()
    device.answers[IN] = [data(b"one"), data(b""), data(b"two")]
    async with plugged(tmp_path, device) as (port, qemu):
        started = InterruptReceivingStatus(0, IN, id=4)
        qemu.send(StartInterruptReceiving(IN, id=4))
        assert await everything(qemu) == [started, report(b"one"), report(b""), report(b"two")]
        assert device.asked[0] == (IN, 8)
        device.answers[IN] = [data(b"three")]
        device.wake(IN)
        assert await everything(qemu) == [report(b"three")]
        assert port.requests == 1


@in_loop
async def test_an_endpoint_that_always_has_data_gets_a_burst_and_then_its_interval(tmp_path: Path) -> None:
    clock = GuestClock()
    device = interrupt(interval=8)
    device.always[IN] = data(b"x")
    async with plugged(tmp_path, device, clock) as (_, qemu):
        qemu.send(StartInterruptReceiving(IN))
        assert len(await everything(qemu)) == 1 + BURST
        await clock.advance(15)
        assert await qemu.silent()
        await clock.advance(1)
        assert await everything(qemu) == [report(b"x")]
        await clock.advance(160)
        assert len(await everything(qemu)) == 10


@in_loop
async def test_a_fast_endpoint_is_served_in_batches_at_its_rate(tmp_path: Path) -> None:
    clock = GuestClock()
    device = interrupt(interval=1)
    device.always[IN] = data(b"x")
    async with plugged(tmp_path, device, clock) as (_, qemu):
        qemu.send(StartInterruptReceiving(IN))
        await everything(qemu)
        await clock.advance(100)
        assert len(await everything(qemu)) == 100 * 8


@in_loop
async def test_a_report_longer_than_a_packet_goes_as_several(tmp_path: Path) -> None:
    device = interrupt(size=8)
    device.answers[IN] = [data(bytes(range(20)))]
    async with plugged(tmp_path, device) as (_, qemu):
        qemu.send(StartInterruptReceiving(IN))
        _, *packets = await everything(qemu)
    assert packets == [report(bytes(range(8))), report(bytes(range(8, 16))), report(bytes(range(16, 20)))]


@in_loop
async def test_a_stall_ends_the_polling_until_qemu_starts_it_again(tmp_path: Path) -> None:
    device = interrupt()
    device.answers[IN] = [data(b"x"), STALL, data(b"y")]
    stalled = InterruptReceivingStatus(WireStatus.STALL, IN)
    async with plugged(tmp_path, device) as (_, qemu):
        qemu.send(StartInterruptReceiving(IN))
        assert (await everything(qemu))[1:] == [report(b"x"), stalled]
        device.wake(IN)
        assert await qemu.silent()
        qemu.send(StartInterruptReceiving(IN))
        assert (await everything(qemu))[1:] == [report(b"y")]


@in_loop
async def test_other_errors_are_packets_of_their_own(tmp_path: Path) -> None:
    device = interrupt()
    device.answers[IN] = [Answer(Status.BABBLE, b"b"), Answer(Status.IO_ERROR)]
    async with plugged(tmp_path, device) as (_, qemu):
        qemu.send(StartInterruptReceiving(IN))
        assert (await everything(qemu))[1:] == [report(b"b", WireStatus.BABBLE), report(b"", WireStatus.IOERROR)]


@in_loop
async def test_a_delayed_report_waits_for_the_guests_clock(tmp_path: Path) -> None:
    clock = GuestClock()
    device = interrupt()
    device.answers[IN] = [Answer(data=b"late", delay_ms=30), data(b"next")]
    async with plugged(tmp_path, device, clock) as (_, qemu):
        assert await qemu.reply(StartInterruptReceiving(IN)) == [InterruptReceivingStatus(0, IN)]
        await clock.advance(29)
        assert await qemu.silent()
        await clock.advance(1)
        assert await everything(qemu) == [report(b"late"), report(b"next")]


@in_loop
async def test_never_means_never_even_when_woken(tmp_path: Path) -> None:
    device = interrupt()
    device.answers[IN] = [NEVER, data(b"x")]
    async with plugged(tmp_path, device) as (_, qemu):
        qemu.send(StartInterruptReceiving(IN))
        await qemu.one()
        device.wake(IN)
        assert await qemu.silent()


@in_loop
async def test_nothing_is_pushed_after_the_stop(tmp_path: Path) -> None:
    clock = GuestClock()
    device = interrupt()
    device.always[IN] = data(b"x")
    async with plugged(tmp_path, device, clock) as (_, qemu):
        qemu.send(StartInterruptReceiving(IN), StopInterruptReceiving(IN, id=3))
        assert (await everything(qemu))[-1] == InterruptReceivingStatus(0, IN, id=3)
        await clock.advance(100)
        assert await qemu.silent()


@in_loop
async def test_an_endpoint_the_device_does_not_have_is_invalid(tmp_path: Path) -> None:
    async with plugged(tmp_path, Dummy()) as (_, qemu):
        assert await qemu.reply(StartInterruptReceiving(IN)) == [InterruptReceivingStatus(WireStatus.INVAL, IN)]


@pytest.mark.parametrize("before", [NAK, NEVER, Answer(delay_ms=500)], ids=["nothing", "never", "late"])
@in_loop
async def test_an_endpoint_of_a_device_that_fails_ends_each_poll_in_an_error_at_its_rate(
    tmp_path: Path, before: Answer
) -> None:
    clock = GuestClock()
    device = interrupt(interval=8)
    device.answers[IN] = [before]
    device.always[IN] = data(b"x")
    error = report(b"", WireStatus.IOERROR)
    async with plugged(tmp_path, device, clock) as (port, qemu):
        qemu.send(StartInterruptReceiving(IN))
        assert await everything(qemu) == [InterruptReceivingStatus(0, IN)]
        port.fail()
        assert await everything(qemu) == [error] * BURST
        await clock.advance(16)
        assert await everything(qemu) == [error]


@in_loop
async def test_what_is_written_to_a_device_that_fails_does_not_reach_it(tmp_path: Path) -> None:
    device = Dummy(endpoint(OUT, TransferType.ISOCHRONOUS, 192))
    async with plugged(tmp_path, device) as (port, qemu):
        assert await qemu.reply(StartIsoStream(OUT, 10, 6)) == [IsoStreamStatus(0, OUT)]
        port.fail()
        qemu.send(IsoPacket(OUT, 0, 3, payload=b"abc"))
        assert await qemu.silent()
    assert not device.asked


@in_loop
async def test_an_isochronous_stream_prefills_what_qemu_asks_for_and_then_keeps_pace(tmp_path: Path) -> None:
    clock = GuestClock()
    device = Dummy(endpoint(IN, TransferType.ISOCHRONOUS, 192, interval=4))
    device.always[IN] = data(bytes(192))
    packet = IsoPacket(IN, 0, 192, payload=bytes(192))
    async with plugged(tmp_path, device, clock) as (_, qemu):
        qemu.send(StartIsoStream(IN, 10, 6, id=9))
        assert await everything(qemu) == [IsoStreamStatus(0, IN, id=9)] + [packet] * 60
        await clock.advance(50)
        assert await everything(qemu) == [packet] * 50
        assert await qemu.reply(StopIsoStream(IN, id=10)) == [IsoStreamStatus(0, IN, id=10)]
        await clock.advance(50)
        assert await qemu.silent()


@in_loop
async def test_isochronous_writes_reach_the_device_unanswered_but_for_a_stall(tmp_path: Path) -> None:
    device = Dummy(endpoint(OUT, TransferType.ISOCHRONOUS, 192))
    device.answers[OUT] = [Answer(), STALL]
    packet = IsoPacket(OUT, 0, 3, payload=b"abc")
    async with plugged(tmp_path, device) as (_, qemu):
        assert await qemu.reply(StartIsoStream(OUT, 10, 6)) == [IsoStreamStatus(0, OUT)]
        qemu.send(packet)
        assert await qemu.silent()
        assert await qemu.reply(packet) == [IsoStreamStatus(WireStatus.STALL, OUT)]
    assert device.asked == [(OUT, b"abc")] * 2


@pytest.mark.parametrize(
    ("kind", "interval", "speed", "ms"),
    [
        (TransferType.INTERRUPT, 10, Speed.LOW, 10),
        (TransferType.INTERRUPT, 255, Speed.FULL, 255),
        (TransferType.INTERRUPT, 1, Speed.HIGH, 0.125),
        (TransferType.INTERRUPT, 16, Speed.SUPER, 4096),
        (TransferType.INTERRUPT, 255, Speed.HIGH, 4096),
        (TransferType.ISOCHRONOUS, 1, Speed.FULL, 1),
        (TransferType.ISOCHRONOUS, 4, Speed.HIGH, 1),
        (TransferType.INTERRUPT, 0, Speed.HIGH, 0.125),
    ],
)
def test_the_interval_means_what_the_speed_makes_of_it(
    kind: TransferType, interval: int, speed: Speed, ms: float
) -> None:
    assert period_ms(endpoint(IN, kind, interval=interval), speed) == ms
