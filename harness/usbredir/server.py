"""The asyncio side: a :class:`Port` is one usb-redir channel of a running QEMU, into which devices are plugged.

QEMU listens (``-chardev socket,id=ID,path=PATH,server=on,wait=off -device usb-redir,chardev=ID``) and the port
connects, or the port listens and QEMU connects. QEMU neither reads nor writes the channel while the machine is paused.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from harness.channel.base import BaseChannel
from harness.channel.latency import Heartbeat
from harness.channel.protocol import ChannelState, require
from harness.channel.said import Sender
from harness.channel.scheduler import Scheduler, real_time
from usbfuzz import __version__
from usbfuzz.errors import ProtocolError, QemuError

from .codec import FrameReader, decode
from .constants import Type
from .exporter import Exporter
from .said import RedirSaid
from .session import Session
from .state import SessionState

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from harness.channel.scheduler import Clock
    from usbfuzz.device import Device

    from .codec import Frame

__all__ = ["Port"]

_GREETING_S = 10.0  #: seconds for QEMU's hello
_UNPLUG_S = 10.0  #: seconds for its acknowledgement of a disconnect

#: While no device is plugged in; in all other states of the session one is being unplugged.
_STATES = {
    SessionState.START: ChannelState.OPENING,
    SessionState.GREETING: ChannelState.OPENING,
    SessionState.IDLE: ChannelState.EMPTY,
}


class Port(BaseChannel[Exporter], asyncio.Protocol):
    """One usb-redir channel, made by :meth:`connect` or :meth:`listen`: a :class:`harness.channel.protocol.Channel`.

    What is not explained here is explained there. It is CLOSED when QEMU goes, or breaks the protocol.
    """

    def __init__(self, name: str, clock: Clock) -> None:
        super().__init__(name)
        self._session = Session(f"usbfuzz {__version__}")
        self._scheduler = Scheduler(clock, self._fail)
        self._heartbeat = Heartbeat.of_running_loop()
        self._loop = asyncio.get_running_loop()
        self._plugged = False
        self._transport: asyncio.Transport | None = None
        self._failure: BaseException | None = None
        self._clogged = False
        self._corked = False
        self._out: list[bytes] = []

    @classmethod
    async def connect(cls, path: Path | str, clock: Clock = real_time) -> Port:
        """Connect to QEMU's socket; raises :class:`QemuError` when QEMU does not listen on it."""
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

    def __repr__(self) -> str:
        failure = f", failed: {self._failure}" if self._failure else ""
        return f"<Port {self.name}: {self.state.value}, {self.requests} requests{failure}>"

    @property
    def state(self) -> ChannelState:
        """Where it stands: QEMU's greeting is waited for while OPENING, its acknowledgement while UNPLUGGING."""
        if self.closed.is_set():
            return ChannelState.CLOSED
        if self._plugged:
            return ChannelState.PLUGGED
        return _STATES.get(self._session.state, ChannelState.UNPLUGGING)

    @property
    def rejected(self) -> bool:
        """QEMU refused the device; it is still to be unplugged."""
        return self._session.state is SessionState.REJECTED

    async def plug(self, device: Device, greeting_s: float | None = _GREETING_S) -> None:
        """Plug a device in. Attaching it takes QEMU up to 200 ms of guest time after the last one went.

        Raises :class:`ProtocolError` when a device is plugged in already, :class:`QemuError` when QEMU is gone or
        does not greet us in ``greeting_s`` seconds (None: a paused machine may take its time).
        """
        require(self, "plug", self._lost)
        await self._until(
            lambda: self._session.state is SessionState.IDLE, greeting_s, "did not greet us; the machine may be paused"
        )
        exporter = Exporter(
            self._session, device, self._scheduler, self._write, lambda: self._clogged, self.on_device_error, self.leaks
        )
        exporter.connect()
        self._exporter = exporter
        self._plugged = True
        self.worst_reply = 0.0
        self._heartbeat.start()

    async def unplug(self, timeout_s: float = _UNPLUG_S) -> None:
        """Unplug the device and wait until QEMU has confirmed it.

        Raises :class:`ProtocolError` when no device is plugged in, :class:`QemuError` when QEMU is gone or does not
        confirm it in ``timeout_s`` seconds.
        """
        require(self, "unplug", self._lost)
        assert self._exporter is not None
        self._unplugged()
        self._exporter.disconnect()
        await self._until(
            lambda: self._session.state is SessionState.IDLE, timeout_s, "did not confirm that the device is gone"
        )

    async def wait_requests(self, count: int) -> None:
        """Wait until :attr:`requests` has reached ``count``; raises :class:`QemuError` when it cannot any more."""
        await self._waiters.until(lambda: self.requests >= count or self.rejected)
        if self.requests < count:
            raise QemuError(f"QEMU rejected the device on {self.name}.")

    def close(self) -> None:
        """Close the channel; to QEMU that is the device being unplugged."""
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
                    self.trace(started, RedirSaid(Sender.GUEST, self._session.decode(frame)))
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
        if self._waiters.waiting:
            self._waiters.notify()

    def pause_writing(self) -> None:
        """QEMU does not keep up; streams hold back."""
        self._clogged = True

    def resume_writing(self) -> None:
        """It does again."""
        self._clogged = False

    def connection_lost(self, exc: Exception | None) -> None:
        """QEMU is gone, or we gave up on it."""
        self._failure = self._failure or exc
        self.closed.set()
        if self._plugged:
            self._unplugged()
        if self._exporter is not None:
            self._exporter.close()
        self._scheduler.close()
        self._waiters.notify()

    def _dispatch(self, frame: Frame) -> None:
        exporter = self._exporter
        if exporter is not None and self._session.state is SessionState.CONNECTED:
            exporter.handle(frame)
        elif exporter is not None and frame.type == Type.FILTER_REJECT:
            exporter.close()

    def _write(self, data: bytes) -> None:
        if self._corked:
            self._out.append(data)
            return
        if self._transport is None or self._transport.is_closing():
            return
        if self.trace is not None:
            reader = FrameReader(self._session.caps)
            reader.feed(data)
            for frame in reader:
                said = RedirSaid(Sender.HOST, decode(frame, self._session.caps, Sender.HOST))
                self.trace(self._loop.time(), said)
        self._transport.write(data)

    def _fail(self, error: BaseException) -> None:
        """Close the channel and remember why."""
        self._failure = self._failure or error
        if self._transport is not None:
            self._transport.abort()

    def _unplugged(self) -> None:
        self._plugged = False
        self._heartbeat.stop()

    async def _until(self, done: Callable[[], bool], timeout_s: float | None, otherwise: str) -> None:
        """Wait for what a message from QEMU brings about; raises QemuError with ``otherwise`` after ``timeout_s``."""
        try:
            await self._waiters.until(done, timeout_s)
        except TimeoutError:
            raise QemuError(f"QEMU on {self.name} {otherwise} (waited {timeout_s:g} s).") from None

    def _lost(self) -> QemuError:
        error = QemuError(
            f"QEMU closed the usb-redir channel {self.name}" + (f": {self._failure}" if self._failure else ".")
        )
        error.__cause__ = self._failure
        return error
