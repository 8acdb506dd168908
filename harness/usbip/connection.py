"""One TCP connection of a USB/IP client, from its first request to its end."""

from __future__ import annotations

import asyncio
import socket
from typing import TYPE_CHECKING, Protocol

from harness.channel.latency import Heartbeat
from harness.channel.said import Sender
from harness.channel.scheduler import Scheduler, real_time
from usbfuzz.errors import ProtocolError

from .exporter import Exporter
from .messages import ImportRefusal, ImportReply, ImportRequest, ListReply, ListRequest, OpStatus, Submit, Unlink
from .said import UsbipSaid
from .session import ConnectionState, Session

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.channel.leaks import LeakWatch
    from harness.channel.said import Trace
    from usbfuzz.device import Device

    from .messages import Description, Reply, Request

__all__ = ["Connection", "Lender"]


class Lender(Protocol):
    """What a connection needs of its server."""

    trace: Trace | None
    leaks: LeakWatch | None
    on_device_error: Callable[[Exception], None]

    def listed(self) -> ListReply:
        """The devices that can be imported now."""

    def lend(self, client: Connection, busid: str) -> tuple[Description, Device] | OpStatus:
        """A device for a client that imports ``busid``, or why not."""

    def attached(self, exporter: Exporter) -> None:
        """A client plays with a device from now on."""

    def answered(self, seconds: float) -> None:
        """What was read from a client is answered, so long after it could have been read."""

    def joined(self, client: Connection) -> None:
        """A client connected."""

    def left(self, client: Connection, why: str) -> None:
        """A client's connection ended; ``why`` is "" when it just went."""


class Connection(asyncio.Protocol):
    """One client of a server."""

    def __init__(self, server: Lender) -> None:
        self.peer = "a client"
        self._loop = asyncio.get_running_loop()
        self._server = server
        self._session = Session()
        self._scheduler = Scheduler(real_time, self._fail)
        self._heartbeat = Heartbeat.of_running_loop()
        self._exporter: Exporter | None = None
        self._transport: asyncio.Transport | None = None
        self._why = ""

    def abort(self) -> None:
        """Drop the connection now."""
        if self._transport is not None:
            self._transport.abort()

    # asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Have the kernel notice a client that vanishes without a word, for it has the device."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        host, port, *_ = transport.get_extra_info("peername")
        self.peer = f"{host}:{port}"
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        self._server.joined(self)

    def data_received(self, data: bytes) -> None:
        """Answer what is complete."""
        started = self._loop.time()
        waited = self._heartbeat.overdue(started)
        try:
            for request in self._session.receive(data):
                if self._server.trace is not None:
                    self._server.trace(started, UsbipSaid(Sender.GUEST, request))
                self._handle(request)
        except ProtocolError as error:
            self._fail(error)
        self._server.answered(self._loop.time() - started + waited)

    def pause_writing(self) -> None:
        """Read no more requests of a client that does not read our replies."""
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
            self._heartbeat.stop()
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
        lent = self._server.lend(self, busid)
        if isinstance(lent, OpStatus):
            self._send(ImportRefusal(lent))
            return
        description, device = lent
        self._send(ImportReply(description))
        server = self._server
        self._exporter = Exporter(device, self._scheduler, self._send, server.on_device_error, server.leaks)
        self._server.attached(self._exporter)
        self._heartbeat.start()

    def _send(self, reply: Reply) -> None:
        assert self._transport is not None
        self._transport.write(self._session.send(reply))
        if self._server.trace is not None:
            self._server.trace(self._loop.time(), UsbipSaid(Sender.HOST, reply))
        if self._session.state is ConnectionState.DONE:
            self._transport.close()

    def _fail(self, error: BaseException) -> None:
        """Drop the client and remember why."""
        self._why = self._why or str(error)
        self.abort()
