"""Operands that were worked out of a few bytes: fields of bits, moved numbers, sums of bytes, a byte and a constant.

A function is believed when it gives the operand in every paint, and so many functions would hardly do so by chance: a
nibble that fits twice tells nothing where a thousand nibbles were tried, and a lot when it fits five times. So this
needs more paints than :mod:`.operands` does.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from itertools import pairwise, starmap
from typing import TypeVar

import numpy as np
from attrs import frozen
from numpy.typing import NDArray

from .assembled import Halves
from .draft import Change
from .operands import MOST_CHANGES, MOST_PLACES, ORDERS, Compared, Order, Paint, by_pc, otherwise, sides
from .parts import Descriptor, Key, Read, Text

__all__ = ["PAINTS", "derived", "unclear"]

PAINTS = 5  #: that tell a nibble from chance where thousands were tried
_FRONT = 64  #: bytes of an answer or file that are looked at
_LEAST = 4  #: bits of a field
_SHIFTS = range(1, 9)  #: to the left
_BYTE = 0xFF
_TOO_LARGE = 1 << 32  #: for any function
_DOUBT = 4  #: a function is believed if all of its sort fit by chance once in 2^4 operands


_Numbers = NDArray[np.int64]
_Number = TypeVar("_Number", int, _Numbers)


@frozen
class _Function:
    """What is done to ``size`` bytes: some bits are left, and moved to the right (to the left where it is negative)."""

    size: int
    order: Order
    mask: int
    shift: int

    @property
    def bits(self) -> int:
        """Of an operand, that say something."""
        return self.mask.bit_count()

    def of(self, raw: bytes) -> int:
        """The operand."""
        return self._moved(int.from_bytes(raw, self.order))

    def of_all(self, first: _Numbers, second: _Numbers) -> _Numbers:
        """The operand for each of many bytes, and those behind them."""
        low, high = (first, second) if self.order == "little" else (second, first)
        return self._moved(first if self.size == 1 else low | high << 8)

    def _moved(self, number: _Number) -> _Number:
        number = number & self.mask
        return number >> self.shift if self.shift >= 0 else number << -self.shift

    def bytes_for(self, operand: int, raw: bytes) -> bytes | None:
        """``raw`` with the bits that make this operand; None when none do."""
        moved = operand << self.shift if self.shift >= 0 else operand >> -self.shift
        whole = (int.from_bytes(raw, self.order) & ~self.mask) | (moved & self.mask)
        made = whole.to_bytes(self.size, self.order)
        return made if operand >= 0 and self.of(made) == operand else None


@frozen
class _Sum:
    """The sum of two bytes."""

    size: int = 2
    bits: int = 8

    def of(self, raw: bytes) -> int:
        """The operand."""
        return raw[0] + raw[1]

    def of_all(self, first: _Numbers, second: _Numbers) -> _Numbers:
        """The operand for each of many bytes, and those behind them."""
        return first + second

    def bytes_for(self, operand: int, _raw: bytes) -> bytes | None:
        """Two bytes with this sum; None when there are none."""
        first = min(operand, _BYTE)
        return bytes((first, operand - first)) if 0 <= operand <= 2 * _BYTE else None


@frozen
class _Plus:
    """A byte and a constant, in an operand of so many bits."""

    constant: int
    width: int
    size: int = 1
    bits: int = 8

    def of(self, raw: bytes) -> int:
        """The operand."""
        return (raw[0] + self.constant) % (1 << self.width)

    def bytes_for(self, operand: int, _raw: bytes) -> bytes | None:
        """The byte for this operand; None when there is none."""
        byte = (operand - self.constant) % (1 << self.width)
        return bytes((byte,)) if byte <= _BYTE else None


_Any = _Function | _Sum | _Plus


def _functions() -> Iterator[_Function]:
    """Fields of a byte and those that lie across two, where they are and moved down; whole numbers moved up."""
    for size in (1, 2):
        for order in ORDERS[:size]:
            width, whole = 8 * size, (1 << 8 * size) - 1
            for bits in range(_LEAST, width):
                for low in range(width - bits + 1):
                    if size == 1 or low < 8 < low + bits:
                        mask = ((1 << bits) - 1) << low
                        yield from (_Function(size, order, mask, shift) for shift in {0, low})
            yield from (_Function(size, order, whole, -shift) for shift in _SHIFTS)


_ALL: tuple[_Function | _Sum, ...] = (*_functions(), _Sum())


_Place = tuple[Key, int, _Any]  #: where bytes are, and what is done to them


@frozen
class _Origin:
    """A function of the bytes at a place."""

    key: Key
    offset: int
    function: _Any

    def operand(self, sent: Mapping[Key, bytes]) -> int:
        """What it gives for what was sent."""
        return self.function.of(sent[self.key][self.offset : self.offset + self.function.size])

    def change(self, sent: Mapping[Key, bytes], operand: int, because: str) -> Change | None:
        """The change that makes this operand; None when none does."""
        raw = sent[self.key][self.offset : self.offset + self.function.size]
        made = self.function.bytes_for(operand, raw)
        return None if made is None or made == raw else Change(self.key, self.offset, made, because)


def unclear(first: Paint, second: Paint) -> bool:
    """Whether there are operands that follow the paint, and are no number of the device's bytes."""
    return any(True for _ in _unexplained((first, second)))


