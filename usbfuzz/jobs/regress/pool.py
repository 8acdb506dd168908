"""Runs the cells of a matrix: a worker process for each lane, which keeps its guest as long as there is work for it."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable, Sequence

from attrs import define, field, frozen

from harness.lane.config import LaneConfig
from harness.workers.child import Child, error_of
from usbfuzz.errors import BootError, GuestError, InfraError, ProtocolError, UsbfuzzError

from .judge import judge
from .matrix import Cell, Finding, Status
from .messages import LINES, Begun, Booting, Done, Job, Stuck

__all__ = ["Pool", "Task", "conclude"]

#: Wall seconds beyond a cell's own in which its worker must have said so.
_GRACE = 60.0
#: Wall seconds without a word while a guest boots: longer than a boot may take.
_BOOT_SILENCE = 900.0
_END_SECONDS = 12.0
#: Workers that die of the same cell before it is left alone.
_DEATHS = 2


@frozen(eq=False)
class Task:
    """A cell and the guest it needs."""

    number: int
    cell: Cell
    config: LaneConfig


@define
class Pool:
    """The cells still to be run, and the lanes that run them."""

    cells: Sequence[Cell]
    lanes: int
    seconds: float  #: wall time for the runs of one cell
    bless: bool
    on_cell: Callable[[Cell], None]
    on_progress: Callable[[str], None]
    _waiting: list[Task] = field(factory=list, init=False)
    _guests: dict[int, LaneConfig] = field(factory=dict, init=False)  #: lane: what it has booted
    _deaths: dict[int, int] = field(factory=dict, init=False)  #: task: workers that died of it

    async def run(self) -> None:
        """Run every cell that can be run; each gets its finding. Raises StorageError and other InfraErrors."""
        for number, cell in enumerate(self.cells):
            error = cell.entry.error or cell.column.error
            if error is not None or cell.entry.case is None or cell.column.config is None:
                conclude(cell, error)
                self.on_cell(cell)
            else:
                self._waiting.append(Task(number, cell, cell.column.config.for_case(cell.entry.case)))
        cores = sorted(os.sched_getaffinity(0))
        async with asyncio.TaskGroup() as group:
            for lane in range(min(self.lanes, len(self._waiting))):
                group.create_task(self._lane(lane, cores[lane % len(cores)]))

    def _take(self, lane: int) -> Task | None:
        """The next task: one for the guest the lane has, else of the guest nobody has that most tasks want."""
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

    async def _lane(self, lane: int, cpu: int) -> None:
        command = (sys.executable, "-m", "usbfuzz.jobs.regress.worker", str(os.getpid()), str(cpu))
        while self._waiting:
            child = await Child.start(f"lane {lane}", command, LINES, group=True)
            useful = False
            try:
                useful = await self._serve(child, lane)
            finally:
                self._guests.pop(lane, None)
                await child.end(_END_SECONDS if useful else 0.0, group=True)

    async def _serve(self, child: Child, lane: int) -> bool:
        """Have cells run until there are none; False when the worker is of no more use."""
        while (task := self._take(lane)) is not None:
            if not await self._one(child, task):
                return False
        return True

    async def _one(self, child: Child, task: Task) -> bool:
        """Have one cell run; whether the worker can go on."""
        job = self._job(task)
        child.send(job)
        silence = _BOOT_SILENCE
        while True:
            try:
                async with asyncio.timeout(silence):
                    message = await child.receive()
            except TimeoutError:
                self._failed(task, GuestError(f"no answer within {silence:.0f} s"))
                return False
            except ProtocolError as error:
                self._failed(task, error)
                return False
            match message:
                case Begun():
                    silence = self.seconds + _GRACE
                case Booting(note):
                    self.on_progress(f"{task.cell.column.name}: {note}")
                case Done():
                    self._done(task, message)
                    return True
                case Stuck():
                    self._stuck(task, message)
                    return True
                case _:
                    self._died(task, child)
                    return False

    def _job(self, task: Task) -> Job:
        case = task.cell.entry.case
        assert case is not None
        return Job(task.number, task.config, case, task.cell.expected, self.seconds, self.bless)

    def _done(self, task: Task, message: Done) -> None:
        cell = task.cell
        cell.runs, cell.seconds = message.runs, message.seconds
        late = GuestError(f"its runs took longer than {self.seconds:.0f} s (--timeout)") if message.late else None
        conclude(cell, late)
        self.on_cell(cell)

    def _stuck(self, task: Task, message: Stuck) -> None:
        error = error_of(message.error, message.message)
        if not isinstance(error, BootError):
            self._failed(task, error)
            return
        # A kernel that does not boot as it is is not tried again; else it does not bear what this case boots it with.
        plain = task.config.kernel_params == self._plain_params(task)
        if plain:
            task.cell.column.error = error
        same = self._same_kernel if plain else self._same_guest
        lost = [task, *(other for other in self._waiting if same(task, other))]
        for other in lost:
            if other is not task:
                self._waiting.remove(other)
            self._failed(other, error)

    @staticmethod
    def _plain_params(task: Task) -> tuple[str, ...]:
        """What every case of this kernel is booted with."""
        return task.cell.column.config.kernel_params if task.cell.column.config else ()

    @staticmethod
    def _same_guest(task: Task, other: Task) -> bool:
        return task.config == other.config

    @staticmethod
    def _same_kernel(task: Task, other: Task) -> bool:
        return task.cell.column is other.cell.column

    def _died(self, task: Task, child: Child) -> None:
        """The worker is gone: try again, unless the cell is what kills workers."""
        self._deaths[task.number] = self._deaths.get(task.number, 0) + 1
        if self._deaths[task.number] < _DEATHS:
            self._waiting.insert(0, task)
            return
        self._failed(task, InfraError(f"its worker died: {child.last_words or 'without a word'}"))

    def _failed(self, task: Task, error: UsbfuzzError) -> None:
        conclude(task.cell, error)
        self.on_cell(task.cell)


def conclude(cell: Cell, error: UsbfuzzError | None) -> None:
    """Give a cell its finding: what its runs mean, or what kept it from having any."""
    cell.error = error
    if error is not None and not any(seen.reports for seen in cell.runs):
        cell.finding = Finding(Status.ERROR, notes=(str(error),))
    else:
        cell.finding = judge(cell.expected, cell.runs)
