"""One agent for several cases at a time: where they want the same thing of the guest, it is asked once."""

from __future__ import annotations

import asyncio
from collections import Counter
from functools import partial
from typing import TYPE_CHECKING

from attrs import define, field

from harness.guest.place import buses_of

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

    from harness.guest.agent_client import Agent, UEvent

__all__ = ["SharedAgent"]

#: Guest milliseconds for a port change to become hub work that holds the hub's lock.
_NOTICE_MS = 8
#: Guest milliseconds of one sleep: a longer one is made of several, because a sleep that is no longer waited for
#: goes on in the guest until it ends.
_STEP_MS = 20_000
#: Guest milliseconds that opened device nodes stay open.
_EXERCISE_MS = 60


@define
class _Shared:
    """An action in the guest. All who ask for it before it begins are served by one run of it."""

    _act: Callable[[], Awaitable[None]]
    _droppable: bool = False  #: it is cancelled when the last task that waited for it is cancelled
    _waiters: Counter[asyncio.Task[None]] = field(factory=Counter, init=False)
    _running: asyncio.Task[None] | None = field(default=None, init=False)
    _next: asyncio.Task[None] | None = field(default=None, init=False)

    async def run(self) -> None:
        """Return when a run that began after this call has ended."""
        if self._next is None:
            self._next = asyncio.create_task(self._after(self._running))
            self._next.add_done_callback(_seen)
        task = self._next
        self._waiters[task] += 1
        try:
            await asyncio.shield(task)
        finally:
            self._waiters[task] -= 1
            if not self._waiters[task]:
                del self._waiters[task]
                self._drop(task)

    def _drop(self, task: asyncio.Task[None]) -> None:
        if self._droppable and task.cancel() and task is self._next:
            self._next = None

    async def _after(self, running: asyncio.Task[None] | None) -> None:
        if running is not None:
            await asyncio.wait({running})
        self._running, self._next = asyncio.current_task(), None
        await self._act()


def _seen(task: asyncio.Task[None]) -> None:
    """Mark a failure as seen: those who wait for the task are told, and when the guest dies there may be none."""
    if not task.cancelled():
        task.exception()


@define
class SharedAgent:
    """What the devices of a round need of the guest's agent; each call raises what :class:`Agent`'s do."""

    _agent: Agent
    events: list[UEvent] = field(factory=list)  #: of the guest's kernel, as of the last settle
    _barriers: dict[frozenset[int], _Shared] = field(factory=dict, init=False)  #: by the ports they are for
    _exercise: _Shared = field(init=False)
    _used: set[int] = field(factory=set, init=False)  #: ports whose nodes are exercised
    _sleeps: dict[int, _Shared] = field(factory=dict, init=False)  #: by their guest milliseconds

    def __attrs_post_init__(self) -> None:
        self._exercise = _Shared(self._use)

    def take(self) -> list[UEvent]:
        """The uevents since the last call."""
        events, self.events = self.events, []
        return events

    async def settle(self, ports: Iterable[int] = ()) -> None:
        """Return once the hubs of ``ports`` have finished what was pending at the time of the call, and every probe.

        What goes on at other ports does not matter, else a slow driver would keep the round's other devices plugged
        in, and busy. Without ``ports``: all hubs.
        """
        key = frozenset(ports)
        if key not in self._barriers:
            self._barriers[key] = _Shared(partial(self._settle, key))
        await self._barriers[key].run()

    async def exercise(self, ports: Iterable[int]) -> None:
        """Use what device nodes and network interfaces of ``ports`` have appeared: drivers do more then than bind."""
        self._used.update(ports)
        await self._exercise.run()

    async def sleep(self, ms: int) -> None:
        """Return once ``ms`` milliseconds of the guest's clock have passed, or up to twice as many."""
        for left in range(ms, 0, -_STEP_MS):
            step = min(left, _STEP_MS)
            if step not in self._sleeps:
                self._sleeps[step] = _Shared(partial(self._agent.sleep, step), droppable=True)
            await self._sleeps[step].run()

    async def _settle(self, ports: frozenset[int]) -> None:
        events = await self._agent.settle(_NOTICE_MS, sorted(bus for port in ports for bus in buses_of(port)))
        self.events += events  # the list of now: the one of before the wait may have been taken

    async def _use(self) -> None:
        await self._agent.exercise(_EXERCISE_MS, sorted(bus for port in self._used for bus in buses_of(port)))
