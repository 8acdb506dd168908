"""What the counts of one lane's blocks say: what a round executed, what of that is new, and where it is in the code."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import numpy as np
from attrs import define, field, frozen
from numpy.typing import NDArray

from usbfuzz.coverage import Blocks, Reached, module_of
from usbfuzz.coverage.blocks import ROW, VMLINUX

from .layout import CONSTANTS, Record

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from .facts import Facts
    from .memory import Shared
    from .symbols import Symbols

__all__ = ["Code", "Coverage", "Covered"]

_Hits = NDArray[np.uint64]


@frozen(eq=False)
class Code:
    """Where a guest's code lies, and which kernel it is."""

    kernel: str
    release: str
    starts: NDArray[np.uint64]  #: of sections, sorted
    places: tuple[tuple[str, str], ...]  #: module and name of each
    drivers: dict[str, str]  #: the module of each driver
    symbols: Symbols
    modules: frozenset[str]  #: all that are loaded

    @classmethod
    def of(cls, facts: Facts, kernel: str, release: str) -> Code:
        """The kernel's code, and that of all its modules."""
        own = (facts.symbols.extent_of_kernel()[0], VMLINUX, ".text")
        rows = sorted([own, *((each.address, each.module, each.name) for each in facts.sections)])
        starts = np.array([row[0] for row in rows], np.uint64)
        places = tuple((row[1], row[2]) for row in rows)
        modules = frozenset(each.module for each in facts.sections)
        return cls(kernel, release, starts, places, facts.drivers, facts.symbols, modules)

    def sections(self, addresses: NDArray[np.uint64]) -> NDArray[np.intp]:
        """The number of the section that each address lies in, -1 in front of all."""
        found: NDArray[np.intp] = np.searchsorted(self.starts, addresses, side="right") - 1
        return found


@frozen(eq=False)
class Covered:
    """What a guest executed in one round."""

    hits: _Hits  #: how often each of its blocks ran
    new: NDArray[np.bool_]  #: which of them ran for the first time in this lane's life
    _table: Record  #: their ``struct block``
    _code: Code

    def blocks(self, case: str = "", *, new: bool = False) -> Blocks:
        """The blocks, or only the new ones, as reached by ``case``; those outside of all sections are left out."""
        chosen = self.new if new else np.ones(len(self.hits), bool)
        return self._blocks(chosen, (case,) if case else (), np.full(len(self.hits), 0 if case else -1))

    def only(self, starts: Collection[int]) -> Covered:
        """Those of the blocks that begin at these addresses."""
        chosen = np.isin(self.starts, np.fromiter(starts, np.uint64, len(starts)))
        return Covered(self.hits[chosen], self.new[chosen], self._table[chosen], self._code)

    def owned(self, owners: Mapping[int, str]) -> Blocks:
        """All blocks, each as reached by the case that ``owners`` has for its address."""
        names = [owners.get(start, "") for start in self.starts.tolist()]
        cases = sorted({*names} - {""})
        number = {name: index for index, name in enumerate(cases)}
        return self._blocks(np.ones(len(names), bool), cases, np.array([number.get(name, -1) for name in names], int))

    def _blocks(self, chosen: NDArray[np.bool_], cases: Sequence[str], case_of: NDArray[np.intp]) -> Blocks:
        section = self._code.sections(self.starts)
        chosen = chosen & (section >= 0)
        table, section = self._table[chosen], section[chosen]
        rows = np.zeros(len(table), ROW)
        rows["place"] = section
        rows["offset"] = table["start"] - self._code.starts[section]
        rows["size"] = table["size"]
        rows["hits"] = self.hits[chosen]
        rows["case"] = case_of[chosen]
        return Blocks.from_rows(self._code.kernel, self._code.release, self._code.places, cases, rows)

    def module_names(self) -> list[str]:
        """The module of each block; "" outside of all sections."""
        return [
            self._code.places[number][0] if number >= 0 else "" for number in self._code.sections(self.starts).tolist()
        ]

    def ran(self) -> set[str]:
        """The modules whose code ran."""
        sections = np.unique(self._code.sections(self.starts)).tolist()
        return {self._code.places[number][0] for number in sections if number >= 0}

    def functions(self) -> dict[str, set[str]]:
        """The functions that ran, by module."""
        found: dict[str, set[str]] = {}
        for start, module in zip(self.starts.tolist(), self.module_names(), strict=True):
            if place := self._code.symbols.place(start):
                found.setdefault(module, set()).add(place.function)
        return found

    def reached(self, modules: Collection[str]) -> tuple[Reached, ...]:
        """What ran of the functions of these modules, by module and then in the order of the code."""
        found: dict[tuple[str, str], tuple[int, list[tuple[int, int]]]] = {}
        rows = zip(self.module_names(), self.starts.tolist(), self._table["size"].tolist(), strict=True)
        for module, start, size in sorted(row for row in rows if row[0] in modules):
            if place := self._code.symbols.place(start):
                found.setdefault((module, place.function), (place.size, []))[1].append((place.offset, size))
        return tuple(Reached.of(*name, size, blocks) for name, (size, blocks) in found.items())

    @property
    def drivers(self) -> Mapping[str, str]:
        """The module of each driver that the guest has."""
        return self._code.drivers

    def owners(self, drivers: Iterable[str]) -> dict[str, str]:
        """The module of each driver that bound (:func:`module_of`); "" where it cannot be seen."""
        return {driver: module_of(driver, self.loaded, self.drivers.get(driver, "")) for driver in drivers}

    @property
    def loaded(self) -> frozenset[str]:
        """The modules that the guest has loaded, also those of whose code nothing runs while a device binds."""
        return self._code.modules

    def modules(self) -> dict[str, int]:
        """How many blocks of each module ran."""
        return dict(Counter(filter(None, self.module_names())))

    @property
    def starts(self) -> NDArray[np.uint64]:
        """Where the blocks begin, in the guest's memory."""
        starts: NDArray[np.uint64] = self._table["start"]
        return starts


