"""Runs the cells of a matrix: a worker for each lane, which keeps its guest as long as there is work for it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from attrs import define, field, frozen

from harness.lane.config import LaneConfig
from harness.workers.child import error_of
from harness.workers.policy import Policy
from harness.workers.pool import JobGivenUpError, Pool
from harness.workers.procs import core_of
from harness.workers.worker import DeadWorkerError, Program, SilentWorkerError, Worker, WorkerProgram
from usbfuzz.errors import BootError, GuestError, InfraError, UsbfuzzError

from .judge import judge
from .matrix import Cell, Finding, Status
from .messages import MESSAGES, Done, Job, Stuck, WorkerStart

__all__ = ["HERE", "CellRunner", "conclude"]

#: Workers on this machine.
HERE = WorkerProgram.of("usbfuzz.jobs.regress.worker", MESSAGES)
#: Wall seconds beyond a cell's own in which its worker must have said so.
_GRACE = 60.0

_Worker = Worker[WorkerStart, Job, Done | Stuck]


@frozen(eq=False)
class _Task:
    """A cell and the guest it needs."""

    cell: Cell
    config: LaneConfig


@define
class CellRunner:
    """The cells still to be run, and the lanes that run them."""

    cells: Sequence[Cell]
    lanes: int
    seconds: float  #: wall time for the runs of one cell
    bless: bool
    on_cell: Callable[[Cell], None]
    on_progress: Callable[[str], None]
    program: Program[WorkerStart, Job, Done | Stuck] = HERE
    _waiting: list[_Task] = field(factory=list, init=False)
    _guests: dict[int, LaneConfig] = field(factory=dict, init=False)  #: lane: what it has booted

    async def run(self) -> None:
        """Run every cell that can be run; each gets its finding. Raises StorageError and other InfraErrors."""
        for cell in self.cells:
            error = cell.entry.error or cell.column.error
            if error is not None or cell.entry.case is None or cell.column.config is None:
                conclude(cell, error)
                self.on_cell(cell)
            else:
                self._waiting.append(_Task(cell, cell.column.config.for_case(cell.entry.case)))
        pool = self._pool(min(self.lanes, len(self._waiting)))
        async with asyncio.TaskGroup() as group:
            for lane, worker in enumerate(pool.workers):
                group.create_task(self._lane(lane, worker, pool))

    def _pool(self, lanes: int) -> Pool[WorkerStart, Job, Done | Stuck]:
        """A worker for each lane. One that fails costs the cell it ran, and the others go on."""
        policy = Policy(silence=self.seconds + _GRACE, silent_again=False, fruitless=None)
        workers = (_Worker(f"lane {lane}", self.program, WorkerStart(core_of(lane)), policy) for lane in range(lanes))
        return Pool(tuple(workers), policy)

    def _take(self, lane: int) -> _Task | None:
        """The next task: one for the guest the lane has, else for the guest most tasks need, if no lane has it."""
        if not self._waiting:
            return None
        mine = self._guests.get(lane)
        wanted = [task.config for task in self._waiting]
        if mine not in wanted:
            others = [config for number, config in self._guests.items() if number != lane]
            mine = max(wanted, key=lambda config: (config not in others, wanted.count(config)))
        task = next(task for task in self._waiting if task.config == mine)
        self._waiting.remove(task)
        self._guests[lane] = task.config
        return task

    async def _lane(self, lane: int, worker: _Worker, pool: Pool[WorkerStart, Job, Done | Stuck]) -> None:
        seconds = 0.0
        try:
            while (task := self._take(lane)) is not None:
                if not await self._cell(worker, task, pool):
                    del self._guests[lane]
            seconds = pool.policy.end
        finally:
            self._guests.pop(lane, None)
            await worker.end(seconds)

    async def _cell(self, worker: _Worker, task: _Task, pool: Pool[WorkerStart, Job, Done | Stuck]) -> bool:
        """Have one cell run; whether the worker still has its guest."""
        worker.on_progress = lambda note: self.on_progress(f"{task.cell.column.name}: {note}")
        try:
            reply = await pool.run_on(worker, self._job(task))
        except JobGivenUpError as error:
            self._failed(task, _reason(error.failure))
            return False
        match reply:
            case Done():
                self._done(task, reply)
            case Stuck():
                self._stuck(task, reply)
        return True

    def _job(self, task: _Task) -> Job:
        case = task.cell.entry.case
        assert case is not None
        return Job(task.config, case, task.cell.expected, self.seconds, self.bless)

    def _done(self, task: _Task, message: Done) -> None:
        cell = task.cell
        cell.runs, cell.seconds = message.runs, message.seconds
        late = GuestError(f"its runs took longer than {self.seconds:.0f} s (--timeout)") if message.late else None
        conclude(cell, late)
        self.on_cell(cell)

    def _stuck(self, task: _Task, message: Stuck) -> None:
        error = error_of(message.error, message.message)
        if not isinstance(error, BootError):
            self._failed(task, error)
            return
        # A kernel that does not boot with its own parameters is not tried again. Otherwise the parameters that this
        # case boots it with are to blame, and only cells that need the same guest are lost.
        config = task.cell.column.config
        plain = config is None or task.config.booted == config.booted
        if plain:
            task.cell.column.error = error
        same = self._same_kernel if plain else self._same_guest
        lost = [task, *(other for other in self._waiting if same(task, other))]
        for other in lost:
            if other is not task:
                self._waiting.remove(other)
            self._failed(other, error)

    @staticmethod
    def _same_guest(task: _Task, other: _Task) -> bool:
        return task.config == other.config

    @staticmethod
    def _same_kernel(task: _Task, other: _Task) -> bool:
        return task.cell.column is other.cell.column

    def _failed(self, task: _Task, error: UsbfuzzError) -> None:
        conclude(task.cell, error)
        self.on_cell(task.cell)


def conclude(cell: Cell, error: UsbfuzzError | None) -> None:
    """Give a cell its finding: what its runs mean, or what kept it from having any."""
    cell.error = error
    if error is not None and not any(seen.reports for seen in cell.runs):
        cell.finding = Finding(Status.ERROR, notes=(str(error),))
    else:
        cell.finding = judge(cell.expected, cell.runs)


def _reason(failure: UsbfuzzError) -> UsbfuzzError:
    """What to say of a cell whose workers failed."""
    match failure:
        case SilentWorkerError():
            return GuestError(f"no answer within {failure.seconds:.0f} s")
        case DeadWorkerError():
            return InfraError(f"its worker died: {failure.last_words or 'without a word'}")
        case _:
            return failure
