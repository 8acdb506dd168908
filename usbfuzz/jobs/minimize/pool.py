"""Several guests, each in a process of its own and on a core of its own, that run candidates side by side."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from attrs import define, field

from harness.lane.config import LaneConfig
from harness.workers.policy import Policy
from harness.workers.worker import WorkerProgram
from usbfuzz.case.model import Case
from usbfuzz.jobs.trials import TrialGuests

from .messages import MESSAGES, Candidate, WorkerStart
from .oracle import CandidateRun

__all__ = ["GuestPool"]

_PROGRAM = WorkerProgram.of("usbfuzz.jobs.minimize.worker", MESSAGES)


@define
class GuestPool:
    """The worker processes of one minimization. A candidate that comes when all are busy waits for its turn."""

    config: LaneConfig
    names: frozenset[str]  #: titles of the bug; empty when any crash will do
    lanes: int
    on_progress: Callable[[str], None] = lambda _: None
    program: WorkerProgram[WorkerStart, Candidate, CandidateRun] = _PROGRAM
    policy: Policy = field(factory=Policy)
    _guests: TrialGuests[WorkerStart, Candidate, CandidateRun] = field(init=False)

    def __attrs_post_init__(self) -> None:
        start = partial(WorkerStart, self.config, self.names)
        self._guests = TrialGuests(self.program, start, self.lanes, self.on_progress, self.policy)

    @property
    def width(self) -> int:
        """How many candidates run at the same time."""
        return self.lanes

    async def run(self, case: Case, *, fresh: bool) -> CandidateRun:
        """Run ``case`` once, on the next guest that is free; raises BootError, InputError and InfraError.

        A candidate that workers fail at counts as one that does not show the bug.
        """
        return await self._guests.run(Candidate(case, fresh)) or CandidateRun(hit=False)

    async def close(self) -> None:
        """End all workers and their guests."""
        await self._guests.close()
