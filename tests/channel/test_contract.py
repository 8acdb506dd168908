"""The contract of a channel, state by state, kept by each of them."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from harness.channel import events
from harness.channel.asked import Asked
from harness.channel.conversation import Recorder
from harness.channel.protocol import LEGAL, ChannelState
from harness.channel.said import Said, Sender
from harness.usbip.server import Server
from tests.usbredir.peer import Dummy, in_loop
from usbfuzz.errors import InfraError, ProtocolError, QemuError
from usbfuzz.report.capture import usbmon_packets
from usbfuzz.wire import NAK, Answer, Setup, Status, TransferType, data

from .ends import ENDS, End, RedirEnd, UsbipEnd, brought

S = ChannelState
CASES = [(kind, state) for kind in ENDS for state in S if (kind, state) != (UsbipEnd, S.OPENING)]
in_every_state = pytest.mark.parametrize(
    ("kind", "state"), CASES, ids=[f"{kind.__name__}-{state.value}" for kind, state in CASES]
)
of_each = pytest.mark.parametrize("kind", ENDS)


async def _catch_up(end: End, state: ChannelState) -> None:
    """Do what the channel may be waiting for."""
    if state is S.OPENING:
        await end.welcome()
    if state is S.UNPLUGGING:
        await end.confirm()


@in_every_state
@in_loop
async def test_a_device_is_plugged_in_where_that_is_legal(tmp_path: Path, kind: type[End], state: ChannelState) -> None:
    async with brought(kind, tmp_path, state) as end:
        plugging = asyncio.create_task(end.channel.plug(Dummy()))
        if state in LEGAL["plug"]:
            await asyncio.sleep(0)
            await _catch_up(end, state)
            await plugging
            assert end.channel.state is S.PLUGGED
        elif state is S.CLOSED:
            with pytest.raises(InfraError, match="closed"):
                await plugging
        else:
            with pytest.raises(ProtocolError, match=r"cannot plug a device: a device is plugged in already"):
                await plugging


@in_every_state
@in_loop
async def test_a_device_is_unplugged_where_that_is_legal(tmp_path: Path, kind: type[End], state: ChannelState) -> None:
    async with brought(kind, tmp_path, state) as end:
        if state in LEGAL["unplug"]:
            task = await end.unplugging()
            assert end.channel.state.value == "unplugging"
            await end.confirm()
            await task
            assert end.channel.state.value == "empty"
        elif state is S.CLOSED:
            with pytest.raises(InfraError, match="closed"):
                await end.channel.unplug()
        else:
            with pytest.raises(ProtocolError, match=r"cannot unplug a device: (no|its) device is"):
                await end.channel.unplug()
            assert end.channel.state is state


@in_every_state
@in_loop
async def test_everything_else_may_be_called_in_every_state(
    tmp_path: Path, kind: type[End], state: ChannelState
) -> None:
    async with brought(kind, tmp_path, state) as end:
        channel = end.channel
        assert (channel.requests, channel.device_errors, channel.rejected) == (0, [], False)
        assert state.value in repr(channel)
        assert channel.name in repr(channel)
        await channel.wait_requests(0)
        channel.fail()
        waiting = asyncio.create_task(channel.wait_requests(1))
        await asyncio.sleep(0)
        channel.close()
        channel.close()
        with pytest.raises(InfraError, match="closed") as raised:
            await waiting
        assert isinstance(raised.value, QemuError) == (kind is RedirEnd)
        await channel.closed.wait()
        assert channel.state is S.CLOSED


@of_each
@in_loop
async def test_what_is_asked_is_counted_timed_and_said(tmp_path: Path, kind: type[End]) -> None:
    said: list[Said] = []
    device = Dummy()
    device.control = lambda _: data(b"descriptor")
    async with brought(kind, tmp_path, S.EMPTY) as end:
        await end.channel.plug(device)
        waiting = asyncio.create_task(end.channel.wait_requests(1))
        await asyncio.sleep(0)
        assert (end.channel.requests, end.channel.worst_reply, end.channel.asked) == (0, 0.0, None)
        end.channel.trace = lambda _, message: said.append(message)
        await end.ask()
        await waiting
        assert end.channel.requests == 1
        assert end.channel.asked == Asked(0, Setup(0x80, 6, 0x100, 0, 18))
        assert 0.0 < end.channel.worst_reply < 5.0
    asked = [message for message in said if isinstance(message.event(), events.Submitted)]
    answered = [message for message in said if isinstance(message.event(), events.Completed)]
    assert [message.sender for message in (*asked, *answered)] == [Sender.GUEST, Sender.HOST]
    assert "GET_DESCRIPTOR" in asked[0].line()
    (submitted, completed) = asked[0].event(), answered[0].event()
    assert isinstance(submitted, events.Submitted)
    assert isinstance(completed, events.Completed)
    assert (submitted.type, submitted.endpoint, submitted.length) == (TransferType.CONTROL, 0x80, 18)
    assert submitted.setup == Setup(0x80, 6, 0x100, 0, 18)
    assert (completed.id, completed.status, completed.data) == (submitted.id, Status.OK, b"descriptor")


@of_each
@in_loop
async def test_what_is_asked_of_a_device_that_fails_ends_in_io_errors_also_what_it_has_put_off(
    tmp_path: Path, kind: type[End]
) -> None:
    said: list[Said] = []
    asked: list[Setup] = []
    device = Dummy()

    def put_off(setup: Setup) -> Answer:
        asked.append(setup)
        return NAK

    device.control = put_off
    async with brought(kind, tmp_path, S.EMPTY) as end:
        await end.channel.plug(device)
        end.channel.trace = lambda _, message: said.append(message)
        asking = asyncio.create_task(end.ask())
        await end.channel.wait_requests(1)
        end.channel.fail()
        await asking
        await end.ask()
        assert end.channel.state is S.PLUGGED
    answers = [event for message in said if isinstance(event := message.event(), events.Completed)]
    assert [answer.status for answer in answers] == [Status.IO_ERROR] * 2
    assert len(asked) == 1


@of_each
@in_loop
async def test_what_was_said_is_a_capture_whatever_channel_it_was_said_on(tmp_path: Path, kind: type[End]) -> None:
    recorder = Recorder()
    device = Dummy()
    device.control = lambda _: data(b"descriptor")
    async with brought(kind, tmp_path, S.EMPTY) as end:
        recorder.listen([end.channel])
        await end.channel.plug(device)
        await end.ask()
    submitted, completed = usbmon_packets(recorder.conversation())
    assert "port 0: 1234:5678 plugged in" in submitted.comment
    number = submitted.data[:8]
    assert submitted.data[8:11] == b"S\x02\x80"
    assert submitted.data[40:48] == Setup(0x80, 6, 0x100, 0, 18).pack()
    assert completed.data[:11] == number + b"C\x02\x80"
    assert completed.data[28:32] == bytes(4), "status 0"
    assert completed.data[64:] == b"descriptor"


@of_each
@in_loop
async def test_an_exception_of_the_device_is_kept_and_told_and_the_channel_goes_on(
    tmp_path: Path, kind: type[End]
) -> None:
    told: list[Exception] = []
    device = Dummy()

    def broken(setup: Setup) -> Answer:
        del setup
        raise ZeroDivisionError

    device.control = broken
    async with brought(kind, tmp_path, S.EMPTY) as end:
        end.channel.on_device_error = told.append
        await end.channel.plug(device)
        await end.ask()
        await end.ask()
        assert [type(error) for error in end.channel.device_errors] == [ZeroDivisionError] * 2
        assert told == end.channel.device_errors
        assert end.channel.state is S.PLUGGED


@in_loop
async def test_a_device_that_no_client_has_is_unplugged_at_once(tmp_path: Path) -> None:
    async with brought(UsbipEnd, tmp_path, S.PLUGGED) as end:
        await end.channel.unplug()
        assert end.channel.state is S.EMPTY
        assert isinstance(end.channel, Server)
        assert end.channel.listed().devices == ()
