"""Record in the case files what the cells did: it is expected from then on."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

import tomlkit
from attrs import evolve
from tomlkit.exceptions import TOMLKitError

from usbfuzz.case import dumps, loads
from usbfuzz.case.dump import dump_expectation
from usbfuzz.case.files import read_text, write_file
from usbfuzz.case.model import ALWAYS, Case, Expectation
from usbfuzz.errors import CaseError

from .matrix import Cell, Lines, Matrix, Observation

__all__ = ["bless", "learned", "with_expectation", "write_expectations"]

_CROWDED = re.compile(r"(?<=[^\n]\n)(?=\[\[expect\]\]|\[provenance\])")  #: where a blank line is missing


def bless(matrix: Matrix) -> tuple[Path, ...]:
    """Write what every cell showed into its case file; the files that changed. Raises CaseError, StorageError.

    Cells that could not be run, or whose guests were always answered too late, leave their files as they are.
    """
    changed = []
    for entry in matrix.entries:
        rows = [row for cell in matrix.row(entry) if (row := learned(cell)) is not None]
        if rows and write_expectations(entry.path, rows):
            changed.append(entry.path)
    return tuple(changed)


def learned(cell: Cell) -> Expectation | None:
    """What to expect of a cell, going by its runs; None when they do not tell."""
    believed = [seen for seen in cell.runs if seen.trusted]
    if cell.error is not None or not believed:
        return None
    kernel = cell.expected.kernel if cell.expected else cell.column.name
    crashed = [seen for seen in believed if seen.reports]
    if crashed:
        return _crash(kernel, cell.expected, believed, crashed)
    drivers, log, userspace = (_agreed(lines) for lines in zip(*(seen.behaviour for seen in believed), strict=True))
    return Expectation(kernel, "", drivers=drivers, log=log, userspace=userspace)


def _agreed(lines: Sequence[Lines]) -> Lines:
    """What most runs showed; None when no two of several agree."""
    most, times = Counter(lines).most_common(1)[0]
    return most if times > 1 or len(lines) == 1 else None


def _crash(
    kernel: str, expected: Expectation | None, believed: Sequence[Observation], crashed: Sequence[Observation]
) -> Expectation:
    """The title that most runs show; a crash that is recorded already keeps its title and its other titles."""
    known = expected.names if expected else frozenset()
    title, _ = Counter(seen.title for seen in crashed).most_common(1)[0]
    names = next(report.names for seen in crashed for report in seen.reports if report.title == title)
    if expected is not None and known & names:
        title, names = expected.title, known
    names |= {seen.title for seen in crashed if seen.shows(names)}
    hits = sum(seen.shows(names) for seen in believed)
    return Expectation(kernel, title, tuple(sorted(names - {title})), max(1, hits * ALWAYS // len(believed)))


def write_expectations(path: Path, rows: Iterable[Expectation]) -> bool:
    """Record ``rows`` in a case file, each in the place of the one for its kernel; whether that changed the file.

    Everything else of the file stays as it is, comments too. Raises CaseError and StorageError.
    """
    text = read_text(path)
    old = loads(text, str(path))
    new = old
    for row in rows:
        new = with_expectation(new, row)
    if new == old:
        return False
    write_file(path, (_edited(text, new) or dumps(new)).encode())
    return True


def with_expectation(case: Case, row: Expectation) -> Case:
    """``case`` with ``row`` in the place of its expectation for the same kernel, else behind the others."""
    if all(other.kernel != row.kernel for other in case.expect):
        return evolve(case, expect=(*case.expect, row))
    return evolve(case, expect=tuple(row if other.kernel == row.kernel else other for other in case.expect))


def _edited(text: str, case: Case) -> str | None:
    """The text with the expectations of ``case``, or None when they cannot be put into it."""
    try:
        document = tomlkit.parse(text)
        tables = document.setdefault("expect", tomlkit.aot())
        for number, row in enumerate(case.expect):
            fresh = tomlkit.parse(dump_expectation(row))["expect"][0]
            if number < len(tables):
                _update(tables[number], fresh)
            else:
                tables.append(fresh)
        edited = _CROWDED.sub("\n", tomlkit.dumps(document)).rstrip("\n") + "\n"
        return edited if loads(edited) == case else None
    except (TOMLKitError, CaseError, TypeError, AttributeError, ValueError):
        return None


def _update(table: tomlkit.items.Table, fresh: tomlkit.items.Table) -> None:
    for key in [key for key in table if key not in fresh]:
        del table[key]
    for key, value in fresh.items():
        if key not in table or table[key] != value:
            table[key] = value
