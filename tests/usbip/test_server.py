"""A device offered over USB/IP: what a client sees of every kind of transfer, and of other clients."""

from __future__ import annotations

import asyncio
import functools
import struct
import subprocess
import time
from collections.abc import Awaitable, Callable
from errno import ECONNRESET, EOVERFLOW, EPIPE, EPROTO, EREMOTEIO

import pytest
from attrs import define, field

from harness.usbip import exporter
from harness.usbip.messages import Reply, Request
from harness.usbip.server import Server
from harness.usbredir.constants import Sender
from usbfuzz.case.model import ControlScript, DeviceSpec, Step
from usbfuzz.case.play import ScriptedDevice
from usbfuzz.descriptors.constants import ClassCode
from usbfuzz.device import Device, build, control_in, endpoint_in, endpoint_out
from usbfuzz.device import Reply as DeviceReply
from usbfuzz.errors import InputError
from usbfuzz.models.serial.acm import Modem
from usbfuzz.wire import NAK, STALL, Answer, Setup, Status, TransferType

from .attached import usbip_tool
from .peer import IN, OUT, Client, client

GET_DEVICE = "80 06 00 01 00 00 12 00"
SET_CONFIGURATION = "00 09 01 00 00 00 00 00"
SHORT_NOT_OK = 1


class Bench(Device):
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


@define
class Watcher:
    notes: list[str] = field(factory=list)
    faults: list[Exception] = field(factory=list)
    messages: list[tuple[Sender, Request | Reply]] = field(factory=list)

    def note(self, text: str) -> None:
        self.notes.append(text)

    def fault(self, error: Exception) -> None:
        self.faults.append(error)

    def usbip(self, sender: Sender, message: Request | Reply) -> None:
        self.messages.append((sender, message))


Body = Callable[[Client, Device, Watcher], Awaitable[None]]


def _serve(make: Callable[[], Device], body: Callable[[Server, Watcher], Awaitable[None]]) -> None:
    async def run() -> None:
        watcher = Watcher()
        server = await Server.start(make, watcher, "127.0.0.1", 0)
        try:
            await body(server, watcher)
        finally:
            await server.close()

    asyncio.run(run())


def attached(make: Callable[[], Device] = Bench) -> Callable[[Body], Callable[[], None]]:
    """A test of one client that has the device."""

    def decorate(body: Body) -> Callable[[], None]:
        async def use(server: Server, watcher: Watcher) -> None:
            devices: list[Device] = []

            def remembered() -> Device:
                devices.append(make())
                return devices[-1]

            server.make = remembered
            async with client(server.port) as peer:
                assert await peer.attach() == 0
                await body(peer, devices[-1], watcher)

        @functools.wraps(body)
        def test() -> None:
            _serve(make, use)

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
    assert [type(error) for error in watcher.faults] == [ZeroDivisionError]


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
    assert isinstance(device, Bench)
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
    spec = DeviceSpec("s", Bench.device, Bench.configurations, control=(ControlScript(steps, bRequest=9),))

    async def body(peer: Client, device: Device, watcher: Watcher) -> None:
        for status, configuration in ((-EPIPE, 0), (0, 1)):
            assert (await peer.control(SET_CONFIGURATION)).status == status
            assert device.configuration == configuration

    attached(lambda: ScriptedDevice(spec))(body)()


def test_one_client_has_the_device_and_the_next_gets_a_new_one() -> None:
    async def use(server: Server, watcher: Watcher) -> None:
        async with client(server.port) as first:
            assert await first.attach() == 0
            async with client(server.port) as second:
                assert await second.attach() == 2, "ST_DEV_BUSY"
            async with client(server.port) as looking:
                assert (await looking.list())[8:] == struct.pack(">I", 0)
        async with asyncio.timeout(5):
            while not any("can be attached again" in note for note in watcher.notes):
                await asyncio.sleep(0.01)
        async with client(server.port) as third:
            assert await third.attach("2-1") == 4, "ST_NODEV"
        async with client(server.port) as fourth:
            assert await fourth.attach() == 0

    _serve(Bench, use)


def test_a_device_that_cannot_be_made_for_a_client_is_an_error_there_and_here() -> None:
    async def use(server: Server, watcher: Watcher) -> None:
        def fails() -> Device:
            raise InputError("mine.py:4: no disk")

        server.make = fails
        async with client(server.port) as peer:
            assert await peer.attach() == 3, "ST_DEV_ERR"
        assert [str(error) for error in watcher.faults] == ["mine.py:4: no disk"]

    _serve(Bench, use)


@pytest.mark.parametrize("case", ["nonsense", "too many", "a number twice"])
def test_a_client_that_breaks_the_rules_is_dropped_and_the_next_is_served(
    case: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exporter, "MAX_PENDING", 8)

    async def use(server: Server, watcher: Watcher) -> None:
        async with client(server.port) as peer:
            assert await peer.attach() == 0
            if case == "nonsense":
                peer.writer.write(b"GET / HTTP/1.1\r\n".ljust(48, b"\0"))
            for number in range(9 if case == "too many" else 2):
                peer._last = number if case == "too many" else 0
                peer.submit(IN, 9, 8)
            with pytest.raises((asyncio.IncompleteReadError, ConnectionError)):
                await peer.reply(99)
        assert any("was dropped: The USB/IP client" in note for note in watcher.notes)
        async with client(server.port) as peer:
            assert await peer.attach() == 0

    _serve(Bench, use)


def test_an_address_in_use_is_told_with_what_to_do() -> None:
    async def use(server: Server, watcher: Watcher) -> None:
        with pytest.raises(Exception, match=rf"127.0.0.1:{server.port}: cannot listen there: .*--usbip HOST:PORT"):
            await Server.start(Bench, watcher, "127.0.0.1", server.port)

    _serve(Bench, use)


def test_the_tool_everybody_uses_lists_the_device() -> None:
    async def use(server: Server, watcher: Watcher) -> None:
        words = [usbip_tool(), "--tcp-port", str(server.port), "list", "--remote=127.0.0.1"]
        listed = await asyncio.to_thread(subprocess.run, words, capture_output=True, text=True, timeout=20, check=True)
        assert "1-1: " in listed.stdout
        assert "(0627:0201)" in listed.stdout
        assert "(02/02/01)" in listed.stdout
        assert "(0a/00/00)" in listed.stdout

    _serve(Modem, use)
