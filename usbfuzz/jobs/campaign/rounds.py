"""A lane's loop: run rounds, look into what they report."""

from __future__ import annotations

import asyncio
import gc
import time
from collections import deque
from collections.abc import Coroutine, Sequence
from typing import Any, TypeVar

from attrs import define, evolve, field

from harness.lane.outcome import Outcome
from harness.workers.child import Upstream
from harness.workers.procs import clean_exit_or_die
from usbfuzz.case.model import Case
from usbfuzz.triage import Report, same_bug

from .attribute import DILATED_TRIES, Attributor, Suspicion, drivers_of
from .feed import Feed
from .lanes import CampaignLane
from .messages import Attributed, Block, Entered, LaneState, Made, RoundDone, Settled, Setup, Sighted, Stop
from .shrink import LAST_SECONDS, Found, Shrinker

__all__ = ["HISTORY_ROUNDS", "Orders", "Rounds", "unless"]

#: Rounds before a crash that are run again with it when nothing smaller shows it.
HISTORY_ROUNDS = 8
#: Rounds between full garbage collections; the young generations are collected after every round.
_COLLECT_EVERY = 200

T = TypeVar("T")


async def unless(event: asyncio.Event, work: Coroutine[Any, Any, T]) -> T | None:
    """The result of ``work``, or None when ``event`` came first: then ``work`` is cancelled and over."""
    working, waiting = asyncio.create_task(work), asyncio.create_task(event.wait())
    try:
        await asyncio.wait({working, waiting}, return_when=asyncio.FIRST_COMPLETED)
        if working.done():
            return await working
        return None
    finally:
        for task in (working, waiting):
            task.cancel()
        await asyncio.wait({working, waiting})


@define
class Orders:
    """What the supervisor wants, as of now."""

    feed: Feed
    stop: asyncio.Event = field(factory=asyncio.Event)  #: end after the round that runs
    hurry: bool = False  #: start no further run to attribute a crash
    replies: asyncio.Queue[Settled] = field(factory=asyncio.Queue)

    def obey(self, message: object) -> None:
        """Act on a message of the supervisor; ``None`` is its end, and leaves little time to clean up."""
        match message:
            case Block():
                self.feed.add(message)
            case Settled():
                self.replies.put_nowait(message)
            case Stop(hurry):
                self.hurry = self.hurry or hurry
                self.stop.set()
            case _:
                clean_exit_or_die()
                self.hurry = True
                self.replies.put_nowait(Settled("", attribute=False))
                self.stop.set()


