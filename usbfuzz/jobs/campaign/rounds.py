"""What a worker does: run rounds of cases, find the case behind each new crash, make it small."""

from __future__ import annotations

import gc
import time
from collections import deque
from collections.abc import Iterable, Sequence
from pathlib import Path

from attrs import define, evolve, field

from harness.guest.kernels.modules import ModuleIndex
from harness.lane.outcome import Outcome
from harness.lane.trial import run_believably
from harness.workers.upstream import Upstream
from harness.workers.waiting import unless_set
from usbfuzz.case.model import Case, Provenance, Schedule
from usbfuzz.jobs.engine.plan import Source
from usbfuzz.jobs.races.way import schedule_of

from .inbox import Inbox
from .lanes import CampaignLane
from .lessons import Lessons
from .looking import Looking
from .messages import Entered, LaneState, Made, Order, Reached, Reply, RoundDone, WorkerStart
from .reach import Reach
from .tally import GuestClock, bound, costs, gave_up, sources, to_blame

__all__ = ["HISTORY_ROUNDS", "Rounds"]

#: Rounds before a crash that are run again with it when nothing smaller shows it.
HISTORY_ROUNDS = 8
#: A round without a device, and how many of them tell what code runs by itself: the second adds one block in 269.
_NOTHING, _IDLE_ROUNDS = Case((), ()), 2
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
    _looking: Looking = field(init=False)
    _reach: Reach | None = field(default=None, init=False)
    _lessons: Lessons | None = field(default=None, init=False)
    _rounds: int = field(default=0, init=False)
    _restores: int = field(default=0, init=False)  #: of the lane, when the last round was told of
    _clock: GuestClock = field(factory=GuestClock, init=False)

    def __attrs_post_init__(self) -> None:
        self._looking = Looking(self.lane, self.upstream, self.inbox, self.start.minimize)
        self._restores = self.lane.restores
        if self.start.coverage and self.lane.coverage is not None:
            config = self.start.config
            needs = ModuleIndex.read(config.kernel.modules).dependencies
            self._reach = Reach(self.lane.coverage, Path(self.start.coverage), config.ports, needs)
        if self.start.making.corpus and self.lane.sees_comparisons:
            self._lessons = Lessons(self.start, self.upstream, self.inbox, self.lane)

    async def run(self) -> None:
        """Rounds until told to stop; raises GuestError and InfraError when the lane cannot go on."""
        await self._idle()
        while made := await self._supply():
            await self._round(made)
            await self._alone()
            await self._learn()
            self._collect()
            if await self._looking.between():
                self._history.clear()
        if self._lessons is not None:
            await self._lessons.close()
        if self._reach is not None:
            self._reach.save()
        await self._looking.finish()

    async def _idle(self) -> None:
        """Let the code run that needs no device, the agent's port and timers: it is new no more, and no case's."""
        if self._reach is None:
            return
        for _ in range(_IDLE_ROUNDS):
            self._reach.idle(await self.lane.run(_NOTHING))

    async def _alone(self) -> None:
        """Run a case again by itself when code is open that it may have reached."""
        made = self._reach.candidate() if self._reach is not None and not self.inbox.stop.is_set() else None
        if self._reach is None or made is None:
            return
        outcome, _ = await self._believable((made.case,))
        if outcome is not None:
            self._tell(self._reach.add((made,), outcome, again=True))
            if outcome.reports:
                await self._looking.look_into(outcome, (made.case,), ())

    def _tell(self, reached: Iterable[Reached]) -> None:
        """Hand the campaign the cases that others may be made from."""
        if self.start.making.corpus:
            for message in reached:
                self.upstream.send(message)

    async def _supply(self) -> list[Made]:
        """The next round's cases, or none once told to stop."""
        self.upstream.send(Entered(LaneState.WAITING, self.inbox.cases.due))
        made = await unless_set(self.inbox.stop, self.inbox.cases.round())
        return [] if made is None or self.inbox.stop.is_set() else made

    def _collect(self) -> None:
        self._rounds += 1
        gc.collect(2 if self._rounds % _COLLECT_EVERY == 0 else 1)

    async def _round(self, made: Sequence[Made]) -> None:
        schedule = self._schedule(made)
        made = [evolve(each, case=self._campaigns_own(each, schedule)) for each in made]
        cases = tuple(each.case for each in made)
        self.upstream.send(Entered(LaneState.RUNNING, tuple(each.index for each in made)))
        started, told = time.monotonic(), self._clock.seconds
        outcome, dilated = await self._believable(cases)
        await self._done(made, outcome, dilated, started, told)

    async def _learn(self) -> None:
        """Run a round of what lessons want, if there is time for it."""
        if self._lessons is None or self.inbox.stop.is_set():
            return
        started, told = time.monotonic(), self._clock.seconds
        sitting = await self._lessons.round()
        if sitting is None:
            return
        pairs = zip(sitting.cases, sitting.drivers, strict=True)
        made = [Made(-1, self._lessons_own(case, driver), Source.LEARNING, driver) for case, driver in pairs]
        await self._done(made, sitting.outcome, 0, started, told)

    async def _done(
        self, made: Sequence[Made], outcome: Outcome | None, dilated: int, started: float, told: float
    ) -> None:
        """Look at how a round ended, and tell the campaign."""
        cases = tuple(each.case for each in made)
        blamed = None if outcome is not None and not outcome.restored else to_blame(made, outcome)
        self.inbox.cases.learn(made, blamed=blamed)
        hits: list[str] = []
        if self._reach is not None and outcome is not None:
            self._tell(self._reach.add(made, outcome))
        if outcome is not None and outcome.reports:
            hits = await self._looking.look_into(outcome, cases, tuple(self._history))
        if outcome is None or outcome.restored:
            self._history.clear()
        else:
            self._history.append(cases)
        self.upstream.send(
            RoundDone(
                indices=tuple(each.index for each in made if each.index >= 0),
                verdict=None if outcome is None else outcome.verdict,
                plugs=outcome.plugs if outcome else 0,
                enumerated=outcome.enumerated if outcome else 0,
                requests=outcome.requests if outcome else 0,
                seconds=time.monotonic() - started,
                restores=self.lane.restores - self._restores,
                dilated=dilated,
                worst_reply_ms=outcome.worst_reply_ms if outcome else 0.0,
                drivers=bound(outcome) if outcome else (),
                hits=tuple(hits),
                blocks=int(outcome.covered.new.sum()) if outcome is not None and outcome.covered is not None else 0,
                gave_up=gave_up(outcome) if outcome else (),
                sources=sources(cases),
                guest_seconds=self._clock.seconds - told,
                ran=costs(made, blamed, time.monotonic() - started),
            )
        )
        self._restores = self.lane.restores

    def _schedule(self, made: Sequence[Made]) -> Schedule:
        """How the processors take turns in a round with these cases: each round has a schedule of its own."""
        config = self.start.config
        return schedule_of(self.start.making.seed + made[0].index, config.smp) if config.smp > 1 else Schedule()

    def _campaigns_own(self, made: Made, schedule: Schedule) -> Case:
        """The case as it is to be saved: it says how its guest was booted and where it comes from."""
        config = self.start.config
        needs = evolve(made.case.guest, kernel_params=config.kernel_params, processors=config.smp, schedule=schedule)
        provenance = made.case.provenance
        if made.source is not Source.CORPUS:
            provenance = evolve(provenance, source="campaign", seed=self.start.making.seed, index=made.index)
        return evolve(made.case, guest=needs, provenance=provenance)

    def _lessons_own(self, case: Case, driver: str) -> Case:
        config = self.start.config
        needs = evolve(case.guest, kernel_params=config.kernel_params, processors=config.smp)
        strategy, notes = Source.LEARNING.value, f"a device to learn {driver} by"
        provenance = Provenance("campaign", self.start.making.seed, strategy=strategy, notes=notes)
        return evolve(case, guest=needs, title=f"{case.devices[0].name}, answers made up", provenance=provenance)

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
