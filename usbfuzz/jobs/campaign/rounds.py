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

from .inbox import Inbox, unless_set
from .lanes import CampaignLane
from .looking import Looking
from .messages import Entered, LaneState, Made, Order, Reply, RoundDone, WorkerStart
from .reach import Reach
from .tally import GuestClock, bound, gave_up, sources

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
    _rounds: int = field(default=0, init=False)
    _restores: int = field(default=0, init=False)  #: of the lane, when the last round was told of
    _clock: GuestClock = field(factory=GuestClock, init=False)

    def __attrs_post_init__(self) -> None:
        self._looking = Looking(self.lane, self.upstream, self.inbox, self.start.minimize)
        self._restores = self.lane.restores
        if self.start.coverage and self.lane.coverage is not None:
            self._reach = Reach(self.lane.coverage, Path(self.start.coverage), self.start.config.ports)

    async def run(self) -> None:
        """Rounds until told to stop; raises GuestError and InfraError when the lane cannot go on."""
        await self._idle()
        while made := await self._supply():
            await self._round(made)
            await self._alone()
            self._collect()
            if await self._looking.between():
                self._history.clear()
        if self._reach is not None:
            self._reach.save()
        await self._looking.finish()

    async def _idle(self) -> None:
        """Let the code run that needs no device, the agent's port and timers: it is new no more, and no case's."""
        for _ in range(_IDLE_ROUNDS if self._reach is not None else 0):
            await self.lane.run(_NOTHING)

    async def _alone(self) -> None:
        """Run a case again by itself when code is open that it may have reached."""
        case = self._reach.candidate() if self._reach is not None and not self.inbox.stop.is_set() else None
        if self._reach is None or case is None:
            return
        outcome, _ = await self._believable((case,))
        if outcome is not None:
            self._reach.add((case,), outcome)
            if outcome.reports:
                await self._looking.look_into(outcome, (case,), ())

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
        started, told = time.monotonic(), self._clock.seconds
        outcome, dilated = await self._believable(cases)
        self.inbox.cases.learn(quiet=outcome is not None and not outcome.restored)
        hits: list[str] = []
        blocks = self._reach.add(cases, outcome) if self._reach is not None and outcome is not None else 0
        if outcome is not None and outcome.reports:
            hits = await self._looking.look_into(outcome, cases, tuple(self._history))
        if outcome is None or outcome.restored:
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
                restores=self.lane.restores - self._restores,
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
        self._restores = self.lane.restores

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
