"""The matrix of cases and kernels, as data."""

from __future__ import annotations

from enum import Enum
from pathlib import Path

from attrs import define, field, frozen

from harness.lane.config import LaneConfig
from harness.lane.outcome import Verdict
from usbfuzz.case.model import Case, Expectation
from usbfuzz.errors import UsbfuzzError
from usbfuzz.triage import Report

__all__ = ["Cell", "Column", "Entry", "Finding", "Lines", "Matrix", "Observation", "Status"]

Lines = tuple[str, ...] | None


class Status(Enum):
    """The result of a cell; values are the words that reports use."""

    OK = "ok"  #: as recorded: harmless, or the very crash that is expected
    NEW = "new"  #: nothing is recorded for this kernel, and the case was harmless
    CRASH = "crash"  #: a crash, hang or death that is not the recorded one
    WARNING = "warning"  #: the same, but the kernel only warned and went on
    GONE = "gone"  #: the recorded crash did not happen
    CHANGED = "changed"  #: harmless, but with other drivers, other kernel messages or another sight from user space
    ERROR = "error"  #: could not be run

    @property
    def good(self) -> bool:
        """The cell needs no attention: it is ``ok`` or ``new``."""
        return self in {Status.OK, Status.NEW}


@frozen
class Observation:
    """What one run of a case showed."""

    verdict: Verdict
    reports: tuple[Report, ...]  #: the first few, their texts cut
    drivers: tuple[str, ...]  #: as in :class:`~usbfuzz.case.model.Expectation`
    log: tuple[str, ...]  #: as in :class:`~usbfuzz.case.model.Expectation`
    userspace: tuple[str, ...] | None  #: as there; None when it was not looked at
    seconds: float  #: wall time
    fresh: bool  #: the guest had run nothing since its snapshot
    trusted: bool  #: the guest was answered in time, or the kernel reported something

    @property
    def behaviour(self) -> tuple[Lines, Lines, Lines]:
        """What harmless runs are compared by: drivers, log, userspace."""
        return self.drivers, self.log, self.userspace

    @property
    def title(self) -> str:
        """Title of the first report, or ""."""
        return self.reports[0].title if self.reports else ""

    def shows(self, names: frozenset[str]) -> bool:
        """Whether one of the reports is the bug with these names."""
        return any(names & report.names for report in self.reports)


@frozen
class Finding:
    """What the runs of one cell mean."""

    status: Status
    title: str = ""  #: of the crash that happened, or of the recorded one that did not
    notes: tuple[str, ...] = ()  #: what differs, a line each
    hits: int = 0  #: runs that showed ``title``


@frozen
class Entry:
    """A row: one case file, or why it cannot be read."""

    path: Path
    name: str  #: short, unique in its matrix
    case: Case | None = None
    error: UsbfuzzError | None = None


@define
class Column:
    """One kernel, or why it cannot be run."""

    spec: str  #: as the user wrote it
    config: LaneConfig | None = None
    error: UsbfuzzError | None = None

    @property
    def name(self) -> str:
        """Name of the kernel that ``spec`` turned out to mean, else ``spec``."""
        return self.config.kernel.name if self.config else self.spec

    @property
    def release(self) -> str:
        """``uname -r``, or ""."""
        return self.config.kernel.release if self.config else ""

    def expectation(self, case: Case) -> Expectation | None:
        """What is recorded for ``case`` on this kernel: by the kernel's name, else by what the user called it."""
        by_kernel = {row.kernel: row for row in reversed(case.expect)}
        return by_kernel.get(self.name) or by_kernel.get(self.spec)


@define
class Cell:
    """One case on one kernel."""

    entry: Entry
    column: Column
    runs: tuple[Observation, ...] = ()
    error: UsbfuzzError | None = None  #: why it has no (further) runs
    finding: Finding | None = None  #: None while it waits
    seconds: float = 0.0  #: wall time, without booting

    @property
    def status(self) -> Status:
        """The result; ERROR while the cell has not been run."""
        return self.finding.status if self.finding else Status.ERROR

    @property
    def expected(self) -> Expectation | None:
        """What is recorded for this case on this kernel; None when nothing is."""
        return self.column.expectation(self.entry.case) if self.entry.case else None

    @property
    def report(self) -> Report | None:
        """The report behind the finding's title, if one came."""
        title = self.finding.title if self.finding else ""
        reports = [report for seen in self.runs for report in seen.reports]
        return next((report for report in reports if title in report.names), None)


@define
class Matrix:
    """All cells, row by row, and what they were run with."""

    entries: tuple[Entry, ...]
    columns: tuple[Column, ...]
    cells: tuple[Cell, ...] = field()
    seconds: float = 0.0  #: wall time of everything

    @classmethod
    def of(cls, entries: tuple[Entry, ...], columns: tuple[Column, ...]) -> Matrix:
        """A cell for each entry and column, none of them run."""
        return cls(entries, columns, tuple(Cell(entry, column) for entry in entries for column in columns))

    def row(self, entry: Entry) -> tuple[Cell, ...]:
        """The cells of one entry, in the order of the columns."""
        return tuple(cell for cell in self.cells if cell.entry is entry)

    def count(self, status: Status) -> int:
        """Cells with this status."""
        return sum(cell.status is status for cell in self.cells)

    @property
    def differing(self) -> tuple[Cell, ...]:
        """The cells that need attention: all but ``ok`` and ``new``."""
        return tuple(cell for cell in self.cells if not cell.status.good)

    @property
    def exit_code(self) -> int:
        """0 all as expected; the code of the first error that left cells unrun; else 1."""
        errors = [*(entry.error for entry in self.entries), *(column.error for column in self.columns)]
        errors += [cell.error for cell in self.cells]
        first = next((error for error in errors if error is not None), None)
        if first is not None:
            return first.exit_code
        return 1 if self.differing else 0
