"""Several guests, each in a process of its own and on a core of its own, that run candidates side by side."""

from __future__ import annotations

from collections.abc import Callable

from attrs import define, field

from harness.lane.config import LaneConfig
from harness.workers.policy import Policy
from harness.workers.pool import JobGivenUpError, Pool
from harness.workers.procs import core_of
from harness.workers.worker import Worker, WorkerProgram
from usbfuzz.case.model import Case

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
    _pool: Pool[WorkerStart, Candidate, CandidateRun] = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._pool = Pool(tuple(self._worker(lane) for lane in range(self.lanes)), self.policy)

    def _worker(self, lane: int) -> Worker[WorkerStart, Candidate, CandidateRun]:
        start = WorkerStart(self.config, self.names, core_of(lane))
        return Worker(f"lane {lane}", self.program, start, self.policy, self.on_progress)

    @property
    def width(self) -> int:
        """How many candidates run at the same time."""
        return self.lanes

    async def run(self, case: Case, *, fresh: bool) -> CandidateRun:
        """Run ``case`` once, on the next guest that is free; raises BootError, InputError and InfraError.

        A candidate that workers fail at counts as one that does not show the bug.
        """
        try:
            return await self._pool.run(Candidate(case, fresh))
        except JobGivenUpError:
            return CandidateRun(hit=False)

    async def close(self) -> None:
        """End all workers and their guests."""
        await self._pool.close()
