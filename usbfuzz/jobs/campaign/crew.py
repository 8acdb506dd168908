"""The lanes of a campaign while it runs: those it begins with, and those that join."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine, Iterable
from typing import Any

from attrs import define, field

from .assignment import LaneSupervisor
from .messages import Stop

__all__ = ["Crew"]


@define(eq=False)
class Crew:
    """Supervisors of lanes, each in a task of its own."""

    _lane: Callable[[int, LaneSupervisor], Coroutine[Any, Any, None]]  #: one lane, to its end
    _supervisors: list[LaneSupervisor] = field(factory=list, init=False)
    _tasks: list[asyncio.Task[None]] = field(factory=list, init=False)
    _group: asyncio.TaskGroup | None = field(default=None, init=False)
    _stopped: bool = field(default=False, init=False)

    def begin(self, group: asyncio.TaskGroup, supervisors: Iterable[LaneSupervisor]) -> None:
        """Run lanes in ``group``."""
        self._group = group
        for supervisor in supervisors:
            self.join(supervisor)

    @property
    def working(self) -> bool:
        """The lanes have begun, and are not told to end."""
        return self._group is not None and not self._stopped

    def join(self, supervisor: LaneSupervisor) -> None:
        """Run another lane; only while they are working."""
        assert self._group is not None
        self._tasks.append(self._group.create_task(self._lane(len(self._supervisors), supervisor)))
        self._supervisors.append(supervisor)

    def stop(self, *, hurry: bool = False) -> None:
        """Tell all lanes to end."""
        self._stopped = True
        for supervisor in self._supervisors:
            supervisor.stop(Stop(hurry))

    def let_go(self) -> None:
        """Nothing is left to be run: lanes that wait for a place to work at end."""
        for supervisor in self._supervisors:
            supervisor.let_go()

    async def kill(self) -> None:
        """End all lanes at once."""
        for task in self._tasks:
            task.cancel()
        await asyncio.wait(self._tasks)

    async def over(self, event: asyncio.Event, seconds: float | None) -> bool:
        """Wait for all lanes to end; False when ``event`` or the end of ``seconds`` comes first."""
        waiting = asyncio.create_task(event.wait())
        deadline = None if seconds is None else time.monotonic() + seconds
        while (pending := {task for task in self._tasks if not task.done()}) and not waiting.done():
            left = None if deadline is None else deadline - time.monotonic()
            if left is not None and left <= 0:
                break
            await asyncio.wait({*pending, waiting}, timeout=left, return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()
        self._stopped |= not pending
        return not pending
