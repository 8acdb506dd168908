"""Blocks of executed code, in arrays."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import Any, TypeVar

import numpy as np
from attrs import field, frozen
from numpy.typing import NDArray

from usbfuzz.errors import InputError

__all__ = ["MOST_HITS", "ROW", "VMLINUX", "Block", "Blocks", "Place", "merge"]

VMLINUX = "vmlinux"  #: the module that the kernel itself counts as; its one section begins at ``_stext``

Place = tuple[str, str]  #: a module (``_`` for ``-``) and one of its sections

#: One block: the numbers of its place and of its case (-1 for none), and what is counted.
ROW = np.dtype([("place", "u4"), ("offset", "u8"), ("size", "u4"), ("hits", "u8"), ("case", "i4")])
_KEY = ("place", "offset", "size")  #: what makes two rows the same block, and the order of rows

MOST_HITS = 1 << 48  #: a counter stays there: some days of one block

_Rows = NDArray[Any]  #: of :data:`ROW`
_Name = TypeVar("_Name", str, Place)


@frozen
class Block:
    """A run of instructions that was executed."""

    module: str  #: with ``_`` for ``-``; :data:`VMLINUX` for the kernel itself
    section: str  #: ``.text``
    offset: int  #: of its first byte in the section
    size: int  #: bytes
    hits: int = 1  #: how often it was executed
    case: str = ""  #: the name of the case that reached it first; empty when no case is known to


@frozen(eq=False)
class Blocks:
    """The blocks of one kernel that were executed: each once, sorted by module, section, offset and size.

    Make one with :meth:`of` or :meth:`from_rows`. Iterating gives a :class:`Block` each; ``rows`` is for numpy.
    """

    kernel: str  #: its canonical spec, ``debian:5.10.223-1``
    release: str  #: what ``uname -r`` prints
    places: tuple[Place, ...] = ()  #: sorted, each of them used
    cases: tuple[str, ...] = ()  #: names of cases, sorted, each of them used
    rows: _Rows = field(factory=lambda: np.empty(0, ROW))  #: ``place`` and ``case`` count in the two tuples

    @classmethod
    def of(cls, kernel: str, release: str, blocks: Iterable[Block]) -> Blocks:
        """The blocks in any order; of those that come several times the hits are added, and the first case counts."""
        places: dict[Place, int] = {}
        cases: dict[str, int] = {}
        rows = [
            (
                places.setdefault((block.module, block.section), len(places)),
                block.offset,
                block.size,
                block.hits,
                cases.setdefault(block.case, len(cases)) if block.case else -1,
            )
            for block in blocks
        ]
        return cls.from_rows(kernel, release, tuple(places), tuple(cases), np.array(rows, ROW))

    @classmethod
    def from_rows(cls, kernel: str, release: str, places: Sequence[Place], cases: Sequence[str], rows: _Rows) -> Blocks:
        """As :meth:`of`, from rows (:data:`ROW`) that count in ``places`` and ``cases``."""
        rows = rows.copy()
        rows["place"], used_places = _renumbered(rows["place"], places)
        rows = _added_up(rows)  # which leaves cases without a block
        has_case = rows["case"] >= 0
        rows["case"][has_case], used_cases = _renumbered(rows["case"][has_case], cases)
        return cls(kernel, release, used_places, used_cases, rows)

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> Iterator[Block]:
        for place, offset, size, hits, case in self.rows.tolist():
            module, section = self.places[place]
            yield Block(module, section, offset, size, hits, self.cases[case] if case >= 0 else "")

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Blocks):
            return NotImplemented
        mine, others = ((it.kernel, it.release, it.places, it.cases) for it in (self, other))
        return mine == others and np.array_equal(self.rows, other.rows)

    __hash__ = None  # type: ignore[assignment]

    @property
    def modules(self) -> tuple[str, ...]:
        """The modules that have blocks here, sorted."""
        return tuple(dict.fromkeys(module for module, _ in self.places))

    def at(self, place: Place) -> _Rows:
        """The rows of one section of a module, in the order of their offsets."""
        number = self.places.index(place) if place in self.places else -1
        found: _Rows = self.rows[self.rows["place"] == number]
        return found


def merge(blocks: Sequence[Blocks]) -> Blocks:
    """The blocks of several runs of one kernel: hits are added, and the first run that names a block's case is right.

    Raises InputError when there are none, or when they are of different kernels.
    """
    if not blocks:
        raise InputError("there is no coverage to merge; give at least one")
    first = blocks[0]
    for other in blocks:
        if (other.kernel, other.release) != (first.kernel, first.release):
            message = f"coverage of {other.kernel} ({other.release}) cannot be added to that of {first.kernel}"
            raise InputError(f"{message} ({first.release}); merge what one kernel did")
    places = tuple(chain.from_iterable(run.places for run in blocks))
    cases = tuple(chain.from_iterable(run.cases for run in blocks))
    shifted, place, case = [], 0, 0
    for run in blocks:
        rows = run.rows.copy()
        rows["place"] += np.uint32(place)
        rows["case"][rows["case"] >= 0] += case
        shifted.append(rows)
        place, case = place + len(run.places), case + len(run.cases)
    return Blocks.from_rows(first.kernel, first.release, places, cases, np.concatenate(shifted))


def _renumbered(numbers: _Rows, names: Sequence[_Name]) -> tuple[_Rows, tuple[_Name, ...]]:
    """Numbers that count in the sorted names of those that are used, and these names, each once."""
    used = np.unique(numbers).tolist()
    kept = sorted({names[number] for number in used})
    new = {name: number for number, name in enumerate(kept)}
    table = np.zeros(len(names), numbers.dtype)
    for number in used:
        table[number] = new[names[number]]
    return table[numbers], tuple(kept)


def _added_up(rows: _Rows) -> _Rows:
    """The rows sorted, those of one block as one."""
    rows = rows[np.lexsort([rows[name] for name in reversed(_KEY)])]  # stable: the first run's row stays first
    if not len(rows):
        return rows
    differs = np.logical_or.reduce([rows[name][1:] != rows[name][:-1] for name in _KEY])
    starts = np.flatnonzero(np.concatenate(([True], differs)))
    ends = np.append(starts[1:], len(rows))
    # The first row of each block that has a case: rows without one count as behind the last.
    cased = np.where(rows["case"] >= 0, np.arange(len(rows)), len(rows))
    first = np.minimum.reduceat(cased, starts)
    found = rows[starts]
    found["hits"] = np.minimum(np.add.reduceat(np.minimum(rows["hits"], MOST_HITS), starts), MOST_HITS)
    found["case"] = np.where(first < ends, rows["case"][np.minimum(first, len(rows) - 1)], -1)
    return found
