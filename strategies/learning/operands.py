"""From what a driver compared in two paints of a draft to the bytes it looked at, and what it would rather see there.

An operand that is the value of the same bytes in both paints was made of these bytes: input-to-state, with two paints
in place of guesses. Where the driver compares a length, the operand is the length of an answer in both.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Literal

from attrs import field, frozen

from .draft import LONGEST, Change, Descriptor, Draft, Key

__all__ = ["Compared", "Paint", "changes"]

_Order = Literal["little", "big"]
_SIZES = (1, 2, 4)
_ORDERS: tuple[_Order, ...] = ("little", "big")
#: A value that so many places of the descriptors have says nothing about which of them is meant.
_MOST_PLACES = 4
#: Changes for one instruction.
_MOST_CHANGES = 12


@frozen
class Compared:
    """One pair of operands of one instruction."""

    pc: int
    how: str  #: cmp, zero, test, sub, bt
    width: int  #: bytes
    left: int
    right: int
    place: str = ""  #: in words


@frozen
class _Where:
    """Bytes that are a number, or an answer whose length is one."""

    key: Key
    offset: int
    size: int  #: bytes; 0: the length of the answer
    order: _Order = "little"


@frozen
class Paint:
    """One run of a draft: what was sent, and what was compared."""

    number: int
    draft: Draft
    compared: Sequence[Compared]
    _values: Mapping[int, tuple[_Where, ...]] = field(init=False, repr=False)

    @_values.default
    def _indexed(self) -> dict[int, tuple[_Where, ...]]:
        found: dict[int, list[_Where]] = {}
        for key, raw in self.draft.painted(self.number).items():
            free = None if isinstance(key, Descriptor) else set(range(len(raw))) - self.draft.parts[key].pinned
            for value, where in _numbers(key, raw, free):
                found.setdefault(value, []).append(where)
        return {value: tuple(wheres) for value, wheres in found.items()}

    def places(self, value: int, width: int) -> Iterator[_Where]:
        """Where an operand of so many bytes may come from."""
        for where in self._values.get(value, ()):
            if where.size <= width:
                yield where


def _numbers(key: Key, raw: bytes, free: set[int] | None) -> Iterator[tuple[int, _Where]]:
    """The numbers that bytes are, in every width and order; of painted bytes only those that are painted throughout."""
    if free is not None:
        yield len(raw), _Where(key, 0, 0)
    for size in _SIZES:
        for offset in range(len(raw) - size + 1):
            if free is not None and not free.issuperset(range(offset, offset + size)):
                continue
            for order in _ORDERS[: 1 if size == 1 else 2]:
                value = int.from_bytes(raw[offset : offset + size], order)
                if free is not None or value > 0xFF or size == 1:
                    yield value, _Where(key, offset, size, order)


def changes(first: Paint, second: Paint) -> list[Change]:
    """What to send instead of the first paint so that a comparison goes the other way; the likeliest first.

    Equality comes first, then bits, then what lies just beside the other operand.
    """
    by_pc = _by_pc(second.compared)
    tiers: tuple[list[Change], ...] = ([], [], [])
    for pc, mine in _by_pc(first.compared).items():
        found = chain.from_iterable(_of_instruction(first, second, mine, by_pc.get(pc, ()), side) for side in (0, 1))
        for number, (tier, change) in enumerate(dict.fromkeys(found)):
            if number < _MOST_CHANGES:
                tiers[tier].append(change)
    return list(dict.fromkeys(chain.from_iterable(tiers)))


def _by_pc(compared: Iterable[Compared]) -> dict[int, list[Compared]]:
    found: dict[int, list[Compared]] = {}
    for each in compared:
        found.setdefault(each.pc, []).append(each)
    return found


def _of_instruction(
    first: Paint, second: Paint, mine: Sequence[Compared], theirs: Sequence[Compared], side: int
) -> Iterator[tuple[int, Change]]:
    """Changes for one instruction, whose left (0) or right (1) operand may come from the device."""
    again = {where for each in theirs for where in second.places(_sides(each, side)[0], each.width)}
    for each in mine:
        value, other = _sides(each, side)
        wheres = [where for where in first.places(value, each.width) if where in again]
        if len(wheres) > _MOST_PLACES:
            continue
        for where in wheres:
            for tier, wanted in _wanted(each.how, value, other):
                change = _change(where, wanted, each.place)
                if wanted != value and change is not None:
                    yield tier, change


def _sides(each: Compared, side: int) -> tuple[int, int]:
    return (each.right, each.left) if side else (each.left, each.right)


def _wanted(how: str, value: int, other: int) -> Iterator[tuple[int, int]]:
    """Numbers that would make a comparison of ``value`` end otherwise, each with its tier."""
    if how == "zero":
        yield 1, 0
        yield 1, 1
    elif how == "test":
        yield 1, value | other
        yield 1, value & ~other
    elif how == "bt":
        yield 1, value ^ (1 << (other & 63))
    else:
        yield 0, other
        yield 2, other + 1
        yield 2, other - 1


def _change(where: _Where, wanted: int, because: str) -> Change | None:
    """The change that has the number ``wanted`` there; None when it does not fit."""
    if where.size == 0:
        return Change(where.key, 0, b"", because, length=wanted) if 0 <= wanted <= LONGEST else None
    if not 0 <= wanted < 1 << 8 * where.size:
        return None
    return Change(where.key, where.offset, wanted.to_bytes(where.size, where.order), because)
