"""The matrix on a terminal: a row a case, a column a kernel, and below what differs."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from .matrix import Cell, Column, Matrix, Status
from .words import SIGNS, Topic, short, summary, topics

__all__ = ["WIDTH", "render"]

WIDTH = 100  #: columns the table is made for
_STYLES = {
    Status.OK: "green",
    Status.NEW: "cyan",
    Status.CRASH: "bold red",
    Status.WARNING: "bold yellow",
    Status.GONE: "bold magenta",
    Status.CHANGED: "bold yellow",
    Status.ERROR: "bold red",
}
_KERNEL_WIDTH = 18


def render(matrix: Matrix) -> RenderableType:
    """Everything a developer reads: the table, each differing cell, one line of summary."""
    good = not matrix.differing
    last = Text(summary(matrix), style="bold green" if good else "bold red")
    return Group(_table(matrix), *(line for topic in topics(matrix) for line in _topic(topic)), last)


def _table(matrix: Matrix) -> Table:
    table = Table(header_style="bold")
    table.add_column("case", overflow="fold", ratio=1)
    for column in matrix.columns:
        table.add_column(_kernel(column), no_wrap=True, min_width=len("✓ ok crash"))
    for entry in matrix.entries:
        table.add_row(Text(entry.name), *(_cell(cell) for cell in matrix.row(entry)))
    return table


def _kernel(column: Column) -> Text:
    """The kernel's name without the distribution, over two lines when it is long."""
    name = column.name.partition(":")[2] or column.name
    return Text(name if len(name) <= _KERNEL_WIDTH else f"…{name[-_KERNEL_WIDTH:]}")


def _cell(cell: Cell) -> Text:
    return Text(f"{SIGNS[cell.status]} {short(cell)}", style=_STYLES[cell.status])


def _topic(topic: Topic) -> Iterator[RenderableType]:
    heading = f"\n{SIGNS[topic.status]} {topic.heading}: {short(topic.cells[0])}"
    yield Text(heading, style=_STYLES[topic.status])
    yield from map(_indented, topic.lines)
    for text in filter(None, (topic.report, topic.command)):
        yield _indented(text, "dim")


def _indented(text: str, style: str = "") -> RenderableType:
    return Padding(Text(text, style=style), (0, 0, 0, 2), expand=False)
