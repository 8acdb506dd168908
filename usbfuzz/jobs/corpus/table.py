"""A corpus in a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from rich.table import Column, Table
from rich.text import Text

from usbfuzz.case.model import Case
from usbfuzz.reading import printable
from usbfuzz.report.annotate import annotated

from .shown import Entry, OnKernel, Shown

__all__ = ["cases_table", "kernels_table", "one_case", "summary"]

_NAME = 16  #: columns of a case's name
_MODULES = 3  #: that a row names
_WIDEST = 36  #: columns of a text


def summary(shown: Shown) -> str:
    """One line: how much there is."""
    kernels = f", run on {len(shown.kernels)} kernels" if shown.kernels else ", run on no kernel yet"
    return f"{shown.directory}: {len(shown.entries):,} cases, {shown.weight:,} bytes{kernels}"


def kernels_table(shown: Shown) -> Table:
    """A kernel a row."""
    heads = ("blocks", "modules", "cases that reached some first", "cases that reached none", "not run yet")
    table = Table("kernel", *map(_right, heads))
    for kernel in shown.kernels:
        counts = (kernel.blocks, kernel.modules, kernel.cases, kernel.tried, kernel.unrun)
        table.add_row(Text(kernel.kernel), *(f"{count:,}" for count in counts))
    return table


def cases_table(shown: Shown, most: int | None) -> Table:
    """A case a row, ``most`` of them, those that reached most first."""
    kernels = [kernel.kernel for kernel in shown.kernels]
    blocks = (Column(Text(f"blocks on {kernel}"), justify="right", min_width=len(kernel)) for kernel in kernels)
    table = Table(
        Column("case", no_wrap=True, min_width=_NAME),
        _short("what"),
        _right("bytes"),
        *blocks,
        _short("modules"),
        _short("from"),
    )
    for entry in shown.entries[:most]:
        counts = (_count(entry.blocks[kernel]) for kernel in kernels)
        modules = Text(_modules(entry.modules, _MODULES))
        named = (Text(printable(entry.title)), f"{entry.weight:,}")
        table.add_row(entry.name, *named, *counts, modules, Text(printable(entry.origin)))
    return table


def one_case(entry: Entry, case: Case, kernels: tuple[OnKernel, ...]) -> Iterator[str]:
    """The lines about one case."""
    yield f"case      {entry.name}"
    yield f"what      {printable(entry.title)}"
    if entry.origin:
        yield f"from      {printable(entry.origin)}"
    yield f"bytes     {entry.weight:,}"
    events = (
        f"{event.action.value} port {event.port}" + (f" device {event.device}" if event.device is not None else "")
        for event in case.events
    )
    yield f"schedule  {', '.join(events) or 'nothing'}"
    for kernel in kernels:
        count = entry.blocks[kernel.kernel]
        what = "not run yet" if count is None else f"{count:,} blocks that no other reached before"
        yield f"on        {kernel.kernel}: {what}"
    if entry.modules:
        yield f"reached   {_modules(entry.modules, len(entry.modules))}"
    yield ""
    yield from annotated(case, ())


def _count(blocks: int | None) -> str:
    """``-`` where it was not run."""
    return "-" if blocks is None else f"{blocks:,}"


def _modules(modules: Mapping[str, int], most: int) -> str:
    named = [f"{module} {count:,}" for module, count in list(modules.items())[:most]]
    more = f" and {len(modules) - most} more" if len(modules) > most else ""
    return ", ".join(named) + more


def _short(title: str) -> Column:
    return Column(title, no_wrap=True, overflow="ellipsis", max_width=_WIDEST)


def _right(title: str) -> Column:
    return Column(title, justify="right")
