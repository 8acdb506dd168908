"""The asyncio side: a :class:`Port` is one usb-redir channel of a running QEMU, into which devices are plugged.

QEMU listens (``-chardev socket,id=ID,path=PATH,server=on,wait=off -device usb-redir,chardev=ID``) and the port
connects, or the port listens and QEMU connects. QEMU neither reads nor writes the channel while the machine is paused.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from usbfuzz import __version__
from usbfuzz.errors import ProtocolError, QemuError

from .codec import LocalProtocolError, Reader, decode
from .constants import Sender, Type
from .exporter import Exporter
from .latency import Heartbeat
from .message import Message
from .scheduler import Scheduler, real_time
from .session import Session, State

if TYPE_CHECKING:
    from pathlib import Path

    from usbfuzz.device import Device

    from .codec import Frame

__all__ = ["Clock", "Port", "Trace"]

#: Waits for so many milliseconds of the guest's clock.
Clock = Callable[[int], Awaitable[None]]

#: Sees each message: event loop time in seconds, who sent it, and what it is.
Trace = Callable[[float, Sender, Message], None]

_GREETING_S = 10.0  #: for QEMU's hello
_UNPLUG_S = 10.0  #: for its acknowledgement of a disconnect


class Port(asyncio.Protocol):
    """One usb-redir channel, made by :meth:`connect` or :meth:`listen`.

    ``closed`` is set when QEMU goes, or breaks the protocol. ``trace`` sees each message; ``on_fault``, set before the
    device is plugged in, the first exceptions of its methods. ``worst_reply`` is the longest time, in seconds since
    the device was plugged in, from bytes being available to all they ask for being answered.
    """

    def __init__(self, name: str, clock: Clock) -> None:
        self.name = name
        self.closed = asyncio.Event()
        self.trace: Trace | None = None
        self.on_fault: Callable[[Exception], None] = lambda _: None
        self.worst_reply = 0.0
        self._session = Session(f"usbfuzz {__version__}")
        self._scheduler = Scheduler(clock, self._fail)
        self._heartbeat = Heartbeat.of_running_loop()
        self._loop = asyncio.get_running_loop()
        self._exporter: Exporter | None = None
        self._plugged = False
        self._transport: asyncio.Transport | None = None
        self._server: asyncio.Server | None = None
        self._fault: BaseException | None = None
        self._clogged = False
        self._corked = False
        self._out: list[bytes] = []
        self._waiters: list[tuple[Callable[[], bool], asyncio.Future[None]]] = []

    @classmethod
    async def connect(cls, path: Path | str, clock: Clock = real_time) -> Port:
        """Connect to QEMU's socket; raises :class:`QemuError` when nobody listens there."""
        port = cls(str(path), clock)
        try:
            await port._loop.create_unix_connection(lambda: port, str(path))
        except OSError as error:
            raise QemuError(f"Cannot connect to QEMU's usb-redir socket {path}: {error}.") from error
        return port

    @classmethod
    async def listen(cls, path: Path | str, clock: Clock = real_time) -> Port:
        """Listen for a QEMU that connects to us, once; :meth:`plug` waits for it."""
        port = cls(str(path), clock)
        try:
            port._server = await port._loop.create_unix_server(lambda: port, str(path), backlog=1)
        except OSError as error:
            raise QemuError(f"Cannot listen on the usb-redir socket {path}: {error}.") from error
        return port

    @property
    def requests(self) -> int:
        """How often the guest asked something of the device that is, or was last, plugged in."""
        return self._exporter.requests if self._exporter else 0

    @property
    def faults(self) -> list[Exception]:
        """What the methods of that device raised; the guest was told of an I/O error instead."""
        return self._exporter.faults if self._exporter else []

    @property
    def rejected(self) -> bool:
        """QEMU refused the device; it is still to be unplugged."""
        return self._session.state is State.REJECTED

    async def plug(self, device: Device, greeting_s: float | None = _GREETING_S) -> None:
        """Plug a device in. Attaching it takes QEMU up to 200 ms of guest time after the last one went.

        Raises :class:`ProtocolError` when a device is plugged in already, :class:`QemuError` when QEMU is gone or
        does not greet us in ``greeting_s`` seconds (None: a paused machine may take its time).
        """
        if self._plugged:
            raise LocalProtocolError(f"Cannot plug a second device into {self.name}: unplug the first.")
        await self._until(
            lambda: self._session.state is State.IDLE, greeting_s, "did not greet us; the machine may be paused"
        )
        exporter = Exporter(self._session, device, self._scheduler, self._write, lambda: self._clogged, self.on_fault)
        exporter.connect()
        self._exporter = exporter
        self._plugged = True
        self.worst_reply = 0.0
        self._heartbeat.start()

    async def unplug(self, timeout_s: float = _UNPLUG_S) -> None:
        """Pull the device and wait until QEMU has confirmed it; raises as :meth:`plug`, and after ``timeout_s``."""
        if not self._plugged:
            raise LocalProtocolError(f"Cannot unplug {self.name}: no device is plugged in.")
        if self.closed.is_set():
            raise self._lost()
        assert self._exporter is not None
        self._pulled()
        self._exporter.disconnect()
        await self._until(
            lambda: self._session.state is State.IDLE, timeout_s, "did not confirm that the device is gone"
        )

    async def wait_requests(self, count: int) -> None:
        """Wait until :attr:`requests` has reached ``count``; raises :class:`QemuError` when it cannot any more."""
        await self._until(lambda: self.requests >= count or self.rejected, None, "")
        if self.requests < count:
            raise QemuError(f"QEMU rejected the device on {self.name}.")

    def close(self) -> None:
        """Close the channel; QEMU takes it for the device being pulled."""
        if self._server is not None:
            self._server.close()
        if self._transport is not None:
            self._transport.close()
        else:
            self.connection_lost(None)

    # asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Greet QEMU."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        if self._server is not None:
            self._server.close()
        self._write(self._session.hello())

    def data_received(self, data: bytes) -> None:
        """Answer all that was read in one write."""
        started = self._loop.time()
        waited = self._heartbeat.overdue(started)
        self._corked = True
        try:
            for frame in self._session.receive(data):
                if self.trace is not None:
                    self.trace(started, Sender.GUEST, self._session.decode(frame))
                self._dispatch(frame)
        except ProtocolError as error:
            self._fail(error)
        finally:
            self._corked = False
        if self._out:
            out = self._out
            self._out = []
            self._write(out[0] if len(out) == 1 else b"".join(out))
        self.worst_reply = max(self.worst_reply, self._loop.time() - started + waited)
        if self._waiters:
            self._notify()

    def pause_writing(self) -> None:
        """QEMU does not keep up; streams hold back."""
        self._clogged = True

    def resume_writing(self) -> None:
        """It does again."""
        self._clogged = False

    def connection_lost(self, exc: Exception | None) -> None:
        """QEMU is gone, or we gave up on it."""
        self._fault = self._fault or exc
        self.closed.set()
        if self._plugged:
            self._pulled()
        if self._exporter is not None:
            self._exporter.close()
        self._scheduler.close()
        self._notify()

    def _dispatch(self, frame: Frame) -> None:
        exporter = self._exporter
        if exporter is not None and self._session.state is State.CONNECTED:
            exporter.handle(frame)
        elif exporter is not None and frame[0] == Type.FILTER_REJECT:
            exporter.close()

    def _write(self, data: bytes) -> None:
        if self._corked:
            self._out.append(data)
            return
        if self._transport is None or self._transport.is_closing():
            return
        if self.trace is not None:
            reader = Reader(self._session.caps)
            reader.feed(data)
            for frame in reader:
                self.trace(self._loop.time(), Sender.HOST, decode(frame, self._session.caps, Sender.HOST))
        self._transport.write(data)

    def _fail(self, error: BaseException) -> None:
        """Something that cannot go on, whoever is at fault."""
        self._fault = self._fault or error
        if self._transport is not None:
            self._transport.abort()

    def _pulled(self) -> None:
        self._plugged = False
        self._heartbeat.stop()

    async def _until(self, done: Callable[[], bool], timeout_s: float | None, otherwise: str) -> None:
        """Wait for something that a message from QEMU will bring about."""
        if not done():
            if self.closed.is_set():
                raise self._lost()
            waiter = self._loop.create_future()
            self._waiters.append((done, waiter))
            try:
                async with asyncio.timeout(timeout_s):
                    await waiter
            except TimeoutError:
                raise QemuError(f"QEMU on {self.name} {otherwise} (waited {timeout_s:g} s).") from None

    def _notify(self) -> None:
        waiting = []
        for done, waiter in self._waiters:
            if waiter.done():
                continue
            if done():
                waiter.set_result(None)
            elif self.closed.is_set():
                waiter.set_exception(self._lost())
            else:
                waiting.append((done, waiter))
        self._waiters = waiting

    def _lost(self) -> QemuError:
        error = QemuError(
            f"QEMU closed the usb-redir channel {self.name}" + (f": {self._fault}" if self._fault else ".")
        )
        error.__cause__ = self._fault
        return error
