"""The words for a cell's result, the same in the table, the page and JUnit."""

from __future__ import annotations

import shlex
from collections.abc import Iterator

from attrs import frozen

from usbfuzz.errors import UsbfuzzError
from usbfuzz.reading import plain
from usbfuzz.triage import first_lines

from .matrix import Cell, Matrix, Status

__all__ = ["SIGNS", "Topic", "again", "details", "excerpt", "short", "summary", "topics"]

SIGNS = {
    Status.OK: "✓",
    Status.NEW: "·",
    Status.CRASH: "✗",
    Status.WARNING: "✗",
    Status.GONE: "?",
    Status.CHANGED: "≠",
    Status.ERROR: "!",
}
_REPORT_LINES = 12


def short(cell: Cell) -> str:
    """A word or two: ``ok``, ``ok crash`` for a recorded crash that happened, ``changed`` …"""
    crashed = cell.status is Status.OK and cell.finding is not None and cell.finding.title
    return f"{cell.status.value} crash" if crashed else cell.status.value


def details(cell: Cell) -> Iterator[str]:
    """The result, line by line: title, notes, where to look."""
    finding = cell.finding
    if finding is None:
        return
    if finding.title:
        yield plain(finding.title)
    yield from map(plain, finding.notes)
    report = cell.report
    if report is not None and not cell.status.good:
        places = (report.frame and f"in {report.frame}", report.file, report.module and f"[{report.module}]")
        if where := " ".join(place for place in places if place):
            yield f"look at: {plain(where)}"
    if any(not seen.trusted for seen in cell.runs):
        yield "some runs do not count: the guest was answered too late"


def excerpt(cell: Cell) -> str:
    """The first lines of the report, or ""."""
    report = cell.report
    return "" if report is None else plain(first_lines(report.text, _REPORT_LINES))


@frozen
class Topic:
    """Something to look at: a cell, or all cells that lack the same file or kernel."""

    cells: tuple[Cell, ...]
    heading: str
    lines: tuple[str, ...]
    report: str = ""
    command: str = ""

    @property
    def status(self) -> Status:
        """The result of the cells, which is the same for all."""
        return self.cells[0].status


def topics(matrix: Matrix) -> Iterator[Topic]:
    """What there is to look at, in the order of the cells; a broken file or an absent kernel is one topic."""
    shared: list[UsbfuzzError] = []
    for cell in matrix.differing:
        error = cell.error
        if error is None or error not in (cell.entry.error, cell.column.error):
            heading = f"{cell.entry.name} on {plain(cell.column.name)}"
            yield Topic((cell,), heading, tuple(details(cell)), excerpt(cell), plain(again(cell)))
        elif error not in shared:
            shared.append(error)
            name = cell.entry.name if error is cell.entry.error else plain(cell.column.name)
            yield Topic(tuple(other for other in matrix.cells if other.error is error), name, (plain(str(error)),))


def again(cell: Cell) -> str:
    """The command that shows this cell again."""
    return shlex.join(("usbfuzz", "replay", str(cell.entry.path), "--kernel", cell.column.spec))


def summary(matrix: Matrix) -> str:
    """One line: how many cells of each status, and the wall time."""
    counts = ", ".join(f"{count} {status.value}" for status in Status if (count := matrix.count(status)))
    rows, columns = len(matrix.entries), len(matrix.columns)
    return f"{rows} case{_s(rows)} on {columns} kernel{_s(columns)}: {counts}; {matrix.seconds:.0f} s"


def _s(count: int) -> str:
    return "" if count == 1 else "s"
