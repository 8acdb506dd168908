"""What a worker does: run rounds of cases, find the case behind each new crash, make it small."""

from __future__ import annotations

import gc
import time
from collections import deque
from collections.abc import Sequence
from pathlib import Path

from attrs import define, evolve, field

from harness.lane.outcome import Outcome
from harness.lane.trial import run_believably
from harness.workers.upstream import Upstream
from usbfuzz.case.model import Case
from usbfuzz.crashes.manifestation import Manifestation, Where
from usbfuzz.triage import Report, leads_to, same_bug

from .attribute import Attributor, Suspicion, bound_drivers, in_time
from .inbox import Inbox, unless_set
from .lanes import CampaignLane
from .messages import Attributed, Entered, LaneState, Made, Manifested, Order, Reply, RoundDone, Sighted, WorkerStart
from .reach import Reach
from .shrink import LAST_SECONDS, Found, Shrinker
from .tally import GuestClock, bound, gave_up, sources

__all__ = ["HISTORY_ROUNDS", "Rounds"]

#: Rounds before a crash that are run again with it when nothing smaller shows it.
HISTORY_ROUNDS = 8
#: Rounds between full garbage collections; the young generations are collected after every round.
_COLLECT_EVERY = 200


@define
class Rounds:
    """One lane's loop over its queue of cases."""

    start: WorkerStart
    upstream: Upstream[Order, Reply]
    inbox: Inbox
    lane: CampaignLane
    _history: deque[tuple[Case, ...]] = field(factory=lambda: deque(maxlen=HISTORY_ROUNDS), init=False)
    _saved: list[tuple[Report, str]] = field(factory=list, init=False)  #: reports and their crash directories
    _shrinker: Shrinker = field(init=False)
    _reach: Reach | None = field(default=None, init=False)
    _rounds: int = field(default=0, init=False)
    _clock: GuestClock = field(factory=GuestClock, init=False)

    def __attrs_post_init__(self) -> None:
        self._shrinker = Shrinker(self.lane, lambda: self.inbox.hurry)
        if self.start.coverage and self.lane.coverage is not None:
            self._reach = Reach(self.lane.coverage, Path(self.start.coverage), self.start.config.ports)

    async def run(self) -> None:
        """Rounds until told to stop; raises GuestError and InfraError when the lane cannot go on."""
        while made := await self._supply():
            await self._round(made)
            await self._alone()
            self._collect()
            if not self.inbox.stop.is_set() and (found := self._shrinker.next()):
                await self._shrink(found)
        if self._reach is not None:
            self._reach.save()
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

    async def _alone(self) -> None:
        """Run a case again by itself when code is open that it may have reached."""
        case = self._reach.candidate() if self._reach is not None and not self.inbox.stop.is_set() else None
        if self._reach is None or case is None:
            return
        outcome, _ = await self._believable((case,))
        if outcome is not None:
            self._reach.add((case,), outcome)
            if outcome.reports:
                await self._look_into(outcome, (case,), ())

    async def _supply(self) -> list[Made]:
        """The next round's cases, or none once told to stop."""
        self.upstream.send(Entered(LaneState.WAITING, self.inbox.cases.due))
        made = await unless_set(self.inbox.stop, self.inbox.cases.round())
        return [] if made is None or self.inbox.stop.is_set() else made

    def _collect(self) -> None:
        self._rounds += 1
        gc.collect(2 if self._rounds % _COLLECT_EVERY == 0 else 1)

    async def _round(self, made: Sequence[Made]) -> None:
        indices = tuple(case.index for case in made)
        cases = tuple(self._campaigns_own(case) for case in made)
        self.upstream.send(Entered(LaneState.RUNNING, indices))
        started, restores, told = time.monotonic(), self.lane.restores, self._clock.seconds
        outcome, dilated = await self._believable(cases)
        self.inbox.cases.learn(quiet=outcome is not None and not outcome.restored)
        hits: list[str] = []
        blocks = self._reach.add(cases, outcome) if self._reach is not None and outcome is not None else 0
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
                drivers=bound(outcome) if outcome else (),
                hits=tuple(hits),
                blocks=blocks,
                gave_up=gave_up(outcome) if outcome else (),
                sources=sources(cases),
                guest_seconds=self._clock.seconds - told,
            )
        )

    def _campaigns_own(self, made: Made) -> Case:
        """The case as it is to be saved: it says how its guest was booted and where it comes from."""
        needs = evolve(made.case.guest, kernel_params=self.start.config.kernel_params)
        provenance = evolve(made.case.provenance, seed=self.start.seed, index=made.index)
        return evolve(made.case, guest=needs, provenance=provenance)

    async def _believable(self, cases: tuple[Case, ...]) -> tuple[Outcome | None, int]:
        """Run a round until its outcome may be believed, and how often it could not; no outcome when it never can."""

        async def remember(outcome: Outcome) -> None:
            if outcome.restored:
                self._history.clear()
            else:
                self._history.append(cases)

        trial = await run_believably(lambda: self._timed(cases), lambda outcome: outcome.believable, between=remember)
        return trial.result if trial.believed else None, trial.doubted

    async def _timed(self, cases: tuple[Case, ...]) -> Outcome:
        """Run a round, and let the guest's time pass."""
        life = self.lane.restores
        outcome = await self.lane.run_round(cases)
        self._clock.heard(outcome.console, life)
        return outcome

    async def _look_into(self, outcome: Outcome, cases: tuple[Case, ...], indices: tuple[int, ...]) -> list[str]:
        """Count reports of bugs that are saved, attribute the others; returns the crash directory of each report."""
        drivers, history = bound_drivers(outcome.bindings), tuple(self._history)
        reports = in_time(outcome)
        todo = deque(
            Suspicion(report, cases, history, outcome.console, drivers, reports[:nth])
            for nth, report in enumerate(reports)
        )
        attributor = Attributor(self.lane, lambda: self.inbox.hurry, past=[] if outcome.restored else None)
        hits: list[str] = []
        while todo:
            suspicion = todo.popleft()
            if suspicion.report.suppressed or self._is_consequence(suspicion):
                continue
            slug = self._slug_of(suspicion.report)
            if slug is None:
                slug = await self._save_and_attribute(suspicion, attributor, indices)
            elif suspicion.cases == cases:
                hits.append(slug)
            todo.extend(attributor.strays)
            attributor.strays.clear()
        if attributor.runs and not attributor.fresh:
            await self.lane.restore()
        return hits

    def _is_consequence(self, suspicion: Suspicion) -> bool:
        """Whether an earlier report in the same guest explains this one, which is then noted with the earlier's bug."""
        for earlier in suspicion.before:
            slug = self._slug_of(earlier)
            if slug is not None and leads_to(earlier, suspicion.report):
                self.upstream.send(Manifested(slug, Manifestation.of(suspicion.report, Where.AFTER)))
                return True
        return False

    def _slug_of(self, report: Report) -> str | None:
        return next((slug for saved, slug in self._saved if same_bug(saved, report)), None)

    async def _save_and_attribute(self, suspicion: Suspicion, attributor: Attributor, indices: tuple[int, ...]) -> str:
        """Have the supervisor save the sighting before anything else, then find its case if that is still open."""
        self.upstream.send(Sighted(suspicion.evidence()))
        reply = await self.inbox.saved.get()
        self._saved.append((suspicion.report, reply.slug))
        self.lane.known.append(suspicion.report)
        if reply.attribute:
            self.upstream.send(Entered(LaneState.ATTRIBUTING, indices, suspicion.report.title))
            started, restores = time.monotonic(), self.lane.restores
            found = await attributor.attribute(suspicion)
            self.upstream.send(Attributed(reply.slug, found))
            if found.hits and self.start.minimize:
                seconds = (time.monotonic() - started) / max(self.lane.restores - restores, 1)
                self._shrinker.add(Found(reply.slug, found.case, found.report, seconds))
        return reply.slug
