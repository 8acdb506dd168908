"""What of a section was executed: blocks, which may overlap, laid over functions or lines."""

from __future__ import annotations

from typing import Any

import numpy as np
from attrs import frozen
from numpy.typing import NDArray

__all__ = ["Cover", "Found"]

_Numbers = NDArray[Any]
_NO_CASE = np.iinfo("i4").max  #: while the smallest number is looked for


@frozen(eq=False)
class Found:
    """What was found of each of some ranges of code."""

    size: _Numbers  #: bytes of it that were executed
    hits: _Numbers  #: how often its most executed byte was; 0: not at all
    case: _Numbers  #: number of a case that reached it, -1 when none is known; of several the first by name


@frozen(eq=False)
class Cover:
    """A section cut into pieces in which every byte was executed by the same blocks."""

    edges: _Numbers  #: the ends of pieces, growing; piece n lies from edge n to edge n + 1
    hits: _Numbers  #: of each piece: executed so often; 0: a gap
    case: _Numbers  #: of each piece: number of a case that reached it, -1 when none is known

    @classmethod
    def of(cls, rows: _Numbers) -> Cover:
        """The cover by the blocks of one section (rows of :class:`usbfuzz.coverage.Blocks`)."""
        starts, ends = rows["offset"], rows["offset"] + rows["size"]
        edges = np.unique(np.concatenate((starts, ends)))
        first = np.searchsorted(edges, starts)
        block, piece = _expanded(first, np.searchsorted(edges, ends) - first)
        hits = np.zeros(max(len(edges) - 1, 0), "u8")
        np.maximum.at(hits, piece, rows["hits"][block])
        case = np.full(len(hits), _NO_CASE, "i4")
        known = rows["case"][block] >= 0
        np.minimum.at(case, piece[known], rows["case"][block][known])
        return cls(edges, hits, _known(case))

    def over(self, starts: _Numbers, ends: _Numbers) -> Found:
        """What was executed of the ranges from ``starts`` up to ``ends``."""
        first = np.maximum(np.searchsorted(self.edges, starts, "right") - 1, 0)
        last = np.minimum(np.searchsorted(self.edges, ends), len(self.hits))
        which, piece = _expanded(first, np.maximum(last - first, 0))
        common = np.minimum(self.edges[1:][piece], ends[which]).astype("i8")
        common -= np.maximum(self.edges[:-1][piece], starts[which]).astype("i8")
        executed = (self.hits[piece] > 0) & (common > 0)
        which, piece, common = which[executed], piece[executed], common[executed]
        size, hits, case = (
            np.zeros(len(starts), "i8"),
            np.zeros(len(starts), "u8"),
            np.full(len(starts), _NO_CASE, "i4"),
        )
        np.add.at(size, which, common)
        np.maximum.at(hits, which, self.hits[piece])
        known = self.case[piece] >= 0
        np.minimum.at(case, which[known], self.case[piece][known])
        return Found(size, hits, _known(case))


def _expanded(first: _Numbers, count: _Numbers) -> tuple[_Numbers, _Numbers]:
    """For ranges of ``count`` numbers from ``first`` on: for each number in each range, which range, and the number."""
    which = np.repeat(np.arange(len(first)), count)
    within = np.arange(len(which)) - np.repeat(np.cumsum(count) - count, count)
    return which, first[which] + within


def _known(case: _Numbers) -> _Numbers:
    return np.where(case == _NO_CASE, np.int32(-1), case)
