"""Guests in processes of their own, one on each core, that run trials: whichever is free takes the next.

``TrialGuests`` is the side of the job, ``trials`` that of a worker process.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from typing import Generic, Protocol, TypeVar

from attrs import define, field, frozen

from harness.lane.config import LaneConfig
from harness.lane.held import HeldGuest
from harness.lane.lane import Lane
from harness.workers.messages import Begun, Booting, Order, Reply, Start
from harness.workers.policy import Policy
from harness.workers.pool import JobGivenUpError, Pool
from harness.workers.procs import core_of, pin
from harness.workers.upstream import Upstream
from harness.workers.worker import Worker, WorkerProgram
from usbfuzz.case.model import Case

__all__ = ["GuestStart", "TrialGuests", "trials"]


class _Start(Protocol):
    """The first line to a worker."""

    @property
    def config(self) -> LaneConfig:
        """The guest it runs trials on, but for what their cases need."""

    @property
    def cpu(self) -> int:
        """Core to stay on."""


class _OfCase(Protocol):
    """A trial."""

    @property
    def case(self) -> Case:
        """What is run."""


_Trial = TypeVar("_Trial", bound=_OfCase)


@frozen
class GuestStart:
    """The first line to a worker: the guest it runs cases on."""

    config: LaneConfig
    cpu: int  #: core to stay on


@define
class TrialGuests(Generic[Start, Order, Reply]):
    """Worker processes of one program."""

    program: WorkerProgram[Start, Order, Reply]
    start_on: Callable[[int], Start]  #: what a worker begins with that runs on this core
    lanes: int  #: how many run at the same time
    on_progress: Callable[[str], None] = lambda _: None
    policy: Policy = field(factory=Policy)
    _pool: Pool[Start, Order, Reply] = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._pool = Pool(tuple(self._worker(lane) for lane in range(self.lanes)), self.policy)

    def _worker(self, lane: int) -> Worker[Start, Order, Reply]:
        return Worker(f"lane {lane}", self.program, self.start_on(core_of(lane)), self.policy, self.on_progress)

    async def run(self, trial: Order) -> Reply | None:
        """Run a trial once, on the next guest that is free; None when workers fail at it.

        Raises BootError, InputError and InfraError.
        """
        try:
            return await self._pool.run(trial)
        except JobGivenUpError:
            return None

    async def close(self) -> None:
        """End all workers and their guests."""
        await self._pool.close()


async def trials(
    start: _Start, upstream: Upstream[_Trial, Reply], cleanup: AsyncExitStack
) -> AsyncIterator[tuple[_Trial, HeldGuest, Lane]]:
    """The trials that a worker is given, each with its guest: opened anew where the case needs another one.

    Raises BootError and InfraError.
    """
    pin(start.cpu)
    held = HeldGuest(lambda note: upstream.send(Booting(note)))
    cleanup.push_async_callback(held.close)
    while (trial := await upstream.receive()) is not None:
        lane = await held.lane(start.config.for_case(trial.case))
        upstream.send(Begun())
        yield trial, held, lane
