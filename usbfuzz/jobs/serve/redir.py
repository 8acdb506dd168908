"""The device in one's own QEMU: we listen and QEMU connects, or QEMU listens and we connect."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from attrs import define, field

from harness.usbredir.scheduler import real_time
from harness.usbredir.server import Port
from usbfuzz.errors import InputError, ProtocolError, QemuError

from .sockets import private_socket

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from usbfuzz.load import Loaded

    from .watcher import Watcher

__all__ = ["serve_connecting", "serve_listening"]

_RETRY_S = 0.5  #: between two attempts to connect


async def serve_listening(
    loaded: Loaded, path: Path, watcher: Watcher, on_ready: Callable[[], None] = lambda: None
) -> None:
    """Listen at ``path``, and plug a new device into each QEMU that connects, one QEMU at a time, until cancelled.

    ``on_ready`` is called once a QEMU can connect. Raises InputError and InfraError when the socket cannot be made.
    """
    door = _Door(loaded, str(path), watcher)
    with private_socket(path) as listening:
        loop = asyncio.get_running_loop()
        server = await loop.create_unix_server(door.admit, sock=listening)
        async with server:
            on_ready()
            await door.serve_all()


async def serve_connecting(loaded: Loaded, path: Path, watcher: Watcher) -> None:
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
class _Door:
    """Admits one QEMU at a time."""

    loaded: Loaded
    name: str
    watcher: Watcher
    _inside: Port | None = field(default=None, init=False)
    _arrived: asyncio.Event = field(factory=asyncio.Event, init=False)

    def admit(self) -> asyncio.Protocol:
        """The protocol of a new connection."""
        if self._inside is not None and not self._inside.closed.is_set():
            self.watcher.note("another QEMU was refused: the device is plugged in already; serve it a second socket")
            return _Refusal()
        self._inside = Port(self.name, real_time)
        self._arrived.set()
        return self._inside

    async def serve_all(self) -> None:
        """Serve one QEMU after the other."""
        while True:
            await self._arrived.wait()
            self._arrived.clear()
            assert self._inside is not None
            await _attend(self._inside, self.loaded, self.watcher)


class _Refusal(asyncio.Protocol):
    """Hangs up."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """At once."""
        transport.close()


async def _attend(port: Port, loaded: Loaded, watcher: Watcher) -> None:
    """One QEMU from its coming to its going."""
    port.trace, port.on_fault = watcher.transfer, watcher.fault
    watcher.note("QEMU connected")
    try:
        await _plug(port, loaded, watcher)
        await port.closed.wait()
        watcher.note("QEMU is gone; the device waits for the next")
    finally:
        port.close()


async def _plug(port: Port, loaded: Loaded, watcher: Watcher) -> None:
    """Plug a new device in, or tell why not: this QEMU has none then."""
    try:
        await port.plug(loaded.make(), greeting_s=None)
        watcher.note(f"{loaded.name} is plugged in")
    except InputError as error:
        watcher.fault(error)
    except (QemuError, ProtocolError) as error:
        watcher.note(str(error))
