"""A device offered over USB/IP: what a client sees of every kind of transfer."""

from __future__ import annotations

import functools
import time
from collections.abc import Awaitable, Callable
from errno import ECONNRESET, EOVERFLOW, EPIPE, EPROTO, EREMOTEIO

from harness.usbip.server import Server
from usbfuzz.case.model import ControlScript, DeviceSpec, Step
from usbfuzz.case.play import ScriptedDevice
from usbfuzz.descriptors.constants import ClassCode
from usbfuzz.device import Device, build, control_in, endpoint_in, endpoint_out
from usbfuzz.device import Reply as DeviceReply
from usbfuzz.models.serial.acm import Modem
from usbfuzz.wire import NAK, STALL, Answer, Setup, Status, TransferType

from .peer import IN, OUT, Client, client
from .serving import Watcher, serve

GET_DEVICE = "80 06 00 01 00 00 12 00"
SET_CONFIGURATION = "00 09 01 00 00 00 00 00"
SHORT_NOT_OK = 1


class Sample(Device):
    """One endpoint for each thing that can happen."""

    device = build.device(idVendor=0x1209, idProduct=1)
    configurations = (
        build.configuration(
            build.interface(bInterfaceClass=ClassCode.VENDOR_SPECIFIC, bNumEndpoints=1),
            build.endpoint(0x81, TransferType.BULK, wMaxPacketSize=512),
        ),
    )

    def __init__(self) -> None:
        super().__init__()
        self.got = b""
        self.ticks = 0

    @endpoint_in(0x81)
    def over_long(self, length: int) -> DeviceReply:
        return Answer(data=bytes(length + 1))

    @endpoint_in(0x82)
    def short(self, _length: int) -> DeviceReply:
        return b"ab"

    @endpoint_in(0x83)
    def broken(self, _length: int) -> DeviceReply:
        raise ZeroDivisionError("a bug of the user's")

    @endpoint_in(0x84)
    def tick(self, _length: int) -> DeviceReply:
        self.ticks += 1
        return bytes((self.ticks & 0xFF,))

    @endpoint_in(0x85)
    def sample(self, length: int) -> DeviceReply:
        self.ticks += 1
        return (NAK, b"\x55" * length, Answer(data=b"\xaa" * (length + 1)), STALL)[self.ticks % 4]

    @endpoint_out(0x06)
    def play(self, payload: bytes) -> DeviceReply:
        self.got += payload
        return STALL if payload == b"no" else None

    @endpoint_in(0x87)
    def late(self, _length: int) -> DeviceReply:
        return Answer(data=b"late", delay_ms=60)

    @control_in(bRequest=1)
    def over_long_control(self, setup: Setup) -> DeviceReply:
        return Answer(data=bytes(setup.wLength + 9))


Body = Callable[[Client, Device, Watcher], Awaitable[None]]


def attached(make: Callable[[], Device] = Sample) -> Callable[[Body], Callable[[], None]]:
    """A test of one client that has the device."""

    def decorate(body: Body) -> Callable[[], None]:
        async def use(server: Server, watcher: Watcher) -> None:
            devices: list[Device] = []

            def remembered() -> Device:
                devices.append(make())
                return devices[-1]

            await server.unplug()
            server.offer(remembered)
            async with client(server.port) as peer:
                assert await peer.attach() == 0
                await body(peer, devices[-1], watcher)

        @functools.wraps(body)
        def test() -> None:
            serve(make, use)

        del test.__wrapped__  # pytest would ask for the body's arguments
        return test

    return decorate


@attached()
async def test_control_transfers_reach_the_device_and_it_configures(
    peer: Client, device: Device, watcher: Watcher
) -> None:
    done = await peer.control(GET_DEVICE)
    assert (done.status, done.data) == (0, device.device)
    assert (await peer.control(SET_CONFIGURATION)).status == 0
    assert device.configuration == 1
    assert (await peer.control("00 09 07 00 00 00 00 00")).status == -EPIPE
    assert (await peer.control("01 0b 02 00 00 00 00 00")).status == 0
    assert device.alternate == {0: 2}
    assert (await peer.control("00 05 09 00 00 00 00 00")).status == 0, "SET_ADDRESS is the host controller's"
    assert (await peer.control("80 06 0f 03 00 00 ff 00")).status == -EPIPE


@attached()
async def test_an_over_long_answer_is_cut_to_the_hosts_buffer(peer: Client, device: Device, watcher: Watcher) -> None:
    assert (await peer.control("a0 01 00 00 00 00 04 00")).data == bytes(4)
    done = await peer.reply(peer.submit(IN, 1, 16))
    assert (done.status, done.data) == (-EOVERFLOW, bytes(16))


