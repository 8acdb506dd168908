"""Modules and their functions: what of them was executed."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import groupby

import numpy as np
from attrs import evolve, frozen

from harness.guest.kernels.elf import Function
from usbfuzz.coverage import Blocks

from .cover import Cover

__all__ = ["FunctionCoverage", "ModuleCoverage", "is_counted", "module_coverage"]

#: Sections whose code runs when a module is loaded or removed, which is before and after all cases.
_ONCE = (".init", ".exit")
_COLD = re.compile(r"\.cold(?:\.\d+)?$")  #: the part of a function that the compiler put elsewhere, as it is seldom run


@frozen
class FunctionCoverage:
    """A function, and what of it was executed."""

    name: str
    section: str
    offset: int  #: in its section
    size: int  #: bytes, its cold part included
    covered: int  #: bytes of them that were executed
    hits: int  #: how often its first block was; at least 1 when any was
    case: str  #: name of a case that reached it, if one is known


@frozen
class ModuleCoverage:
    """A module, or vmlinux, and what of it was executed."""

    name: str
    blocks: int  #: that were executed; how many there are nobody knows
    functions: tuple[FunctionCoverage, ...]  #: by section and offset; none when the kernel's object is not at hand

    @property
    def reached(self) -> int:
        """Functions that were executed."""
        return sum(function.covered > 0 for function in self.functions)

    @property
    def size(self) -> int:
        """Bytes of its functions."""
        return sum(function.size for function in self.functions)

    @property
    def covered(self) -> int:
        """Bytes of them that were executed."""
        return sum(function.covered for function in self.functions)


def is_counted(section: str) -> bool:
    """Whether code of a section can run while a case runs."""
    return not section.startswith(_ONCE)


def module_coverage(blocks: Blocks, name: str, functions: Sequence[Function]) -> ModuleCoverage:
    """What of a module's functions the blocks executed."""
    parts = [function for function in functions if is_counted(function.section)]
    found: dict[str, list[FunctionCoverage]] = {}
    for section, some in groupby(parts, lambda function: function.section):
        cover = Cover.of(blocks.at((name, section)))
        for function in _covered(list(some), section, cover, blocks.cases):
            found.setdefault(_COLD.sub("", function.name), []).append(function)
    whole = [function for same in found.values() for function in _joined(same)]
    whole.sort(key=lambda function: (function.section, function.offset))
    sections = [section for module, section in blocks.places if module == name and is_counted(section)]
    counted = sum(_counted(blocks, name, section, parts) for section in sections)
    return ModuleCoverage(name, counted, tuple(whole))


def _counted(blocks: Blocks, name: str, section: str, functions: Sequence[Function]) -> int:
    """The blocks of a section. What lies behind its last function is not the module's, but code the kernel made."""
    offsets = blocks.at((name, section))["offset"]
    ends = [function.offset + function.size for function in functions if function.section == section]
    return int(np.count_nonzero(offsets < max(ends, default=0))) if functions else len(offsets)


def _covered(functions: Sequence[Function], section: str, cover: Cover, cases: Sequence[str]) -> list[FunctionCoverage]:
    starts = np.array([function.offset for function in functions], "u8")
    ends = starts + np.array([function.size for function in functions], "u8")
    found, entry = cover.over(starts, ends), cover.over(starts, starts + np.uint64(1))
    columns = zip(functions, found.size.tolist(), entry.hits.tolist(), found.case.tolist(), strict=True)
    return [
        FunctionCoverage(
            function.name, section, function.offset, function.size, covered,
            max(hits, min(covered, 1)), cases[case] if case >= 0 else "",
        )
        for function, covered, hits, case in columns
    ]  # fmt: skip


def _joined(same: Sequence[FunctionCoverage]) -> list[FunctionCoverage]:
    """Functions of one name with their cold parts, which of several all count as the first one's."""
    hot = [function for function in same if not _COLD.search(function.name)]
    cold = [function for function in same if _COLD.search(function.name)]
    if not hot:
        return cold
    first = hot[0]
    covered = first.covered + sum(part.covered for part in cold)
    whole = evolve(
        first,
        size=first.size + sum(part.size for part in cold),
        covered=covered,
        hits=max(first.hits, min(covered, 1)),
        case=first.case or next((part.case for part in cold if part.case), ""),
    )
    return [whole, *hot[1:]]
