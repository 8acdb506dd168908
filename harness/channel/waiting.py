"""Callers that wait for what a message of the other side brings about."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from usbfuzz.errors import InfraError

__all__ = ["Waiters"]


class Waiters:
    """The callers that wait on one channel; when ``closed`` is set, they get the error that ``lost()`` makes."""

    def __init__(self, closed: asyncio.Event, lost: Callable[[], InfraError]) -> None:
        self._closed = closed
        self._lost = lost
        self._loop = asyncio.get_running_loop()
        self.waiting: list[tuple[Callable[[], bool], asyncio.Future[None]]] = []  #: conditions, and who waits for each

    async def until(self, done: Callable[[], bool], timeout_s: float | None = None) -> None:
        """Return once ``done()``; raises TimeoutError after ``timeout_s`` seconds, and ``lost()`` when it is closed."""
        if done():
            return
        if self._closed.is_set():
            raise self._lost()
        future = self._loop.create_future()
        self.waiting.append((done, future))
        async with asyncio.timeout(timeout_s):
            await future

    def notify(self) -> None:
        """Something has changed: let those go on whose condition is met, or all when the channel is closed."""
        waiting = []
        for done, future in self.waiting:
            if future.done():
                continue
            if done():
                future.set_result(None)
            elif self._closed.is_set():
                future.set_exception(self._lost())
            else:
                waiting.append((done, future))
        self.waiting = waiting
