"""Calls that are due later: in guest time, in real time, or as soon as the loop is free."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Protocol

from usbfuzz.errors import UsbfuzzError

__all__ = ["Clock", "Handle", "Scheduler", "real_time"]

#: Waits for so many milliseconds of the guest's clock.
Clock = Callable[[int], Awaitable[None]]


class Handle(Protocol):
    """A call that is not made yet."""

    def cancel(self) -> object:
        """Do not make the call."""


async def real_time(ms: int) -> None:
    """The clock of a guest that runs in real time."""
    await asyncio.sleep(ms / 1000)


class Scheduler:
    """Makes calls later. No caller awaits them, so what a call or the clock raises is passed to ``failed``."""

    def __init__(self, clock: Clock, failed: Callable[[BaseException], None]) -> None:
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
        """Make none of the calls that wait for the guest's clock."""
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
