"""Serves a device to any Linux machine with vhci_hcd."""

from __future__ import annotations

import ipaddress
import socket
from typing import TYPE_CHECKING

from attrs import frozen

from harness.channel.watcher import watch_channel
from harness.usbip.server import PORT, Server
from usbfuzz.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable

    from usbfuzz.load import Loaded

    from .watcher import ServeWatcher

__all__ = ["Address", "serve_usbip"]

_LOCALHOST = "127.0.0.1"
_ANYWHERE = ("0.0.0.0", "::")  # noqa: S104  what the user may have written
_MAX_PORT = 65535


@frozen
class Address:
    """The TCP address to listen at."""

    host: str = _LOCALHOST
    port: int = PORT

    @classmethod
    def parse(cls, text: str) -> Address:
        """``PORT``, ``HOST:PORT`` or ``[IPV6]:PORT``; raises InputError."""
        host, colon, port = text.rpartition(":")
        if not port.isdecimal() or not 0 <= int(port) <= _MAX_PORT or (colon and not host):
            raise InputError(f"{text!r} is not an address; write PORT or HOST:PORT, as in {_LOCALHOST}:{PORT}")
        return cls(host.removeprefix("[").removesuffix("]") or _LOCALHOST, int(port))

    @property
    def name(self) -> str:
        """What another machine would call it."""
        return socket.gethostname() if self.host in _ANYWHERE else self.host

    @property
    def is_local(self) -> bool:
        """Only this machine can connect."""
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"


async def serve_usbip(
    loaded: Loaded, address: Address, watcher: ServeWatcher, on_ready: Callable[[int], None] = lambda _: None
) -> None:
    """Offer the device until cancelled; ``on_ready`` is told the port that is listened on.

    Raises InfraError when the address cannot be had, InputError when the device cannot be made.
    """
    server = await Server.start(address.host, address.port, watcher.note)
    try:
        watch_channel(server, watcher)
        server.offer(loaded.make)
        on_ready(server.port)
        await server.closed.wait()
    finally:
        server.close()
        await server.wait_closed()
