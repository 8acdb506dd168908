"""Guests that run cases of a corpus; and as a search for a smaller case asks them: does it still reach these blocks?"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Protocol

from attrs import frozen

from harness.lane.config import LaneConfig
from harness.workers.worker import WorkerProgram
from usbfuzz.case.model import Case
from usbfuzz.jobs.minimize.oracle import CandidateRun
from usbfuzz.jobs.trials import GuestStart, TrialGuests

from .messages import MESSAGES, Keys, Ran, Trial

__all__ = ["ReachGuests", "RunsTrials", "reach_pool"]

_PROGRAM = WorkerProgram.of("usbfuzz.jobs.corpus.worker", MESSAGES)


class RunsTrials(Protocol):
    """What runs cases on one kernel."""

    @property
    def lanes(self) -> int:
        """How many run at the same time."""

    async def run(self, trial: Trial) -> Ran | None:
        """Run a case once; None when guests fail at it. Raises what lanes raise."""

    async def close(self) -> None:
        """End the guests."""


def reach_pool(config: LaneConfig, lanes: int, on_progress: Callable[[str], None]) -> RunsTrials:
    """Worker processes of one kernel, each with a guest."""
    return TrialGuests(_PROGRAM, partial(GuestStart, config), lanes, on_progress)


@frozen
class ReachGuests:
    """Guests of some kernels, for :class:`usbfuzz.jobs.minimize.oracle.Oracle`: a hit reaches all that is wanted."""

    pools: Mapping[str, RunsTrials]  #: by kernel
    wanted: Mapping[str, Keys]  #: by kernel, of those that matter
    fresh: bool  #: what is wanted runs only in a guest that has run nothing since its snapshot
    crashes: bool  #: the case crashed the guest from the beginning; else no candidate may

    @property
    def width(self) -> int:
        """How many candidates run at the same time."""
        return min(self.pools[kernel].lanes for kernel in self.wanted)

    async def run(self, case: Case, *, fresh: bool) -> CandidateRun:
        """Run ``case`` once on each kernel, up to the first on which it misses something."""
        del fresh  # restoring a guest takes ten times as long as most runs, and is done at the end
        return await self.shows(case, fresh=self.fresh)

    async def shows(self, case: Case, *, fresh: bool) -> CandidateRun:
        """The same, on fresh guests if need be."""
        for kernel, wanted in self.wanted.items():
            ran = await self.pools[kernel].run(Trial(case, fresh, wanted))
            if ran is None or ran.reached != wanted or (ran.crashed and not self.crashes):
                return CandidateRun(hit=False, dilated=ran is not None and ran.dilated)
        return CandidateRun(hit=True)
