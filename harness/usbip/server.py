"""The asyncio side: offers one simulated device over TCP, to one client at a time."""

from __future__ import annotations

import asyncio
import socket
import struct
from typing import TYPE_CHECKING, Protocol

from attrs import define, field

from harness.usbredir.constants import Sender
from harness.usbredir.scheduler import Scheduler, real_time
from usbfuzz.descriptors.layout import layout
from usbfuzz.errors import InfraError, InputError, ProtocolError
from usbfuzz.wire import Speed

from .exporter import Exporter
from .messages import (
    Description,
    ImportReply,
    ImportRequest,
    Interface,
    ListReply,
    ListRequest,
    OpStatus,
    Submit,
    Unlink,
)
from .session import Session, State

if TYPE_CHECKING:
    from collections.abc import Callable

    from usbfuzz.device import Device

    from .messages import Reply, Request

__all__ = ["BUSID", "PORT", "Server", "Watcher", "describe"]

PORT = 3240  #: registered for USB/IP
BUSID = "1-1"

_SPEEDS = {Speed.LOW: 1, Speed.FULL: 2, Speed.HIGH: 3, Speed.SUPER: 5}  #: enum usb_device_speed


class Watcher(Protocol):
    """Who is told what happens."""

    def note(self, text: str) -> None:
        """A client came, went or was refused."""

    def fault(self, error: Exception) -> None:
        """The device's own code raised something; the client was told of an I/O error."""

    def usbip(self, sender: Sender, message: Request | Reply) -> None:
        """A USB/IP message; the client is the guest."""


def describe(device: Device) -> Description:
    """What a client is told of a device it has not imported: the first configuration's interfaces."""
    raw = device.device_descriptor()[:18].ljust(18, b"\0")
    bDeviceClass, bDeviceSubClass, bDeviceProtocol = raw[4:7]
    idVendor, idProduct, bcdDevice = struct.unpack_from("<HHH", raw, 8)
    first = device.configurations[0] if device.configurations else b""
    shown = layout(first, {}, device.speed).interfaces if first else ()
    return Description(
        path=f"/usbfuzz/{BUSID}",
        busid=BUSID,
        busnum=1,
        devnum=2,
        speed=_SPEEDS[device.speed],
        idVendor=idVendor,
        idProduct=idProduct,
        bcdDevice=bcdDevice,
        bDeviceClass=bDeviceClass,
        bDeviceSubClass=bDeviceSubClass,
        bDeviceProtocol=bDeviceProtocol,
        bConfigurationValue=0,
        bNumConfigurations=raw[17],
        interfaces=tuple(Interface(i.bInterfaceClass, i.bInterfaceSubClass, i.bInterfaceProtocol) for i in shown),
    )


@define(eq=False)
class Server:
    """Listens; each client that imports the device gets a new one from ``make``."""

    make: Callable[[], Device]
    watcher: Watcher
    device: Description
    _client: _Connection | None = field(default=None, init=False)
    _connections: set[_Connection] = field(factory=set, init=False)
    _server: asyncio.Server | None = field(default=None, init=False)

    @classmethod
    async def start(cls, make: Callable[[], Device], watcher: Watcher, host: str, port: int = PORT) -> Server:
        """Listen at an address; port 0 takes a free one. Raises InfraError when the address cannot be had."""
        server = cls(make, watcher, describe(make()))
        try:
            server._server = await asyncio.get_running_loop().create_server(lambda: _Connection(server), host, port)
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

    async def close(self) -> None:
        """Stop listening and drop all clients: their kernels see the device go."""
        assert self._server is not None
        self._server.close()
        for connection in list(self._connections):
            connection.abort()
        await self._server.wait_closed()

    def listed(self) -> ListReply:
        """The device, while nobody has it."""
        return ListReply(() if self._client else (self.device,))

    def lend(self, client: _Connection, busid: str) -> tuple[OpStatus, Device | None]:
        """A device for a client that imports ``busid``, or why not."""
        if busid != BUSID:
            self.watcher.note(f"{client.peer} asked for device {busid!r}; there is only {BUSID}")
            return OpStatus.NO_DEVICE, None
        if self._client:
            self.watcher.note(f"{client.peer} was refused: {self._client.peer} has the device")
            return OpStatus.BUSY, None
        try:
            device = self.make()
        except InputError as error:
            self.watcher.fault(error)
            return OpStatus.ERROR, None
        self._client = client
        self.watcher.note(f"{client.peer} attached the device")
        return OpStatus.OK, device

    def joined(self, client: _Connection) -> None:
        """A client connected."""
        self._connections.add(client)

    def left(self, client: _Connection, why: str) -> None:
        """A client's connection ended."""
        self._connections.discard(client)
        if self._client is client:
            self._client = None
            self.watcher.note(f"{client.peer} is gone; the device can be attached again")
        if why:
            self.watcher.note(f"{client.peer} was dropped: {why}")


class _Connection(asyncio.Protocol):
    """One client."""

    def __init__(self, server: Server) -> None:
        self.peer = "somebody"
        self._server = server
        self._session = Session()
        self._scheduler = Scheduler(real_time, self._fail)
        self._exporter: Exporter | None = None
        self._transport: asyncio.Transport | None = None
        self._why = ""

    def abort(self) -> None:
        """Drop the connection now."""
        if self._transport is not None:
            self._transport.abort()

    # asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Notice also a client that vanishes without a word: it holds the device."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        host, port, *_ = transport.get_extra_info("peername")
        self.peer = f"{host}:{port}"
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        self._server.joined(self)

    def data_received(self, data: bytes) -> None:
        """Answer what is complete."""
        try:
            for request in self._session.receive(data):
                self._server.watcher.usbip(Sender.GUEST, request)
                self._handle(request)
        except ProtocolError as error:
            self._fail(error)

    def pause_writing(self) -> None:
        """A client that does not read gets nothing more to ask."""
        if self._transport is not None:
            self._transport.pause_reading()

    def resume_writing(self) -> None:
        """It reads again."""
        if self._transport is not None:
            self._transport.resume_reading()

    def connection_lost(self, exc: Exception | None) -> None:
        """The client detached, or its machine is gone."""
        if self._exporter is not None:
            self._exporter.close()
        self._scheduler.close()
        self._server.left(self, self._why or (str(exc) if exc else ""))

    def _handle(self, request: Request) -> None:
        match request:
            case ListRequest():
                self._send(self._server.listed())
            case ImportRequest(busid=busid):
                self._import(busid)
            case Submit() | Unlink():
                assert self._exporter is not None
                self._exporter.handle(request)

    def _import(self, busid: str) -> None:
        status, device = self._server.lend(self, busid)
        self._send(ImportReply(status, self._server.device if device else None))
        if device is not None:
            self._exporter = Exporter(device, self._scheduler, self._send, self._server.watcher.fault)

    def _send(self, reply: Reply) -> None:
        assert self._transport is not None
        self._transport.write(self._session.send(reply))
        self._server.watcher.usbip(Sender.HOST, reply)
        if self._session.state is State.DONE:
            self._transport.close()

    def _fail(self, error: BaseException) -> None:
        self._why = self._why or str(error)
        self.abort()
