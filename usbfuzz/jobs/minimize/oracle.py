"""Does a candidate still show the bug? Remembers answers, runs a candidate often enough, stops when time is up."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable, Sequence
from typing import Protocol

from attrs import define, field, frozen

from harness.lane.outcome import Outcome
from harness.lane.trial import believable, run_believably
from usbfuzz.case.model import Case
from usbfuzz.case.parts import digest
from usbfuzz.report.ran import coverage_text
from usbfuzz.triage import Report

__all__ = ["CandidateRun", "Guests", "Oracle", "OutOfTime", "Reliability"]

#: Runs of the same candidate until one may be believed. More than elsewhere: a candidate that is given up unjustly
#: leaves the case larger than need be.
_BELIEVED_WITHIN = 5
#: Accepted probability that a candidate counts as harmless although it shows the bug as often as the best one.
_DOUBT = 0.05
_MOST_TRIES = 8


class OutOfTime(Exception):  # noqa: N818 - nothing went wrong
    """The time for the minimization is up: no further run was started."""


@frozen
class CandidateRun:
    """One run of one candidate."""

    hit: bool  #: the bug was reported
    dilated: bool = False  #: the guest was answered late, so that no report means nothing
    report: Report | None = None  #: of a hit
    console: str = ""  #: of a hit
    coverage: str = ""  #: of a hit: coverage.tsv, where the guest's code was seen

    @classmethod
    def of(cls, outcome: Outcome, report: Report) -> CandidateRun:
        """A run that showed the bug."""
        return cls(hit=True, report=report, console=outcome.console, coverage=coverage_text(outcome, report))

    @property
    def believable(self) -> bool:
        """Whether the run tells anything."""
        return believable(reported=self.hit, dilated=self.dilated)


class Guests(Protocol):
    """What runs candidates: one guest or several."""

    @property
    def width(self) -> int:
        """How many candidates run at the same time."""

    async def run(self, case: Case, *, fresh: bool) -> CandidateRun:
        """Run ``case`` once; ``fresh``: in a guest that has run nothing since its snapshot. Raises what lanes raise."""


@frozen
class Reliability:
    """How often a case shows its bug."""

    hits: int
    runs: int
    example: CandidateRun | None = None  #: one of the runs that showed it

    def __add__(self, other: Reliability) -> Reliability:
        return Reliability(self.hits + other.hits, self.runs + other.runs, self.example or other.example)

    @property
    def share(self) -> float:
        """Of all runs, those that showed it."""
        return self.hits / self.runs if self.runs else 0.0

    @property
    def tries(self) -> int:
        """Runs without a hit after which a candidate that is as reliable would have shown the bug, almost surely."""
        if self.share >= 1:
            return 1
        if self.share <= 0:
            return _MOST_TRIES
        return min(_MOST_TRIES, math.ceil(math.log(_DOUBT) / math.log(1 - self.share)))


@define
class Oracle:
    """Runs candidates on guests. ``memo`` holds what is certain about a candidate, by its digest."""

    guests: Guests
    deadline: float = math.inf  #: monotonic time after which no run is started
    memo: dict[str, bool] = field(factory=dict)
    #: Called with what was found out about a candidate: its digest, and whether it shows the bug.
    on_verdict: Callable[[str, bool], None] = lambda _key, _shows: None
    tries: int = 1  #: runs without a hit until a candidate counts as harmless
    sure: int = 1  #: hits in a row, all but the first on a fresh guest, until a candidate counts as showing the bug
    asked: int = field(default=0, init=False)  #: runs so far
    unsure: set[str] = field(factory=set, init=False)  #: candidates of which no run could be believed
    doubted: int = field(default=0, init=False)  #: measured runs that could not be believed
    _measured: dict[str, Reliability] = field(factory=dict, init=False)
    _running: dict[str, asyncio.Task[bool]] = field(factory=dict, init=False)

    async def shows(self, case: Case) -> bool:
        """Whether ``case`` shows the bug; raises OutOfTime, and what lanes raise."""
        key = digest(case)
        known = self.memo.get(key)
        if known is not None:
            return known
        task = self._running.get(key)
        if task is None:
            task = self._running[key] = asyncio.create_task(self._find_out(key, case))
            task.add_done_callback(lambda done: self._ended(key, done))
        return await asyncio.shield(task)

    def reject(self, keys: Sequence[str], *, sure: int) -> None:
        """Forget that these candidates showed the bug, and from now on ask for ``sure`` hits in a row."""
        for key in keys:
            self._learn(key, shows=False)
        self.sure = sure

    async def measure(self, case: Case, runs: int) -> Reliability:
        """How often ``case`` shows the bug on fresh guests, in ``runs`` runs, those measured before included.

        The deadline does not apply: every result needs this figure.
        """
        key = digest(case)
        known = self._measured.get(key, Reliability(0, 0))
        asking = (self._run(case, fresh=True, in_time=False) for _ in range(known.runs, runs))
        for seen in await asyncio.gather(*asking):
            self.doubted += not seen.believable
            known += Reliability(int(seen.hit), 1, seen if seen.hit else None)
        self._measured[key] = known
        return known

    def _ended(self, key: str, task: asyncio.Task[bool]) -> None:
        self._running.pop(key, None)
        if not task.cancelled():
            task.exception()  # retrieved, else asyncio logs it: the caller may have been cancelled

    async def _find_out(self, key: str, case: Case) -> bool:
        believed = False
        for nth in range(self.tries):
            seen = await self._run(case, fresh=nth > 0)
            if seen.hit and await self._surely(case):
                self._learn(key, shows=True)
                return True
            believed |= seen.believable
        if believed:
            self.unsure.discard(key)
            self._learn(key, shows=False)
        else:
            self.unsure.add(key)
        return False

    async def _surely(self, case: Case) -> bool:
        for _ in range(self.sure - 1):
            if not (await self._run(case, fresh=True)).hit:
                return False
        return True

    def _learn(self, key: str, *, shows: bool) -> None:
        self.memo[key] = shows
        self.on_verdict(key, shows)

    async def _run(self, case: Case, *, fresh: bool, in_time: bool = True) -> CandidateRun:
        """One run that may be believed, or the last of a few that may not; raises OutOfTime."""

        async def once() -> CandidateRun:
            if in_time and time.monotonic() >= self.deadline:
                raise OutOfTime
            self.asked += 1
            return await self.guests.run(case, fresh=fresh)

        trial = await run_believably(once, lambda seen: seen.believable, tries=_BELIEVED_WITHIN)
        return trial.result
