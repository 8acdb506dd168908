"""The cells of ``usbfuzz regress`` at the places of a cluster: each machine prepares the guests that its cells need.

As a program, ``python -m usbfuzz.jobs.cluster.cells PARENT``, it is the process of a lane, started by a dask worker.
"""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager

from attrs import define, field, frozen

from harness.cluster.places import Place, Places
from harness.cluster.program import Conversation, PlacedProgram
from harness.lane.config import LaneConfig
from harness.lane.held import HeldGuest
from harness.workers.entry import run_worker
from harness.workers.messages import Booting, Status, WorkerMessages
from harness.workers.policy import Policy
from harness.workers.procs import core_of, pin
from harness.workers.upstream import Upstream
from harness.workers.worker import Process
from usbfuzz.case.model import Case, Expectation
from usbfuzz.jobs.regress.messages import Done, Job, Stuck, WorkerStart
from usbfuzz.jobs.regress.worker import Cells

from .guests import Guests

__all__ = ["CELLS", "MESSAGES", "CellPlaces", "cells_at", "main"]

#: The module whose main is a lane's process.
CELLS = "usbfuzz.jobs.cluster.cells"
#: Of a dask worker: four processes in a row that end without a cell, and it is used no more.
_POLICY = Policy(fruitless=4, fruitless_boots=2)


@frozen
class RemoteStart:
    """The first line to a lane."""

    place: int  #: among the places of its machine: which core to stay on


@frozen
class RemoteJob:
    """One cell to run: a :class:`~usbfuzz.jobs.regress.messages.Job` without files."""

    guests: Guests
    case: Case
    expected: Expectation | None
    seconds: float
    bless: bool


Reply = Done | Stuck

MESSAGES: WorkerMessages[RemoteStart, RemoteJob, Reply]
MESSAGES = WorkerMessages.of("cluster", RemoteStart, RemoteJob, Reply)

_Placed = PlacedProgram[RemoteStart, Job, Reply, RemoteJob, Reply]


class _Talk(Conversation[Job, Reply, RemoteJob, Reply]):
    """Jobs go out with words for files; a reply is only taken for the job that waits for one."""

    def sent(self, order: Job) -> Iterator[RemoteJob]:
        """The job in words."""
        yield RemoteJob(Guests.of(order.config), order.case, order.expected, order.seconds, order.bless)

    def heard(self, reply: Reply) -> Reply:
        """The reply."""
        return reply

    def is_work(self, reply: Reply) -> bool:
        """A cell that was run is."""
        return isinstance(reply, Done)


@define(eq=False)
class CellPlaces:
    """How the processes of lanes are started: a :class:`~harness.workers.worker.Program` for regress."""

    places: Places
    module: str = CELLS

    async def launch(self, name: str, start: WorkerStart) -> Process[Job, Reply | Status]:
        """A lane at the next place that is free; raises InfraError when there will be none."""
        del start  # names a core of this machine
        return await _Placed(self.places, self.module, MESSAGES, _POLICY).launch(name, self._begin)

    @staticmethod
    def _begin(place: Place) -> tuple[RemoteStart, _Talk]:
        return RemoteStart(place.number), _Talk()


@asynccontextmanager
async def cells_at(address: str, say: Callable[[str], None]) -> AsyncIterator[CellPlaces]:
    """The places at the scheduler with this address. Raises InputError, InfraError."""
    places = await Places.open(address, say)
    try:
        say(f"{address}: {places}")
        yield CellPlaces(places)
    finally:
        await places.close()


@define
class _Prepared:
    """What guests need on this machine."""

    say: Callable[[str], None]
    _configs: dict[Guests, LaneConfig] = field(factory=dict, init=False)

    async def config(self, guests: Guests) -> LaneConfig:
        """Prepared once for all cells that need the same."""
        if guests not in self._configs:
            self._configs[guests] = await guests.prepare(self.say)
        return self._configs[guests]


async def _work(start: RemoteStart, upstream: Upstream[RemoteJob, Reply], cleanup: AsyncExitStack) -> None:
    pin(core_of(start.place))

    def say(note: str) -> None:
        upstream.send(Booting(note))

    prepared = _Prepared(say)
    cells = Cells(upstream, HeldGuest(say))
    cleanup.push_async_callback(cells.guest.close)
    while (job := await upstream.receive()) is not None:
        config = await prepared.config(job.guests)
        upstream.send(await cells.run(Job(config, job.case, job.expected, job.seconds, job.bless)))


def main(argv: list[str]) -> int:
    """Run a worker until the command ends it; an exit status."""
    return run_worker(int(argv[1]), MESSAGES, _work)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv))