def derived(paints: Sequence[Paint]) -> list[Change]:
    """What to send instead of the first paint so that a comparison of such an operand goes the other way."""
    sents = [paint.draft.painted(paint.number) for paint in paints]
    unexplained = list(_unexplained(paints))
    raw = _Bytes.of(paints[0], sents)
    index, tried = raw.index({sides(pairs[0], side)[0] for pairs, side in unexplained})
    halves = Halves.of(sents, raw.places)
    found: list[tuple[int, Change]] = []
    for pairs, side in unexplained:
        operands = [sides(each, side)[0] for each in pairs]
        candidates = [*index.get(operands[0], ()), *raw.plus(operands, pairs[0].width)]
        origins = [
            origin
            for origin in starmap(_Origin, candidates)
            if _believed(origin.function, len(paints), tried)
            and all(origin.operand(sent) == operand for sent, operand in zip(sents, operands, strict=True))
        ]
        if not origins:
            found += _assembled(halves, operands, pairs[0], side)
        elif len(origins) <= MOST_PLACES:
            found += [ranked for origin in origins for ranked in _changes(origin, sents[0], pairs[0], side)][
                :MOST_CHANGES
            ]
    found.sort(key=lambda ranked: ranked[0])
    return list(dict.fromkeys(change for _, change in found))


def _assembled(halves: Halves, operands: Sequence[int], each: Compared, side: int) -> Iterator[tuple[int, Change]]:
    value, other = sides(each, side)
    for tier, operand in otherwise(each.how, value, other):
        if operand >= 0 and (change := halves.change(operands, operand, each.width, each.place)) is not None:
            yield tier, change


def _changes(origin: _Origin, sent: Mapping[Key, bytes], each: Compared, side: int) -> Iterator[tuple[int, Change]]:
    value, other = sides(each, side)
    for tier, operand in otherwise(each.how, value, other):
        change = origin.change(sent, operand, each.place)
        if change is not None:
            yield tier, change


def _unexplained(paints: Sequence[Paint]) -> Iterator[tuple[list[Compared], int]]:
    """Of instructions that compared once in each paint: the pairs, and the side that follows the paint unexplained."""
    each_by_pc = [by_pc(paint.compared) for paint in paints]
    for pc, mine in each_by_pc[0].items():
        rows = [found.get(pc, []) for found in each_by_pc]
        if any(len(row) != 1 for row in rows):
            continue
        pairs = [row[0] for row in rows]
        for side in (0, 1):
            operands = [sides(each, side)[0] for each in pairs]
            if len(set(operands)) > 1 and not _plain(paints, operands, mine[0].width):
                yield pairs, side


def _plain(paints: Sequence[Paint], operands: Sequence[int], width: int) -> bool:
    """Whether some bytes are the operand as they are."""
    places = (set(paint.places(operand, width)) for paint, operand in zip(paints, operands, strict=True))
    return bool(set.intersection(*places))


@frozen(eq=False)
class _Bytes:
    """Painted bytes that may be looked at, in each paint."""

    places: Sequence[tuple[Key, int]]
    first: _Numbers  #: of paints and places
    second: _Numbers  #: the bytes behind them
    in_a_row: NDArray[np.bool_]  #: of places: whether the byte behind is painted, too

    @classmethod
    def of(cls, paint: Paint, sents: Sequence[Mapping[Key, bytes]]) -> _Bytes:
        """Those of a draft, of which ``sents`` was sent in each paint."""
        places: list[tuple[Key, int]] = []
        in_a_row: list[bool] = []
        for key, part in paint.draft.parts.items():
            # What was asked has an answer of its own, and letters are too few to tell functions of them from chance.
            if isinstance(key, Descriptor | Text) or (isinstance(key, Read) and key.bRequest is None):
                continue
            free = [at for at in range(min(len(part.data), _FRONT)) if at not in part.pinned]
            places += ((key, at) for at in free)
            in_a_row += (following == at + 1 for at, following in pairwise([*free, -1]))
        first = np.array([[sent[key][at] for key, at in places] for sent in sents], np.int64)
        second = np.array([[*sent[key], 0][at + 1] for sent in sents for key, at in places], np.int64)
        return cls(places, first, second.reshape(first.shape), np.array(in_a_row, np.bool_))

    def index(self, operands: AbstractSet[int]) -> tuple[Mapping[int, list[_Place]], Mapping[int, int]]:
        """Functions of all places that give one of the operands in the first paint, by that.

        And how many there are that have so many bits, whatever they give.
        """
        index: dict[int, list[_Place]] = {}
        tried = Counter({0: len(self.places)})  # of _Plus
        wanted = np.array([operand for operand in operands if operand < _TOO_LARGE], np.int64)
        for function in _ALL:
            usable = self.in_a_row if function.size > 1 else np.ones(len(self.places), np.bool_)
            tried[function.bits] += int(usable.sum())
            values = function.of_all(self.first[0], self.second[0])
            for at in np.flatnonzero(usable & np.isin(values, wanted)).tolist():
                index.setdefault(int(values[at]), []).append((*self.places[at], function))
        return index, tried

    def plus(self, operands: Sequence[int], width: int) -> Iterator[_Place]:
        """Bytes from which an operand is as far in all paints."""
        bits = 8 * width
        apart = np.array(operands, np.uint64)[:, np.newaxis] - self.first.astype(np.uint64)
        apart &= np.uint64((1 << bits) - 1)
        for at in np.flatnonzero((apart == apart[0]).all(axis=0)).tolist():
            yield *self.places[at], _Plus(int(apart[0, at]), bits)


def _believed(function: _Any, paints: int, tried: Mapping[int, int]) -> bool:
    """Whether it is more than chance that a function fits in so many paints."""
    known = isinstance(function, _Plus)  # one paint tells its constant
    told = function.bits * (paints - known)
    return told >= math.log2(max(1, tried.get(0 if known else function.bits, 0))) + _DOUBT
