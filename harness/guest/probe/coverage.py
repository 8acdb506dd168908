"""What the counts of one lane's blocks say: what a round executed, what of that is new, and where it is in the code."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from attrs import define, field, frozen
from numpy.typing import NDArray

from usbfuzz.coverage import Blocks
from usbfuzz.coverage.blocks import ROW, VMLINUX

from .layout import CONSTANTS

if TYPE_CHECKING:
    from .facts import Facts
    from .memory import Shared

__all__ = ["Coverage", "Covered", "hit_class"]

_Slots = NDArray[np.intp]
_Hits = NDArray[np.uint64]
#: Lower bounds of the classes of hit counts: a loop that runs once more is no news, one that runs twice as often is.
_CLASSES = np.array([1, 2, 3, 4, 8, 16, 32, 128], np.uint64)


def hit_class(hits: _Hits) -> NDArray[np.uint8]:
    """The bit of each count's class; 0 of a count of 0."""
    number = np.searchsorted(_CLASSES, hits, side="right")
    classes: NDArray[np.uint8] = np.where(number > 0, 1 << np.maximum(number - 1, 0), 0).astype(np.uint8)
    return classes


@frozen(eq=False)
class Covered:
    """What a guest executed in one round."""

    slots: _Slots  #: of the blocks
    hits: _Hits  #: how often, each
    new: _Slots  #: those of ``slots`` that ran for the first time in this lane's life
    again: int  #: how many others ran in a class of hit counts that is new
    _coverage: Coverage

    def blocks(self, case: str = "", *, new: bool = False) -> Blocks:
        """The blocks, or only the ``new`` ones, as reached by ``case``."""
        chosen = np.isin(self.slots, self.new) if new else np.ones(len(self.slots), bool)
        return self._coverage.blocks(self.slots[chosen], self.hits[chosen], case)

    def modules(self) -> dict[str, int]:
        """How many blocks of each module ran."""
        return self._coverage.count_modules(self.slots)


@define(eq=False)
class Coverage:
    """The blocks that one lane has seen."""

    shared: Shared
    facts: Facts
    kernel: str
    release: str
    _before: _Hits = field(factory=lambda: np.zeros(0, np.uint64), init=False)
    _seen: NDArray[np.uint8] = field(factory=lambda: np.zeros(0, np.uint8), init=False)  #: classes of each slot
    _noise: set[int] = field(factory=set, init=False)  #: starts of blocks that run by themselves
    _starts: NDArray[np.uint64] = field(init=False)  #: of sections, sorted
    _places: list[tuple[str, str]] = field(init=False)

    def __attrs_post_init__(self) -> None:
        kernel = self.facts.symbols.extent_of_kernel()[0]
        rows = sorted(
            [(kernel, VMLINUX, ".text"), *((each.address, each.module, each.name) for each in self.facts.sections)]
        )
        self._starts = np.array([row[0] for row in rows], np.uint64)
        self._places = [(row[1], row[2]) for row in rows]

    def restarted(self) -> None:
        """Another QEMU counts from nothing."""
        self._before = np.zeros(0, np.uint64)

    def begin(self) -> None:
        """A round begins."""
        self._before = self.shared.counts.copy()

    def end(self) -> Covered:
        """What ran since :meth:`begin`, and what of that is new."""
        counts = self.shared.counts
        hits = counts.copy()
        hits[: len(self._before)] -= self._before
        hits[~self._leaders()[: len(hits)]] = 0
        slots = np.flatnonzero(hits)
        hits = hits[slots]
        self._seen = np.concatenate([self._seen, np.zeros(max(len(counts) - len(self._seen), 0), np.uint8)])
        classes, seen = hit_class(hits), self._seen[slots]
        quiet = ~np.isin(slots, self._noisy_slots())
        new = slots[(seen == 0) & quiet]
        again = int(np.count_nonzero((seen != 0) & (classes & ~seen != 0) & quiet))
        self._seen[slots] |= classes
        return Covered(slots, hits, new, again, self)

    def ignore(self, covered: Covered) -> None:
        """Blocks that ran while nothing was plugged in say nothing of a case."""
        self._noise |= set(self.shared.blocks["start"][covered.slots + _FIRST].tolist())

    def _noisy_slots(self) -> _Slots:
        if not self._noise:
            return np.zeros(0, np.intp)
        return np.flatnonzero(np.isin(self._block_starts(), np.fromiter(self._noise, np.uint64)))

    def _block_starts(self) -> NDArray[np.uint64]:
        starts: NDArray[np.uint64] = self.shared.blocks["start"][_FIRST:]
        return starts

    def _leaders(self) -> NDArray[np.bool_]:
        """Which blocks begin where code is entered, and are not only the rest of one that QEMU cut."""
        blocks = self.shared.blocks[_FIRST:]
        starts = blocks["start"]
        ended = blocks["ending"] != CONSTANTS["ENDS_CUT"]
        entered = np.concatenate([blocks["target"], (starts + blocks["size"])[ended]])
        leaders: NDArray[np.bool_] = (blocks["continues"] == 0) | np.isin(starts, entered)
        return leaders

    def blocks(self, slots: _Slots, hits: _Hits, case: str) -> Blocks:
        """Blocks by slot, as reached by ``case``; those outside of all sections are left out."""
        table = self.shared.blocks[_FIRST:][slots]
        section = np.searchsorted(self._starts, table["start"], side="right") - 1
        known = section >= 0
        table, section, hits = table[known], section[known], hits[known]
        rows = np.zeros(len(table), ROW)
        rows["place"] = section
        rows["offset"] = table["start"] - self._starts[section]
        rows["size"] = table["size"]
        rows["hits"] = hits
        rows["case"] = 0 if case else -1
        return Blocks.from_rows(self.kernel, self.release, self._places, (case,) if case else (), rows)

    def count_modules(self, slots: _Slots) -> dict[str, int]:
        """How many of the blocks each module has."""
        section = np.searchsorted(self._starts, self._block_starts()[slots], side="right") - 1
        found: dict[str, int] = {}
        for number, count in zip(*np.unique(section[section >= 0], return_counts=True), strict=True):
            module = self._places[number][0]
            found[module] = found.get(module, 0) + int(count)
        return found


_FIRST = CONSTANTS["PAGE"] // 8  #: slots before it are not used (FIRST in coverage.c)
