"""Calls that are due later: in guest time, in real time, or as soon as the loop is free."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Protocol

from usbfuzz.errors import UsbfuzzError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

__all__ = ["Handle", "Scheduler", "real_time"]


class Handle(Protocol):
    """A call that can still be called off."""

    def cancel(self) -> object:
        """Call it off."""


async def real_time(ms: int) -> None:
    """The clock of a guest that runs in real time."""
    await asyncio.sleep(ms / 1000)


class Scheduler:
    """What a call or the clock raises goes to ``failed``, for there is no caller it could go to."""

    def __init__(self, clock: Callable[[int], Awaitable[None]], failed: Callable[[BaseException], None]) -> None:
        self._clock = clock
        self._failed = failed
        self._loop = asyncio.get_running_loop()
        self._tasks: set[asyncio.Task[None]] = set()

    def after(self, ms: int, call: Callable[[], None]) -> Handle:
        """Call in ``ms`` guest milliseconds."""
        task = self._loop.create_task(self._wait(ms, call))
        self._tasks.add(task)
        task.add_done_callback(self._done)
        return task

    def later(self, seconds: float, call: Callable[[], None]) -> Handle:
        """Call in real seconds; 0 is as soon as possible."""
        return self._loop.call_later(seconds, self._run, call) if seconds else self._loop.call_soon(self._run, call)

    def close(self) -> None:
        """Call off everything that waits for the guest's clock."""
        for task in self._tasks:
            task.cancel()

    async def _wait(self, ms: int, call: Callable[[], None]) -> None:
        await self._clock(ms)
        call()

    def _run(self, call: Callable[[], None]) -> None:
        try:
            call()
        except UsbfuzzError as error:
            self._failed(error)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        error = None if task.cancelled() else task.exception()
        if error is not None:
            self._failed(error)