@define(eq=False)
class Coverage:
    """The blocks that one lane has seen."""

    shared: Shared
    code: Code
    _before: _Hits = field(factory=lambda: np.zeros(0, np.uint64), init=False)
    _total: _Hits = field(factory=lambda: np.zeros(0, np.uint64), init=False)

    def restarted(self) -> None:
        """Another QEMU counts from nothing."""
        self._before = np.zeros(0, np.uint64)

    def begin(self) -> None:
        """A round begins."""
        self._before = self.shared.counts.copy()

    def end(self) -> Covered:
        """What ran since :meth:`begin`, and what of that is new."""
        table = self.shared.blocks[_FIRST:]
        hits = self.shared.counts[: len(table)].copy()
        hits[: len(self._before)] -= self._before
        slots = _entered(table, np.flatnonzero(hits))
        hits, table = hits[slots], table[slots]
        self._total = _longer(self._total, len(self.shared.blocks))
        new = self._total[slots] == 0
        self._total[slots] += hits
        return Covered(hits, new, table, self.code)

    def since(self) -> Covered:
        """The same, and what runs from now on counts for the next call."""
        covered = self.end()
        self.begin()
        return covered

    def everything(self) -> Covered:
        """What ran in all rounds together."""
        slots = np.flatnonzero(self._total)
        table = self.shared.blocks[_FIRST:][slots]
        return Covered(self._total[slots], np.ones(len(slots), bool), table, self.code)


def _longer(hits: _Hits, length: int) -> _Hits:
    """The counts, with zeros behind them if they are fewer."""
    return np.concatenate([hits, np.zeros(max(length - len(hits), 0), hits.dtype)])


def _entered(table: Record, slots: NDArray[np.intp]) -> NDArray[np.intp]:
    """Those of the blocks in ``slots`` that begin where code is entered, and are not only the rest of one that was cut.

    Few blocks are such rests, and all blocks are looked through for a way to them: once, and without sorting them.
    """
    starts, rest = table["start"], table["continues"][slots] != 0
    sought = np.unique(starts[slots[rest]])
    if not len(sought):
        return slots
    ends = (starts + table["size"])[table["ending"] != CONSTANTS["ENDS_CUT"]]
    entered = np.concatenate([_among(sought, table["target"]), _among(sought, ends)])
    found: NDArray[np.intp] = slots[~rest | np.isin(starts[slots], entered)]
    return found


def _among(sought: NDArray[np.uint64], addresses: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Those of the addresses that are sought; ``sought`` is sorted and not empty."""
    places = np.searchsorted(sought, addresses)
    places[places == len(sought)] = 0
    found: NDArray[np.uint64] = addresses[sought[places] == addresses]
    return found


_FIRST = CONSTANTS["PAGE"] // 8  #: slots before it are not used (FIRST in coverage.c)
