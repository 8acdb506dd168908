"""Runs a case again, on guests fresh from the snapshot, and says whether the recorded bug came back."""

from __future__ import annotations

from collections.abc import Callable

from attrs import frozen

from harness.lane.config import LaneConfig
from harness.lane.lane import Lane
from harness.lane.outcome import Outcome
from harness.lane.trial import run_believably
from usbfuzz.case.model import Case

__all__ = ["Replay", "believed_run", "replay"]


@frozen
class Replay:
    """What the runs of one case showed."""

    recorded: frozenset[str]  #: titles of the bug the case was kept for; empty if it never crashed
    outcomes: tuple[Outcome, ...]

    @property
    def hits(self) -> int:
        """Runs that showed the recorded bug; when none is recorded, runs that crashed at all."""
        return sum(outcome.shows(self.recorded) for outcome in self.outcomes)

    @property
    def titles(self) -> tuple[str, ...]:
        """First title of each run, "" where it was clean."""
        return tuple(outcome.title for outcome in self.outcomes)

    @property
    def best(self) -> Outcome:
        """The first run that showed the bug; when none did, the last run."""
        return next((outcome for outcome in self.outcomes if outcome.shows(self.recorded)), self.outcomes[-1])


async def replay(
    case: Case,
    config: LaneConfig,
    times: int,
    *,
    record: bool = False,
    survey: bool = False,
    on_outcome: Callable[[int, Outcome], None] = lambda *_: None,
    on_progress: Callable[[str], None] = lambda _: None,
) -> Replay:
    """Run ``case`` ``times`` times, each on a fresh guest booted as the case needs; raises BootError, InfraError.

    With ``record`` the outcomes carry their conversations, with ``survey`` what user space saw of the devices.
    """
    lane = await Lane.open(config.for_case(case), on_progress)
    lane.recording, lane.surveying = record, survey
    outcomes: list[Outcome] = []
    try:
        for number in range(times):
            outcome = await believed_run(lane, case)
            outcomes.append(outcome)
            on_outcome(number, outcome)
            if number + 1 < times and not outcome.restored:
                await lane.restore()
    finally:
        await lane.close()
    return Replay(case.recorded_names, tuple(outcomes))


async def believed_run(lane: Lane, case: Case) -> Outcome:
    """One run that may be believed, or the last of a few that may not."""

    async def refresh(outcome: Outcome) -> None:
        if not outcome.restored:
            await lane.restore()

    trial = await run_believably(lambda: lane.run(case), lambda outcome: outcome.believable, between=refresh)
    return trial.result
