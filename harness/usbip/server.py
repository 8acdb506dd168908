"""The asyncio side: offers simulated devices over TCP, one at a time and to one client at a time."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from harness.channel.base import BaseChannel
from harness.channel.protocol import ChannelState, require
from usbfuzz.errors import InfraError, InputError

from .connection import Connection
from .description import BUSID, describe
from .exporter import Exporter
from .messages import ListReply, OpStatus

if TYPE_CHECKING:
    from collections.abc import Callable

    from usbfuzz.device import Device

    from .messages import Description

__all__ = ["PORT", "Server"]

PORT = 3240  #: registered for USB/IP


class Server(BaseChannel[Exporter]):
    """A :class:`harness.channel.protocol.Channel` made by :meth:`start`; what is not explained here is explained there.

    A device that is plugged in is offered, also again after a client has gone; :meth:`offer` gives each client a new
    one. ``on_note`` is told in words when a client comes, goes or is refused.
    """

    def __init__(self, name: str, on_note: Callable[[str], None]) -> None:
        super().__init__(name)
        self.on_note = on_note
        self.offered: Description | None = None
        self._make: Callable[[], Device] | None = None
        self._client: Connection | None = None
        self._connections: set[Connection] = set()

    def __repr__(self) -> str:
        client = f" to {self._client.peer}" if self._client else ""
        return f"<Server {self.name}: {self.state.value}{client}, {self.requests} requests>"

    @classmethod
    async def start(cls, host: str, port: int = PORT, on_note: Callable[[str], None] = lambda _: None) -> Server:
        """Listen at an address; port 0 takes a free one. Raises InfraError when the address cannot be had."""
        server = cls(f"{host}:{port}", on_note)
        loop = asyncio.get_running_loop()
        try:
            server._server = await loop.create_server(lambda: Connection(server), host, port)
        except OSError as error:
            raise InfraError(
                f"{host}:{port}: cannot listen there: {error.strerror or error}; choose another with --usbip HOST:PORT"
            ) from error
        return server

    @property
    def port(self) -> int:
        """The TCP port it listens on."""
        assert self._server is not None
        return int(self._server.sockets[0].getsockname()[1])

    @property
    def state(self) -> ChannelState:
        """Never OPENING, for it listens from the start; UNPLUGGING until the client's connection is down."""
        if self.closed.is_set():
            return ChannelState.CLOSED
        if self._make is not None:
            return ChannelState.PLUGGED
        return ChannelState.UNPLUGGING if self._client else ChannelState.EMPTY

    @property
    def rejected(self) -> bool:
        """Never: a client that does not want the device does not import it."""
        return False

    async def plug(self, device: Device) -> None:
        """Offer this device, to one client after the other; raises ProtocolError and InfraError."""
        require(self, "plug", self._lost)
        await self._waiters.until(lambda: self._client is None)
        self._offer(describe(device), lambda: device)

    def offer(self, make: Callable[[], Device]) -> None:
        """Plug in a new device from ``make`` for each client, and one to describe it; raises as :meth:`plug`."""
        require(self, "plug", self._lost)
        self._offer(describe(make()), make)

    async def unplug(self) -> None:
        """Withdraw the device: the client is dropped, and its kernel sees the device go."""
        require(self, "unplug", self._lost)
        self._make = self.offered = None
        if self._client is not None:
            self._client.abort()
            await self._waiters.until(lambda: self._client is None)

    async def wait_requests(self, count: int) -> None:
        """Wait until :attr:`requests` has reached ``count``; raises InfraError once it is closed."""
        await self._waiters.until(lambda: self.requests >= count)

    def close(self) -> None:
        """Stop listening and drop all clients: their kernels see the device go."""
        self.closed.set()
        self._make = self.offered = None
        if self._server is not None:
            self._server.close()
        for connection in list(self._connections):
            connection.abort()
        self._waiters.notify()

    async def wait_closed(self) -> None:
        """Return once everything that :meth:`close` has begun is over."""
        if self._server is not None:
            await self._server.wait_closed()

    def _offer(self, description: Description, make: Callable[[], Device]) -> None:
        self.offered, self._make = description, make
        self._exporter = None
        self.worst_reply = 0.0

    def _lost(self) -> InfraError:
        return InfraError(f"The USB/IP server {self.name} is closed.")

    # What connections need

    def listed(self) -> ListReply:
        """The devices that can be imported now: the one that is plugged in, unless a client has it."""
        return ListReply((self.offered,) if self.offered and not self._client else ())

    def lend(self, client: Connection, busid: str) -> tuple[Description, Device] | OpStatus:
        """A device for a client that imports ``busid``, or why not."""
        if busid != BUSID:
            self.on_note(f"{client.peer} asked for device {busid!r}; there is only {BUSID}")
            return OpStatus.NO_DEVICE
        if self._make is None or self.offered is None:
            self.on_note(f"{client.peer} was refused: no device is plugged in")
            return OpStatus.NO_DEVICE
        if self._client:
            self.on_note(f"{client.peer} was refused: {self._client.peer} has the device")
            return OpStatus.BUSY
        try:
            device = self._make()
        except InputError as error:
            self.on_device_error(error)
            return OpStatus.ERROR
        self._client = client
        self.on_note(f"{client.peer} attached the device")
        return self.offered, device

    def attached(self, exporter: Exporter) -> None:
        """A client plays with a device from now on."""
        self._exporter = exporter

    def answered(self, seconds: float) -> None:
        """What was read from a client is answered, so long after it could have been read."""
        self.worst_reply = max(self.worst_reply, seconds)
        if self._waiters.waiting:
            self._waiters.notify()

    def joined(self, client: Connection) -> None:
        """A client connected."""
        self._connections.add(client)

    def left(self, client: Connection, why: str) -> None:
        """A client's connection ended."""
        self._connections.discard(client)
        if self._client is client:
            self._client = None
            self.on_note(f"{client.peer} is gone; the device can be attached again")
        if why:
            self.on_note(f"{client.peer} was dropped: {why}")
        self._waiters.notify()