@attached()
async def test_a_short_answer_is_an_error_only_if_the_driver_says_so(
    peer: Client, device: Device, watcher: Watcher
) -> None:
    assert await peer.reply(peer.submit(IN, 2, 16)) == await peer.reply(peer.submit(IN, 2, 16, flags=0x200))
    done = await peer.reply(peer.submit(IN, 2, 16, flags=SHORT_NOT_OK))
    assert (done.status, done.data) == (-EREMOTEIO, b"ab")


@attached()
async def test_an_exception_of_the_device_is_an_io_error_and_is_told(
    peer: Client, device: Device, watcher: Watcher
) -> None:
    assert (await peer.reply(peer.submit(IN, 3, 16))).status == -EPROTO
    assert [type(error) for error in watcher.device_errors] == [ZeroDivisionError]


@attached()
async def test_an_interrupt_endpoint_is_asked_at_its_interval(peer: Client, device: Device, watcher: Watcher) -> None:
    started = time.monotonic()
    urbs = [peer.submit(IN, 4, 8, interval=80) for _ in range(6)]  # microframes: 10 ms
    assert [(await peer.reply(urb)).data for urb in urbs] == [bytes((n,)) for n in range(1, 7)]
    assert 0.045 < time.monotonic() - started < 1


@attached()
async def test_an_isochronous_read_has_an_end_for_each_packet_and_takes_its_time(
    peer: Client, device: Device, watcher: Watcher
) -> None:
    started = time.monotonic()
    iso = tuple((n * 4, 4) for n in range(4))
    done = await peer.reply(peer.submit(IN, 5, 16, interval=80, iso=iso))
    assert 0.035 < time.monotonic() - started < 1
    ends = ((4, 0), (4, -EOVERFLOW), (0, -EPIPE), (0, 0))
    assert done.packets == tuple((*place, *end) for place, end in zip(iso, ends, strict=True))
    assert (done.status, done.data) == (0, b"\x55" * 4 + b"\xaa" * 4)


@attached()
async def test_an_isochronous_write_reaches_the_device_packet_by_packet(
    peer: Client, device: Device, watcher: Watcher
) -> None:
    done = await peer.reply(peer.submit(OUT, 6, 6, b"yesno!", interval=1, iso=((0, 3), (3, 2))))
    assert [packet[2:] for packet in done.packets] == [(3, 0), (0, -EPIPE)]
    assert isinstance(device, Sample)
    assert device.got == b"yesno"


@attached()
async def test_a_delayed_answer_holds_up_what_is_behind_it(peer: Client, device: Device, watcher: Watcher) -> None:
    started = time.monotonic()
    first, second = peer.submit(IN, 7, 8), peer.submit(IN, 7, 8)
    assert (await peer.control(GET_DEVICE)).status == 0
    await peer.reply(second)
    assert peer.order[-2:] == [first, second]
    assert time.monotonic() - started > 0.11


@attached(Modem)
async def test_a_read_waits_until_the_device_has_something(peer: Client, device: Device, watcher: Watcher) -> None:
    read = peer.submit(IN, 1, 64)
    wrote = await peer.reply(peer.submit(OUT, 2, 5, b"hello"))
    assert (wrote.status, wrote.actual_length) == (0, 5)
    assert (await peer.reply(read)).data == b"hello"


@attached(Modem)
async def test_an_unlinked_read_gets_no_other_answer_and_the_next_gets_the_data(
    peer: Client, device: Device, watcher: Watcher
) -> None:
    first, second = peer.submit(IN, 1, 64), peer.submit(IN, 1, 64)
    gone = await peer.reply(peer.unlink(first))
    assert (gone.status, gone.unlinked) == (-ECONNRESET, True)
    await peer.reply(peer.submit(OUT, 2, 2, b"hi"))
    assert (await peer.reply(second)).data == b"hi"
    assert first not in peer.replies
    late = await peer.reply(peer.unlink(second))
    assert (late.status, late.unlinked) == (0, True)


def test_a_script_for_set_configuration_decides_as_on_the_other_channel() -> None:
    steps = (Step(Answer(Status.STALL)), Step(Answer()))
    spec = DeviceSpec("s", Sample.device, Sample.configurations, control=(ControlScript(steps, bRequest=9),))

    async def body(peer: Client, device: Device, watcher: Watcher) -> None:
        for status, configuration in ((-EPIPE, 0), (0, 1)):
            assert (await peer.control(SET_CONFIGURATION)).status == status
            assert device.configuration == configuration

    attached(lambda: ScriptedDevice(spec))(body)()
