"""The minimization itself: passes from coarse to fine, again and again until none of them gets any further."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from attrs import define, field

from usbfuzz.case.model import Case
from usbfuzz.case.parts import digest, weight
from usbfuzz.crashes.minimized import Mark, Minimized
from usbfuzz.jobs.races.way import schedules

from . import contents, uses
from .marks import find_marks
from .oracle import CandidateRun, Oracle, OutOfTime, Reliability
from .plain import fields
from .reduce import Choice, reduce
from .structure import LEVELS

__all__ = ["PASSES", "Pass", "Search"]

Pass = tuple[str, Callable[[Case], Choice]]

#: Name of each pass and what it may change, from coarse to fine.
PASSES: tuple[Pass, ...] = (
    ("devices", contents.devices),
    ("events", contents.events),
    ("firmware", contents.firmware),
    ("calls", uses.calls),
    ("strings, reports, scripts", contents.extras),
    ("configurations", contents.configurations),
    *LEVELS["tree"],
    ("answers", contents.steps),
    *LEVELS["items"],
    ("fields", fields),
    *LEVELS["bytes"],
    ("fields of calls", uses.fields_of_calls),
    ("uses", uses.lasting),
    ("waits", contents.waits),
    ("times", contents.plain_waits),
    ("delays", contents.delays),
    ("repetitions", contents.plain_steps),
    ("ports", contents.placement),
    ("speed", contents.speeds),
    ("exercise", contents.exercise),
)

_SHORT = 3  #: runs after which a case that showed the bug in each is taken to show it always
_LONG = 10  #: runs behind a reliability figure
_SCHEDULES = 12  #: that are tried for a race
_CHECK = 1  #: runs of the best case after a pass, besides the one that made it the best
_SURE = 3  #: hits in a row a candidate needs, once one has turned out much less reliable than what it was made from


@define
class Search:
    """One minimization. While it runs, ``stage``, ``best`` and ``oracle.asked`` say how far it is."""

    oracle: Oracle
    on_better: Callable[[Case], None] = lambda _: None  #: called with each better case as it is found
    passes: Sequence[Pass] = PASSES
    last: Sequence[Pass] = ()  #: tried only when the others get no further
    marks: bool = True  #: find out in the end which bytes matter
    stage: str = field(default="", init=False)
    best: Case | None = field(default=None, init=False)
    example: CandidateRun | None = field(default=None, init=False)  #: a run of the result that showed the bug
    _level: Reliability = field(default=Reliability(0, 0), init=False)  #: of the case it began with
    _accepted: list[str] = field(factory=list, init=False)  #: digests, in the pass that runs

    async def run(self, case: Case) -> Minimized | None:
        """The smallest case found when nothing more can go, or time is up; None when ``case`` never shows the bug.

        Raises what lanes raise; ``best`` is what had been found by then.
        """
        started = time.monotonic()
        self.stage = "first look"
        self._level = await self._look(case)
        if not self._level.hits:
            return None
        case = await self._raced(case)
        self.best = case
        self.oracle.tries = self._level.tries
        self.oracle.memo[digest(case)] = True
        complete, marks = await self._search()
        reliability = await self._last_look(in_time=complete)
        self.example = reliability.example
        return Minimized(
            self.best,
            hits=reliability.hits,
            runs=reliability.runs,
            tried=self.oracle.asked,
            seconds=time.monotonic() - started,
            before=weight(case),
            after=weight(self.best),
            complete=complete and not self.oracle.unsure,
            marks=marks,
        )

    async def _raced(self, case: Case) -> Case:
        """A race is minimized under the schedule of the guest's processors that shows it most often."""
        if self._level.hits == self._level.runs or case.guest.processors == 1:
            return case
        self.stage = "schedules"
        for other in schedules(case, _SCHEDULES):
            first = await self.oracle.measure(other, _SHORT)
            if first.share <= self._level.share:
                continue
            if (level := await self.oracle.measure(other, _LONG)).share > self._level.share:
                case, self._level = other, level
        return case

    async def _search(self) -> tuple[bool, tuple[Mark, ...]]:
        """Run all passes until none gets further; whether there was time for that, and which bytes then matter."""
        assert self.best is not None
        try:
            while await self._all(self.passes) or await self._all(self.last):
                pass
        except OutOfTime:
            return False, ()
        if not self.marks:
            return True, ()
        self.stage = "marks"
        try:
            return True, await find_marks(self.best, self.oracle.shows)
        except OutOfTime:
            return True, ()

    async def _all(self, passes: Sequence[Pass]) -> bool:
        """Each pass once; whether any got further."""
        moved = False
        for name, choose in passes:
            assert self.best is not None
            self.stage = name
            before = self.best
            self._accepted.clear()
            if await reduce(choose(before), self.oracle.shows, self.oracle.guests.width, self._accept):
                moved = True
                await self._check(before)
        return moved

    def _accept(self, case: Case) -> None:
        self.best = case
        self._accepted.append(digest(case))
        self.on_better(case)

    async def _look(self, case: Case) -> Reliability:
        """How often ``case`` shows the bug: from a few runs when each of them does, else from more."""
        first = await self.oracle.measure(case, _SHORT)
        if first.hits == first.runs:
            return first
        return await self.oracle.measure(case, _LONG)

    async def _check(self, before: Case) -> None:
        """Take back what a pass did if the bug now shows rarely: in a race, or only in a guest that ran other cases."""
        assert self.best is not None
        now = await self.oracle.measure(self.best, _CHECK)
        if now.hits == now.runs:
            return
        now = await self.oracle.measure(self.best, _LONG)
        if now.share * 2 >= self._level.share:
            self.oracle.tries = max(self.oracle.tries, now.tries)
            return
        self.oracle.reject(self._accepted, sure=_SURE)
        self.best = before
        self.on_better(before)

    async def _last_look(self, *, in_time: bool) -> Reliability:
        """How reliably the result shows the bug, from fewer runs when time is up."""
        assert self.best is not None
        self.stage = "reliability"
        return await self.oracle.measure(self.best, _LONG if in_time else _SHORT)
