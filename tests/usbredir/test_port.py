"""A port's life: greeting, plugging, unplugging, and a QEMU that goes away or misbehaves."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

import pytest

from harness.channel.said import Said, Sender
from harness.usbredir.codec import RemoteProtocolError
from harness.usbredir.constants import Type, WireStatus
from harness.usbredir.messages import DeviceConnect, DeviceDisconnect, DeviceDisconnectAck, FilterReject
from harness.usbredir.packets import BulkPacket, ControlPacket, StartInterruptReceiving
from harness.usbredir.said import RedirSaid
from harness.usbredir.server import Port
from usbfuzz.errors import ProtocolError, QemuError
from usbfuzz.wire import NEVER, Speed, TransferType, data

from .peer import Dummy, Qemu, channel, endpoint, in_loop, plugged

if TYPE_CHECKING:
    from pathlib import Path

    from usbfuzz.descriptors.layout import Layout

READ = ControlPacket(0x80, 6, 0x80, 0, 0x100, 0, 18, id=1)


@in_loop
async def test_a_device_is_described_and_then_connected(tmp_path: Path) -> None:
    async with channel(tmp_path) as (port, qemu):
        await port.plug(Dummy(speed=Speed.SUPER))
        *described, connect = await qemu.several(3)
        assert [m.TYPE for m in described] == [Type.EP_INFO, Type.INTERFACE_INFO]
        assert connect == DeviceConnect(3, 0, 0, 0, 0x1234, 0x5678, 0x100)


@in_loop
async def test_unplugging_cancels_what_is_pending_and_waits_for_the_acknowledgement(tmp_path: Path) -> None:
    device = Dummy(endpoint(0x81, TransferType.BULK))
    device.answers[0x81] = [NEVER]
    async with plugged(tmp_path, device) as (port, qemu):
        qemu.acknowledges = False
        qemu.send(BulkPacket(0x81, 0, 5, 0, id=1), BulkPacket(0x81, 0, 5, 0, id=2))
        assert await qemu.silent()
        unplugging = asyncio.create_task(port.unplug())
        cancelled = [BulkPacket(0x81, WireStatus.CANCELLED, 0, 0, id=number) for number in (1, 2)]
        assert await qemu.several(3) == [*cancelled, DeviceDisconnect()]
        qemu.send(READ)
        assert await qemu.silent()
        assert not unplugging.done()
        qemu.send(DeviceDisconnectAck())
        await unplugging


@in_loop
async def test_a_port_takes_one_device_after_another(tmp_path: Path) -> None:
    async with plugged(tmp_path, Dummy()) as (port, qemu):
        for _ in range(3):
            qemu.send(READ)
            assert (await qemu.one()).TYPE is Type.CONTROL_PACKET
            unplugging = asyncio.create_task(port.unplug())
            assert await qemu.one() == DeviceDisconnect()
            await unplugging
            assert port.requests == 1
            await port.plug(Dummy())
            assert port.requests == 0
            await qemu.several(3)


@in_loop
async def test_a_disconnect_that_is_not_confirmed_is_an_error_after_a_while(tmp_path: Path) -> None:
    async with plugged(tmp_path, Dummy()) as (port, _):
        with pytest.raises(QemuError, match=r"did not confirm that the device is gone \(waited 0.01 s\)"):
            await port.unplug(0.01)


@in_loop
async def test_a_second_device_or_none_is_the_callers_mistake(tmp_path: Path) -> None:
    async with plugged(tmp_path, Dummy()) as (port, qemu):
        with pytest.raises(ProtocolError, match="a device is plugged in already"):
            await port.plug(Dummy())
        unplugging = asyncio.create_task(port.unplug())
        await qemu.one()
        await unplugging
        with pytest.raises(ProtocolError, match="no device is plugged in"):
            await port.unplug()


@in_loop
async def test_a_device_without_a_layout_is_the_callers_error_and_leaves_the_port_usable(tmp_path: Path) -> None:
    class Broken(Dummy):
        def layout(self) -> Layout:
            raise ZeroDivisionError

    async with channel(tmp_path) as (port, qemu):
        with pytest.raises(ZeroDivisionError):
            await port.plug(Broken())
        await port.plug(Dummy())
        assert len(await qemu.several(3)) == 3


@in_loop
async def test_a_qemu_that_disappears_fails_everything_that_waits(tmp_path: Path) -> None:
    async with plugged(tmp_path, Dummy()) as (port, qemu):
        qemu.acknowledges = False
        waiting = asyncio.create_task(port.wait_requests(5))
        unplugging = asyncio.create_task(port.unplug())
        await qemu.several(1)
        qemu.writer.transport.abort()
        for task in (waiting, unplugging):
            with pytest.raises(QemuError, match="closed the usb-redir channel"):
                await task
        await port.closed.wait()
        with pytest.raises(QemuError):
            await port.plug(Dummy())


@in_loop
async def test_a_device_that_is_woken_after_its_qemu_went_is_not_asked(tmp_path: Path) -> None:
    device = Dummy(endpoint(0x81, TransferType.INTERRUPT))
    async with plugged(tmp_path, device) as (port, qemu):
        qemu.send(StartInterruptReceiving(0x81))
        await qemu.one()
        device.asked.clear()
        qemu.writer.transport.abort()
        await port.closed.wait()
        device.wake(0x81)
        await asyncio.sleep(0)
        assert device.asked == []


@in_loop
async def test_a_peer_that_breaks_the_protocol_is_dropped_and_named(tmp_path: Path) -> None:
    async with plugged(tmp_path, Dummy()) as (port, qemu):
        qemu.writer.write(b"\x63" + bytes(15))
        await port.closed.wait()
        with pytest.raises(QemuError, match="sent type 99 while the session was connected") as raised:
            await port.wait_requests(1)
        assert isinstance(raised.value.__cause__, RemoteProtocolError)


@in_loop
async def test_a_rejected_device_is_reported_and_can_be_unplugged(tmp_path: Path) -> None:
    async with plugged(tmp_path, Dummy()) as (port, qemu):
        waiting = asyncio.create_task(port.wait_requests(1))
        await asyncio.sleep(0)
        qemu.send(FilterReject(), READ)
        with pytest.raises(QemuError, match="rejected the device"):
            await waiting
        assert port.rejected
        unplugging = asyncio.create_task(port.unplug())
        assert await qemu.one() == DeviceDisconnect()
        await unplugging
        assert not port.rejected


@in_loop
async def test_requests_can_be_waited_for(tmp_path: Path) -> None:
    async with plugged(tmp_path, Dummy()) as (port, qemu):
        waiting = asyncio.create_task(port.wait_requests(3))
        qemu.send(READ, READ)
        await qemu.several(2)
        assert not waiting.done()
        qemu.send(READ)
        await waiting
        await port.wait_requests(3)


@in_loop
async def test_the_trace_sees_both_directions(tmp_path: Path) -> None:
    seen: list[Said] = []
    device = Dummy()
    device.control = lambda _: data(b"d")
    async with plugged(tmp_path, device) as (port, qemu):
        port.trace = lambda _, said: seen.append(said)
        qemu.send(READ)
        answer = await qemu.one()
    assert seen == [RedirSaid(Sender.GUEST, READ), RedirSaid(Sender.HOST, answer)]


@in_loop
async def test_a_busy_event_loop_shows_in_the_worst_reply(tmp_path: Path) -> None:
    async with plugged(tmp_path, Dummy()) as (port, qemu):
        qemu.send(READ)
        await qemu.one()
        assert port.worst_reply < 0.05
        await asyncio.sleep(0.01)
        qemu.send(READ)
        time.sleep(0.1)  # noqa: ASYNC251  the point of the test
        await qemu.one()
        assert 0.09 < port.worst_reply < 0.5


@in_loop
async def test_a_qemu_that_does_not_greet_is_an_error_after_a_while(tmp_path: Path) -> None:
    port = await Port.listen(tmp_path / "s")
    with pytest.raises(QemuError, match="did not greet us; the machine may be paused"):
        await port.plug(Dummy(), greeting_s=0.01)
    port.close()


@in_loop
async def test_a_port_can_wait_for_qemu_to_connect(tmp_path: Path) -> None:
    port = await Port.listen(tmp_path / "s")
    plugging = asyncio.create_task(port.plug(Dummy()))
    qemu = Qemu(*await asyncio.open_unix_connection(tmp_path / "s"))
    await qemu.greet()
    await plugging
    assert len(await qemu.several(3)) == 3
    port.close()
    await port.closed.wait()
    qemu.writer.close()


@in_loop
async def test_a_socket_nobody_listens_on_is_a_qemu_error_that_names_it(tmp_path: Path) -> None:
    with pytest.raises(QemuError, match=r"Cannot connect to QEMU's usb-redir socket .*/s"):
        await Port.connect(tmp_path / "s")
