"""Runs a case again, on guests fresh from the snapshot, and says whether the recorded bug came back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import evolve, frozen

from harness.lane.config import LaneConfig
from harness.lane.lane import Lane

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.lane.outcome import Outcome
    from usbfuzz.case.model import Case

__all__ = ["DEFAULT_KERNEL", "Replay", "recorded_kernel", "recorded_names", "replay", "shows"]

#: Known to hold bugs that were fixed later: a newcomer sees crashes within minutes.
DEFAULT_KERNEL = "debian:5.10.223"

#: Runs of one replay that may be dilated (we answered too late) before the last one counts all the same.
_PATIENCE = 3


@frozen
class Replay:
    """What the runs of one case showed."""

    recorded: frozenset[str]  #: titles of the bug the case was kept for; empty if it never crashed
    outcomes: tuple[Outcome, ...]

    @property
    def hits(self) -> int:
        """Runs that showed the recorded bug; without a recorded one, runs that crashed at all."""
        return sum(shows(outcome, self.recorded) for outcome in self.outcomes)

    @property
    def titles(self) -> tuple[str, ...]:
        """First title of each run, "" where it was clean."""
        return tuple(outcome.title for outcome in self.outcomes)


def recorded_names(case: Case) -> frozenset[str]:
    """The titles of the bug the case is kept for, on whatever kernel; empty if none is recorded."""
    return frozenset(name for row in case.expect for name in row.names)


def recorded_kernel(case: Case) -> str:
    """The kernel the recorded title was seen on, or the default one."""
    return next((row.kernel for row in case.expect if row.title), DEFAULT_KERNEL)


def shows(outcome: Outcome, names: frozenset[str]) -> bool:
    """Whether one of the outcome's reports is the bug with these titles (any crash, when there are none)."""
    return any(not names or names & report.names for report in outcome.reports)


async def replay(
    case: Case,
    config: LaneConfig,
    times: int,
    *,
    record: bool = False,
    on_outcome: Callable[[int, Outcome], None] = lambda *_: None,
    on_progress: Callable[[str], None] = lambda _: None,
) -> Replay:
    """Run ``case`` ``times`` times, each on a fresh guest booted as the case needs; raises BootError, InfraError.

    With ``record`` the outcomes carry their conversations.
    """
    lane = await Lane.open(for_case(config, case), on_progress)
    lane.recording = record
    outcomes: list[Outcome] = []
    try:
        for number in range(times):
            outcome = await _trusted(lane, case)
            outcomes.append(outcome)
            on_outcome(number, outcome)
            if number + 1 < times and not outcome.restored:
                await lane.restore()
    finally:
        await lane.close()
    return Replay(recorded_names(case), tuple(outcomes))


def for_case(config: LaneConfig, case: Case) -> LaneConfig:
    """``config`` with the kernel parameters the case needs, and as many ports as it uses."""
    ports = max(config.ports, 1 + max((event.port for event in case.events), default=0))
    params = tuple(dict.fromkeys((*case.guest.kernel_params, *config.kernel_params)))
    return evolve(config, kernel_params=params, ports=ports)


async def _trusted(lane: Lane, case: Case) -> Outcome:
    """One run in which we answered in time, or the last of a few."""
    for _ in range(_PATIENCE):
        outcome = await lane.run(case)
        if not outcome.dilated or outcome.reports:
            return outcome
        if not outcome.restored:
            await lane.restore()
    return outcome
