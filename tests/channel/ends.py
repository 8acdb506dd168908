"""The two channels with a pretended other side each, brought into any state of :class:`ChannelState`."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from attrs import define, field

from harness.channel.protocol import Channel, ChannelState
from harness.usbip.server import Server
from harness.usbredir.packets import ControlPacket
from harness.usbredir.server import Port
from tests.usbip.peer import Client
from tests.usbredir.peer import Dummy, GuestClock, Qemu
from usbfuzz.errors import InfraError
from usbfuzz.wire import Setup

__all__ = ["ENDS", "End", "brought"]

GET_DEVICE = "80 06 00 01 00 00 12 00"


@define(eq=False)
class End(ABC):
    """A channel and its other side."""

    channel: Channel

    @classmethod
    @abstractmethod
    async def open(cls, directory: Path) -> End:
        """A channel that has just been made."""

    @abstractmethod
    async def welcome(self) -> None:
        """Do what the channel waits for in OPENING."""

    @abstractmethod
    async def unplugging(self) -> asyncio.Task[None]:
        """Begin to unplug the device; the channel is UNPLUGGING then."""

    @abstractmethod
    async def confirm(self) -> None:
        """Do what it waits for in UNPLUGGING."""

    @abstractmethod
    async def ask(self) -> None:
        """Read the device descriptor of the device that is plugged in, however it answers."""

    @abstractmethod
    async def tell(self, setup: Setup, payload: bytes) -> None:
        """Send a control request with data to the device that is plugged in, and wait for its answer."""

    @abstractmethod
    def end(self) -> None:
        """Take the other side away."""


@define(eq=False)
class RedirEnd(End):
    """A QEMU that acknowledges when it is told to."""

    qemu: Qemu
    server: asyncio.Server

    @classmethod
    async def open(cls, directory: Path) -> End:
        arrived: asyncio.Queue[Qemu] = asyncio.Queue()
        server = await asyncio.start_unix_server(lambda r, w: arrived.put_nowait(Qemu(r, w)), directory / "s")
        port = await Port.connect(directory / "s", GuestClock())
        return cls(port, await arrived.get(), server)

    async def welcome(self) -> None:
        await self.qemu.greet()

    async def unplugging(self) -> asyncio.Task[None]:
        self.qemu.acknowledges = False
        task = asyncio.create_task(self.channel.unplug())
        await asyncio.sleep(0)
        return task

    async def confirm(self) -> None:
        self.qemu.acknowledges = True
        await self.qemu.several(4)  # the three that describe the device, and that it is gone

    async def ask(self) -> None:
        self.qemu.send(ControlPacket(0x80, 6, 0x80, 0, 0x100, 0, 18, id=1))
        while not isinstance(await self.qemu.one(), ControlPacket):
            pass

    async def tell(self, setup: Setup, payload: bytes) -> None:
        fields = (setup.bRequest, setup.bmRequestType, 0, setup.wValue, setup.wIndex, len(payload))
        self.qemu.send(ControlPacket(0, *fields, id=2, payload=payload))
        while not isinstance(await self.qemu.one(), ControlPacket):
            pass

    def end(self) -> None:
        self.qemu.writer.close()
        self.server.close()


@define(eq=False)
class UsbipEnd(End):
    """A client that attaches the device when it is to ask something of it."""

    clients: list[Client] = field(factory=list)

    @classmethod
    async def open(cls, directory: Path) -> End:
        del directory
        return cls(await Server.start("127.0.0.1", 0))

    async def welcome(self) -> None:
        pass

    async def unplugging(self) -> asyncio.Task[None]:
        await self._attach()
        task = asyncio.create_task(self.channel.unplug())
        await asyncio.sleep(0)
        return task

    async def confirm(self) -> None:
        await asyncio.sleep(0)

    async def ask(self) -> None:
        await (await self._attach()).control(GET_DEVICE)

    async def tell(self, setup: Setup, payload: bytes) -> None:
        await (await self._attach()).control(setup.pack().hex(), payload)

    def end(self) -> None:
        for client in self.clients:
            client.writer.close()

    async def _attach(self) -> Client:
        if not self.clients:
            assert isinstance(self.channel, Server)
            reader, writer = await asyncio.open_connection("127.0.0.1", self.channel.port)
            self.clients.append(Client(reader, writer))
            assert await self.clients[0].attach() == 0
        return self.clients[0]


ENDS: list[type[End]] = [RedirEnd, UsbipEnd]


@asynccontextmanager
async def brought(kind: type[End], directory: Path, state: ChannelState) -> AsyncIterator[End]:
    """A channel in this state, and its other side."""
    end = await kind.open(directory)
    task: asyncio.Task[None] | None = None
    try:
        if state is not ChannelState.OPENING:
            await end.welcome()
        while end.channel.state is ChannelState.OPENING and state is not ChannelState.OPENING:
            await asyncio.sleep(0)
        if state in (ChannelState.PLUGGED, ChannelState.UNPLUGGING):
            await end.channel.plug(Dummy())
        if state is ChannelState.UNPLUGGING:
            task = await end.unplugging()
        if state is ChannelState.CLOSED:
            end.channel.close()
            await end.channel.closed.wait()
        assert end.channel.state is state
        yield end
    finally:
        end.channel.close()
        end.end()
        await end.channel.closed.wait()
        if task is not None:
            with suppress(InfraError):
                await task
