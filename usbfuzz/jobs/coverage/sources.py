"""Source lines: which there is code of, which of them were executed how often, and by which case."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from attrs import define, field, frozen
from numpy.typing import NDArray

from harness.guest.kernels.lines import Lines
from usbfuzz.coverage import Blocks
from usbfuzz.triage.symbols import in_tree

from .cover import Cover
from .modules import FunctionCoverage, ModuleCoverage, is_counted

__all__ = ["FileCoverage", "SourceFunction", "Sources"]

#: A file of the tree, as debug information names it: no part is hidden or "..", and each can be a name of a page.
_PATH = re.compile(r"(?:(?!\S*\.html/)[\w+,@-][\w.+,@-]*/)*[\w+,@-][\w.+,@-]*\.\w+", re.ASCII)
_LONGEST = 240  #: characters of a path
_MOST_LINES = 1 << 20  #: of a file; a larger number is damage

#: A line, and what was found of it; ``case`` is -1 when none is known.
LINE = np.dtype([("file", "u4"), ("line", "u4"), ("hits", "u8"), ("case", "i4")])
_Rows = NDArray[Any]


@frozen
class SourceFunction:
    """A function of a file."""

    line: int  #: where it begins
    module: str
    function: FunctionCoverage


@frozen(eq=False)
class FileCoverage:
    """A source file that there is code of."""

    path: str  #: from the top of the tree
    lines: _Rows  #: those that there is code of, growing; of :data:`LINE`
    functions: tuple[SourceFunction, ...]  #: by line

    @property
    def known(self) -> int:
        """How many lines there is code of."""
        return len(self.lines)

    @property
    def covered(self) -> int:
        """How many of them were executed."""
        return int(np.count_nonzero(self.lines["hits"]))


@define
class Sources:
    """The source lines of modules, gathered module by module."""

    _blocks: Blocks
    _top: Path | None = None  #: of the source tree, which a build elsewhere (make O=) names in full
    _files: dict[str, int] = field(factory=dict)
    _lines: list[_Rows] = field(factory=list)
    _functions: dict[int, list[SourceFunction]] = field(factory=dict)

    def add(self, module: ModuleCoverage, lines: Lines) -> None:
        """Add a module that has debug information."""
        numbers = np.array([self._number(path) for path in lines.files] or [-1], "i8")
        for number, section in enumerate(lines.sections):
            if not is_counted(section):
                continue
            rows = lines.rows[(lines.rows["section"] == number) & (lines.rows["line"] < _MOST_LINES)]
            rows = rows[numbers[rows["file"]] >= 0]
            if len(rows):
                self._add_lines(rows, numbers, Cover.of(self._blocks.at((module.name, section))))
                self._add_functions(module, section, rows, numbers)

    def files(self) -> Iterator[FileCoverage]:
        """The files, sorted by path."""
        lines = _merged(np.concatenate(self._lines)) if self._lines else np.empty(0, LINE)
        starts = np.searchsorted(lines["file"], np.arange(len(self._files) + 1))
        for path, number in sorted(self._files.items()):
            mine = lines[starts[number] : starts[number + 1]]
            if len(mine):
                functions = sorted(self._functions.get(number, ()), key=lambda found: (found.line, found.module))
                yield FileCoverage(path, mine, tuple(functions))

    def _number(self, path: str) -> int:
        """The number of a file; -1 for a name that no file of a tree has."""
        below = path.removeprefix(f"{self._top}/")
        found = in_tree(path) if below == path else below
        if len(found) > _LONGEST or not _PATH.fullmatch(found):
            return -1
        return self._files.setdefault(found, len(self._files))

    def _add_lines(self, rows: _Rows, numbers: _Rows, cover: Cover) -> None:
        found = cover.over(rows["address"], rows["end"])
        lines = np.empty(len(rows), LINE)
        lines["file"], lines["line"] = numbers[rows["file"]], rows["line"]
        lines["hits"], lines["case"] = found.hits, found.case
        self._lines.append(_merged(lines))

    def _add_functions(self, module: ModuleCoverage, section: str, rows: _Rows, numbers: _Rows) -> None:
        """The first row at the address of a function is the line on which it begins."""
        functions = [function for function in module.functions if function.section == section]
        starts = np.array([function.offset for function in functions], "u8")
        order = np.argsort(rows["address"], kind="stable")
        rows = rows[order]
        first = np.searchsorted(rows["address"], starts)
        for function, at in zip(functions, first.tolist(), strict=True):
            if at < len(rows) and rows["address"][at] == function.offset:
                file, line = int(numbers[rows["file"][at]]), int(rows["line"][at])
                self._functions.setdefault(file, []).append(SourceFunction(line, module.name, function))


def _merged(lines: _Rows) -> _Rows:
    """Each line once, by file and line: its hits are its most executed part's, its case the first by name."""
    if not len(lines):
        return lines
    case = np.where(lines["case"] < 0, np.iinfo("i4").max, lines["case"])
    lines = lines[np.lexsort((case, lines["line"], lines["file"]))]
    starts = np.flatnonzero(
        np.concatenate(([True], (lines["line"][1:] != lines["line"][:-1]) | (lines["file"][1:] != lines["file"][:-1])))
    )
    found = lines[starts]
    found["hits"] = np.maximum.reduceat(lines["hits"], starts)
    return found
