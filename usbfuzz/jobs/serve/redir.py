"""The device in one's own QEMU: we listen and QEMU connects, or QEMU listens and we connect."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from attrs import define, field

from harness.channel.scheduler import real_time
from harness.channel.watcher import watch_channel
from harness.usbredir.server import Port
from usbfuzz.errors import InputError, ProtocolError, QemuError

from .sockets import private_socket

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from usbfuzz.load import Loaded

    from .watcher import ServeWatcher

__all__ = ["serve_connecting", "serve_listening"]

_RETRY_S = 0.5  #: seconds between two attempts to connect


async def serve_listening(
    loaded: Loaded, path: Path, watcher: ServeWatcher, on_ready: Callable[[], None] = lambda: None
) -> None:
    """Listen at ``path``, and plug a new device into each QEMU that connects, one QEMU at a time, until cancelled.

    ``on_ready`` is called once a QEMU can connect. Raises InputError and InfraError when the socket cannot be made.
    """
    visitors = _OneAtATime(loaded, str(path), watcher)
    with private_socket(path) as listening:
        loop = asyncio.get_running_loop()
        server = await loop.create_unix_server(visitors.admit, sock=listening)
        async with server:
            on_ready()
            await visitors.serve_all()


async def serve_connecting(loaded: Loaded, path: Path, watcher: ServeWatcher) -> None:
    """Connect to a QEMU that listens at ``path``, whenever there is one, and plug a new device in, until cancelled."""
    waiting = False
    while True:
        try:
            port = await Port.connect(path, real_time)
        except QemuError:
            if not waiting:
                watcher.note(f"nobody listens at {path}; waiting for QEMU")
            waiting = True
        else:
            waiting = False
            await _attend(port, loaded, watcher)
        await asyncio.sleep(_RETRY_S)


@define
class _OneAtATime:
    """The protocol factory of the socket: one QEMU is served at a time, others are refused."""

    loaded: Loaded
    name: str
    watcher: ServeWatcher
    _served: Port | None = field(default=None, init=False)
    _arrived: asyncio.Event = field(factory=asyncio.Event, init=False)

    def admit(self) -> asyncio.Protocol:
        """The protocol of a new connection."""
        if self._served is not None and not self._served.closed.is_set():
            self.watcher.note("another QEMU was refused: the device is plugged in already; serve it a second socket")
            return _Refusal()
        self._served = Port(self.name, real_time)
        self._arrived.set()
        return self._served

    async def serve_all(self) -> None:
        """Serve one QEMU after the other."""
        while True:
            await self._arrived.wait()
            self._arrived.clear()
            assert self._served is not None
            await _attend(self._served, self.loaded, self.watcher)


class _Refusal(asyncio.Protocol):
    """Refuses a connection."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Close the connection at once."""
        transport.close()


async def _attend(port: Port, loaded: Loaded, watcher: ServeWatcher) -> None:
    """Serve one QEMU until it goes."""
    watch_channel(port, watcher)
    watcher.note("QEMU connected")
    try:
        await _plug(port, loaded, watcher)
        await port.closed.wait()
        watcher.note("QEMU is gone; the device waits for the next")
    finally:
        port.close()


async def _plug(port: Port, loaded: Loaded, watcher: ServeWatcher) -> None:
    """Plug a new device in, or tell why not: this QEMU has none then."""
    try:
        await port.plug(loaded.make(), greeting_s=None)
        watcher.note(f"{loaded.name} is plugged in")
    except InputError as error:
        watcher.device_error(error)
    except (QemuError, ProtocolError) as error:
        watcher.note(str(error))
