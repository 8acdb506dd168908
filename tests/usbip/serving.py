"""A USB/IP server for the length of a test, and what it tells of."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from attrs import define, field

from harness.channel.said import Said
from harness.channel.watcher import watch_channel
from harness.usbip.server import Server
from usbfuzz.device import Device

__all__ = ["Watcher", "serve"]


@define
class Watcher:
    notes: list[str] = field(factory=list)
    device_errors: list[Exception] = field(factory=list)
    said: list[Said] = field(factory=list)

    def note(self, text: str) -> None:
        self.notes.append(text)

    def device_error(self, error: Exception) -> None:
        self.device_errors.append(error)

    def transfer(self, at: float, said: Said) -> None:
        self.said.append(said)


def serve(make: Callable[[], Device], body: Callable[[Server, Watcher], Awaitable[None]]) -> None:
    """Offer devices, a new one for each client, while ``body`` runs."""

    async def run() -> None:
        watcher = Watcher()
        server = await Server.start("127.0.0.1", 0, watcher.note)
        watch_channel(server, watcher)
        server.offer(make)
        try:
            await body(server, watcher)
        finally:
            server.close()
            await server.wait_closed()

    asyncio.run(run())
