"""One plan run to its end: rounds of moments, what came of each, and the bad ones confirmed alone."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Iterator
from random import Random

from attrs import define, field

from harness.lane.trial import TRIES
from usbfuzz.case.model import Case

from .books import Books, Found, Verdict
from .guests import Guests
from .keeping import Keeper
from .messages import Ran, Trial
from .plan import Grain, Moment, Plan

__all__ = ["Options", "Sweep", "record"]

_CONFIRMATIONS = 2  #: runs of a bad moment on fresh guests
_PASSES = 2  #: over the list: a busy machine is busy for a while
_RECORDINGS = 2  #: runs of which the longest conversation counts


@define
class Options:
    """How moments are taken."""

    ways: tuple[str, ...] = ()  #: by name; none: all
    grains: tuple[Grain, ...] = ()  #: none: all
    seed: int | None = None  #: in a random order; None: in the plan's
    leaks: bool = False  #: each moment in some plug cycles, after which nothing may be left


@define(eq=False)
class Sweep:
    """The moments of one device on one kernel."""

    plan: Plan
    books: Books
    guests: Guests
    keeper: Keeper
    options: Options
    deadline: float = float("inf")  #: by the monotonic clock: no round begins after it
    numbers: list[int] = field(init=False)  #: of the moments that are wanted, in the order in which they are tried
    plugs: int = field(default=0, init=False)  #: devices that were plugged in, in this run
    on_found: Callable[[Moment, Found], None] = lambda _moment, _found: None

    def __attrs_post_init__(self) -> None:
        self.numbers = self.plan.numbers(self.options.ways, self.options.grains)
        if self.options.seed is not None:
            Random(self.options.seed).shuffle(self.numbers)

    async def run(self) -> None:
        """Try every moment that is still open, and once more those that were late.

        Raises what lanes raise, and StorageError.
        """
        for _ in range(_PASSES):
            await self._pass(self.left)

    @property
    def left(self) -> list[int]:
        """The numbers of the moments that nothing is known of yet."""
        return [number for number in self.numbers if self.books.is_open(number)]

    async def _pass(self, numbers: list[int]) -> None:
        moments = map(self.plan.moment, numbers)
        async with asyncio.TaskGroup() as group:
            for _ in range(self.guests.lanes):
                group.create_task(self._lane(moments))

    @property
    def found(self) -> list[Found]:
        """What is known of the moments that are wanted, in all runs, by number."""
        known = self.books.found
        return [known[number] for number in sorted(self.numbers) if number in known]

    @property
    def counts(self) -> Counter[Verdict]:
        """How many of them came to what."""
        return Counter(found.verdict for found in self.found)

    @property
    def bad(self) -> list[Found]:
        """The bad ones."""
        return [found for found in self.found if found.verdict is Verdict.BAD]

    @property
    def reasons(self) -> Counter[str]:
        """Why some were impossible."""
        return Counter(found.why for found in self.found if found.verdict is Verdict.IMPOSSIBLE)

    async def _lane(self, moments: Iterator[Moment]) -> None:
        for moment in moments:
            if time.monotonic() >= self.deadline:
                return
            await self._try(moment)

    async def _try(self, moment: Moment) -> None:
        """Try one moment, alone in the guest: side by side they are no faster, and one that is late taints all."""
        case = self.plan.case_of(moment)
        ran = await self._believed(case)
        if ran is None:
            found = Found(moment.number, Verdict.IMPOSSIBLE, "each guest that tried it failed")
        elif ran.reports:
            found = await self._bad(moment, case, ran)
        elif ran.hitches:
            found = Found(moment.number, Verdict.IMPOSSIBLE, ran.hitches[0])
        else:
            found = Found(moment.number, Verdict.LATE if ran.dilated else Verdict.CLEAN)
        if found.verdict is Verdict.BAD:
            self.books.note_bad(found, case)
        else:
            self.books.note(found)
        self.on_found(moment, found)

    async def _believed(self, case: Case) -> Ran | None:
        """The first run that tells anything, or the last of a few that do not."""
        ran: Ran | None = None
        for _ in range(TRIES):
            ran = await self._run(Trial(case, cycles=self.options.leaks))
            if ran is None or ran.reports or not ran.dilated:
                break
        return ran

    async def _run(self, trial: Trial) -> Ran | None:
        ran = await self.guests.run(trial)
        self.plugs += ran.plugs if ran is not None else 0
        return ran

    async def _bad(self, moment: Moment, case: Case, ran: Ran) -> Found:
        """Save what was reported, and see whether the moment alone shows it on a fresh guest."""
        report = ran.reports[0]
        slug, new = self.keeper.seen(case, ran)
        runs: list[Ran] = []
        for _ in range(_CONFIRMATIONS if new else 1):
            again = await self._run(Trial(case, fresh=True, cycles=self.options.leaks, recorded=new))
            if again is None:
                break
            runs.append(again)
        hits = self.keeper.confirmed(slug, case, report, runs)
        return Found(moment.number, Verdict.BAD, report.title, slug, hits, len(runs))


async def record(plan: Plan, guests: Guests, keeper: Keeper) -> Plan | None:
    """The plan of what the device says when it is plugged in, used, and pulled; None when guests fail at it."""
    best: Ran | None = None
    for _ in range(_RECORDINGS):
        ran = await guests.run(Trial(plan.case, packets=True))
        if ran is None:
            continue
        if ran.reports:
            keeper.seen(plan.case, ran)
        if best is None or len(ran.packets) > len(best.packets):
            best = ran
    return None if best is None else Plan(plan.case, best.packets)
