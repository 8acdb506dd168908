"""A pretended QEMU on the other end of a port's socket, and a guest clock that is turned by hand."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from functools import wraps
from typing import TYPE_CHECKING, ParamSpec

from attrs import define, field

from harness.channel.said import Sender
from harness.usbredir.codec import FrameReader, decode, encode
from harness.usbredir.constants import Type
from harness.usbredir.message import NOTHING, Message
from harness.usbredir.messages import DeviceDisconnectAck, Hello
from harness.usbredir.server import Port
from harness.usbredir.session import CAPABILITIES
from usbfuzz.descriptors.layout import EndpointLayout, InterfaceLayout, Layout
from usbfuzz.device import Device
from usbfuzz.wire import NAK, Answer, Setup, Speed, TransferType

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Coroutine
    from pathlib import Path

ANSWER_S = 5.0  #: seconds for a message to come

_P = ParamSpec("_P")


def in_loop(test: Callable[_P, Coroutine[object, object, None]]) -> Callable[_P, None]:
    """Run an asynchronous test in an event loop of its own."""

    @wraps(test)
    def run(*args: _P.args, **kwargs: _P.kwargs) -> None:
        asyncio.run(test(*args, **kwargs))

    return run


class GuestClock:
    """Milliseconds that pass only when told to."""

    def __init__(self) -> None:
        self.now = 0
        self._sleepers: list[tuple[int, asyncio.Future[None]]] = []

    async def __call__(self, ms: int) -> None:
        sleeper = asyncio.get_running_loop().create_future()
        self._sleepers.append((self.now + ms, sleeper))
        await sleeper

    async def advance(self, ms: int) -> None:
        """Let time pass, millisecond by millisecond, and everything that is due happen."""
        for _ in range(ms):
            self.now += 1
            due = [sleeper for at, sleeper in self._sleepers if at <= self.now and not sleeper.done()]
            self._sleepers = [(at, sleeper) for at, sleeper in self._sleepers if at > self.now]
            for sleeper in due:
                sleeper.set_result(None)
            for _ in range(4):
                await asyncio.sleep(0)


class Dummy(Device):
    """A device whose answers a test sets, and that remembers what it was asked."""

    device = bytes.fromhex("12 01 00 02 00 00 00 40 34 12 78 56 00 01 00 00 00 01")

    def __init__(self, *endpoints: EndpointLayout, speed: Speed = Speed.HIGH) -> None:
        super().__init__()
        self.speed = speed
        self.announced = Layout((InterfaceLayout(0, 255, 0, 0),), endpoints)
        self.asked: list[object] = []
        self.control: Callable[[Setup], Answer] = lambda _: Answer()
        self.answers: dict[int, list[Answer]] = {}
        self.always: dict[int, Answer] = {}
        self.resets = 0

    def layout(self) -> Layout:
        return self.announced

    def on_reset(self) -> None:
        self.resets += 1

    def on_control(self, setup: Setup, payload: bytes) -> Answer:
        self.asked.append((setup, payload))
        return self.control(setup)

    def on_set_configuration(self, bConfigurationValue: int) -> Answer:
        answer = self.control(Setup(0, 9, bConfigurationValue, 0, 0))
        if answer == Answer():
            self.configuration = bConfigurationValue
        return answer

    def on_set_interface(self, bInterfaceNumber: int, bAlternateSetting: int) -> Answer:
        self.alternate[bInterfaceNumber] = bAlternateSetting
        return Answer()

    def on_in(self, bEndpointAddress: int, length: int) -> Answer:
        self.asked.append((bEndpointAddress, length))
        return self._next(bEndpointAddress)

    def on_out(self, bEndpointAddress: int, payload: bytes) -> Answer:
        self.asked.append((bEndpointAddress, payload))
        return self._next(bEndpointAddress)

    def _next(self, bEndpointAddress: int) -> Answer:
        waiting = self.answers.get(bEndpointAddress)
        return waiting.pop(0) if waiting else self.always.get(bEndpointAddress, NAK)


def endpoint(address: int, kind: TransferType, size: int = 64, interval: int = 4) -> EndpointLayout:
    """An endpoint of interface 0."""
    return EndpointLayout(address, kind, interval, 0, size)


@define(eq=False)
class Qemu:
    """The guest side of one connection."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    frames: FrameReader = field(factory=FrameReader)
    acknowledges: bool = True
    _seen: list[Message] = field(factory=list)

    async def greet(self) -> None:
        """Exchange hellos."""
        self.writer.write(encode(Hello.of("pretended", CAPABILITIES), NOTHING, Sender.GUEST))
        assert isinstance(await self.one(NOTHING), Hello)
        self.frames.use(CAPABILITIES)

    def send(self, *messages: Message) -> None:
        """Send messages in one write."""
        self.writer.write(b"".join(encode(message, CAPABILITIES, Sender.GUEST) for message in messages))

    async def one(self, caps: int = CAPABILITIES) -> Message:
        """The next message."""
        async with asyncio.timeout(ANSWER_S):
            while not self._seen:
                read = await self.reader.read(1 << 16)
                assert read, "the port closed the channel"
                self.frames.feed(read)
                self._seen += [decode(frame, type(CAPABILITIES)(caps), Sender.HOST) for frame in self.frames]
        message = self._seen.pop(0)
        if message.TYPE is Type.DEVICE_DISCONNECT and self.acknowledges:
            self.send(DeviceDisconnectAck())
        return message

    async def several(self, count: int) -> list[Message]:
        """The next messages."""
        return [await self.one() for _ in range(count)]

    async def reply(self, *messages: Message, answers: int = 1) -> list[Message]:
        """Send messages, and take the answers and nothing more."""
        self.send(*messages)
        got = await self.several(answers)
        assert await self.silent()
        return got

    async def silent(self, seconds: float = 0.02) -> bool:
        """Nothing comes for a while."""
        if self._seen:
            return False
        try:
            async with asyncio.timeout(seconds):
                self.frames.feed(await self.reader.read(1 << 16))
        except TimeoutError:
            return True
        self._seen += [decode(frame, CAPABILITIES, Sender.HOST) for frame in self.frames]
        return not self._seen


@asynccontextmanager
async def channel(directory: Path, clock: GuestClock | None = None) -> AsyncIterator[tuple[Port, Qemu]]:
    """A port and a QEMU that have greeted each other."""
    arrived: asyncio.Queue[Qemu] = asyncio.Queue()
    server = await asyncio.start_unix_server(lambda r, w: arrived.put_nowait(Qemu(r, w)), directory / "s")
    port = await Port.connect(directory / "s", clock or GuestClock())
    qemu = await arrived.get()
    await qemu.greet()
    try:
        yield port, qemu
    finally:
        port.close()
        qemu.writer.close()
        server.close()
        await port.closed.wait()


@asynccontextmanager
async def plugged(directory: Path, device: Device, clock: GuestClock | None = None) -> AsyncIterator[tuple[Port, Qemu]]:
    """A port with a device in it, and a QEMU that has taken note."""
    async with channel(directory, clock) as (port, qemu):
        await port.plug(device)
        assert [m.TYPE for m in await qemu.several(3)] == [Type.EP_INFO, Type.INTERFACE_INFO, Type.DEVICE_CONNECT]
        yield port, qemu
