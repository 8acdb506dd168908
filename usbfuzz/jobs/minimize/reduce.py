"""Delta debugging: which of many independent changes can be made together without losing the bug.

This is Zeller and Hildebrandt's ddmin, made for guests that run side by side: while one set of changes is tried, the
next sets are tried too, on a guess of how the first trial will end.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable

from attrs import define, field, frozen

from usbfuzz.case.model import Case

__all__ = ["Choice", "reduce"]

Picks = frozenset[int]


@frozen
class Choice:
    """Changes that may be made to a case, independent of each other: what is removed or simplified."""

    count: int
    make: Callable[[Picks], Case]  #: the case with these changes; they are numbered from 0


async def reduce(
    choice: Choice,
    shows: Callable[[Case], Awaitable[bool]],
    width: int,
    accept: Callable[[Case], None],
) -> bool:
    """Make as many of the changes as the bug allows, until no single further one can be made; whether any was made.

    ``accept`` gets each better case as it is found. What ``shows`` raises passes through.
    """
    sweep = _Sweep(choice, shows, width, accept)
    size = choice.count
    while size:
        moved = await sweep.run(size)
        left = choice.count - len(sweep.made)
        if size > 1:
            size = min(size // 2, left)
        elif not moved or not left:
            break
    return bool(sweep.made)


@define
class _Sweep:
    """Walks over the changes not made yet, in chunks, from the last to the first."""

    choice: Choice
    shows: Callable[[Case], Awaitable[bool]]
    width: int
    accept: Callable[[Case], None]
    made: Picks = frozenset()
    _hopeful: bool = field(default=True, init=False)  #: the last chunk could be made: guess that the next can, too
    _wary: set[Picks] = field(factory=set, init=False)  #: chunks that are tried without such a guess
    _queue: deque[Picks] = field(factory=deque, init=False)
    #: Trials that run: all changes of each, and those that are new in it.
    _trials: dict[asyncio.Task[bool], tuple[Picks, Picks]] = field(factory=dict, init=False)

    async def run(self, size: int) -> bool:
        """Try all chunks of ``size`` changes; whether any could be made."""
        before = self.made
        left = [number for number in reversed(range(self.choice.count)) if number not in self.made]
        self._wary.clear()
        self._queue.extend(frozenset(left[at : at + size]) for at in range(0, len(left), size))
        try:
            while self._start():
                done, _ = await asyncio.wait(self._trials, return_when=asyncio.FIRST_COMPLETED)
                for trial in sorted(done, key=lambda task: len(self._trials[task][0])):
                    self._judge(trial)
        finally:
            await self._abandon()
        return self.made != before

    def _start(self) -> bool:
        """Start a trial for each idle guest; whether any runs.

        A trial is built on the guess that those under way succeed while ``_hopeful``, else that they fail.
        """
        while self._queue and len(self._trials) < self.width:
            chunk = self._queue.popleft()
            if chunk <= self.made:
                continue
            picks = self.made | chunk
            if self._hopeful and chunk not in self._wary:
                picks = picks.union(*(under_way for under_way, _ in self._trials.values()))
            trial = asyncio.ensure_future(self.shows(self.choice.make(picks)))
            self._trials[trial] = (picks, chunk)
        return bool(self._trials)

    def _judge(self, trial: asyncio.Task[bool]) -> None:
        picks, chunk = self._trials.pop(trial)
        self._hopeful = trial.result()
        if self._hopeful and picks >= self.made:
            self.made = picks
            self.accept(self.choice.make(picks))
        elif self._hopeful or not picks - chunk <= self.made:
            # It was tried on a case other than the present one, or on a wrong guess.
            self._queue.appendleft(chunk)
            self._wary.add(chunk)

    async def _abandon(self) -> None:
        for trial in self._trials:
            trial.cancel()
        if self._trials:
            await asyncio.wait(self._trials)
        self._trials.clear()
        self._queue.clear()