@define
class Rounds:
    """One lane's loop over its supply of cases."""

    setup: Setup
    upstream: Upstream
    orders: Orders
    lane: CampaignLane
    _history: deque[tuple[Case, ...]] = field(factory=lambda: deque(maxlen=HISTORY_ROUNDS), init=False)
    _settled: list[tuple[Report, str]] = field(factory=list, init=False)
    _shrinker: Shrinker = field(init=False)
    _rounds: int = field(default=0, init=False)

    def __attrs_post_init__(self) -> None:
        self._shrinker = Shrinker(self.lane, lambda: self.orders.hurry)

    async def run(self) -> None:
        """Rounds until told to stop; raises GuestError and InfraError when the lane cannot go on."""
        while made := await self._supply():
            await self._round(made)
            self._collect()
            if not self.orders.stop.is_set() and (found := self._shrinker.next()):
                await self._shrink(found)
        deadline = time.monotonic() + LAST_SECONDS
        while found := self._shrinker.last(deadline):
            await self._shrink(found)

    async def _shrink(self, found: Found) -> None:
        """Minimize the case of a bug in this lane's guest, which is a fresh one afterwards."""
        self.upstream.send(Entered(LaneState.MINIMIZING, note=found.report.title))
        shrunk = await self._shrinker.shrink(found)
        if shrunk is not None:
            self.upstream.send(shrunk)
        self._history.clear()

    async def _supply(self) -> list[Made]:
        """The next round's cases, or none once told to stop."""
        self.upstream.send(Entered(LaneState.WAITING, self.orders.feed.due))
        made = await unless(self.orders.stop, self.orders.feed.round())
        return [] if made is None or self.orders.stop.is_set() else made

    def _collect(self) -> None:
        self._rounds += 1
        gc.collect(2 if self._rounds % _COLLECT_EVERY == 0 else 1)

    async def _round(self, made: Sequence[Made]) -> None:
        indices = tuple(one.index for one in made)
        cases = tuple(self._campaigns_own(one) for one in made)
        self.upstream.send(Entered(LaneState.RUNNING, indices))
        started, restores = time.monotonic(), self.lane.restores
        outcome, dilated = await self._believable(cases)
        self.orders.feed.learn(quiet=outcome is not None and not outcome.restored)
        hits: list[str] = []
        if outcome is not None and outcome.reports:
            hits = await self._look_into(outcome, cases, indices)
        if outcome is None or self.lane.restores != restores:
            self._history.clear()
        else:
            self._history.append(cases)
        self.upstream.send(
            RoundDone(
                indices=indices,
                verdict=None if outcome is None else outcome.verdict,
                plugs=outcome.plugs if outcome else 0,
                enumerated=outcome.enumerated if outcome else 0,
                requests=outcome.requests if outcome else 0,
                seconds=time.monotonic() - started,
                restores=self.lane.restores - restores,
                dilated=dilated,
                worst_reply_ms=outcome.worst_reply_ms if outcome else 0.0,
                drivers=drivers_of(outcome.bindings) if outcome else (),
                hits=tuple(hits),
            )
        )

    def _campaigns_own(self, made: Made) -> Case:
        """The case as it is to be saved: it says how its guest was booted and where it comes from."""
        needs = evolve(made.case.guest, kernel_params=self.setup.config.kernel_params)
        provenance = evolve(made.case.provenance, seed=self.setup.seed, index=made.index)
        return evolve(made.case, guest=needs, provenance=provenance)

    async def _believable(self, cases: Sequence[Case]) -> tuple[Outcome | None, int]:
        """Run a round until its outcome is not dilated, and how often it was; no outcome when it always is.

        What the guest reports is its own word, late answer or not; a dilated silence may only be ours.
        """
        for dilated in range(DILATED_TRIES):
            outcome = await self.lane.run_round(cases)
            if not outcome.dilated or outcome.reports:
                return outcome, dilated
            if outcome.restored:
                self._history.clear()
            else:
                self._history.append(tuple(cases))
        return None, DILATED_TRIES

    async def _look_into(self, outcome: Outcome, cases: tuple[Case, ...], indices: tuple[int, ...]) -> list[str]:
        """Count reports of settled bugs, attribute the others; returns the crash directory of each report."""
        drivers, history = drivers_of(outcome.bindings), tuple(self._history)
        todo = deque(Suspicion(report, cases, history, outcome.console, drivers) for report in outcome.reports)
        attributor = Attributor(self.lane, lambda: self.orders.hurry, past=[] if outcome.restored else None)
        hits: list[str] = []
        while todo:
            suspicion = todo.popleft()
            if suspicion.report.suppressed:
                continue
            slug = self._slug_of(suspicion.report)
            if slug is None:
                slug = await self._settle(suspicion, attributor, indices)
            elif suspicion.cases == cases:
                hits.append(slug)
            todo.extend(attributor.strays)
            attributor.strays.clear()
        if attributor.runs and not attributor.fresh:
            await self.lane.restore()
        return hits

    def _slug_of(self, report: Report) -> str | None:
        return next((slug for settled, slug in self._settled if same_bug(settled, report)), None)

    async def _settle(self, suspicion: Suspicion, attributor: Attributor, indices: tuple[int, ...]) -> str:
        """Have the supervisor save the sighting before anything else, then find its case if that is still open."""
        self.upstream.send(Sighted(suspicion.evidence()))
        reply = await self.orders.replies.get()
        self._settled.append((suspicion.report, reply.slug))
        self.lane.known.append(suspicion.report)
        if reply.attribute:
            self.upstream.send(Entered(LaneState.ATTRIBUTING, indices, suspicion.report.title))
            started, restores = time.monotonic(), self.lane.restores
            found = await attributor.attribute(suspicion)
            self.upstream.send(Attributed(reply.slug, found))
            if found.hits and self.setup.minimize:
                seconds = (time.monotonic() - started) / max(self.lane.restores - restores, 1)
                self._shrinker.add(Found(reply.slug, found.case, found.report, seconds))
        return reply.slug
