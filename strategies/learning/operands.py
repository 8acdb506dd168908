"""From what a driver compared in two paints of a draft to the bytes it looked at, and what it would rather see there.

An operand that is the value of the same bytes in both paints was made of these bytes: input-to-state, with two paints
in place of guesses. Where the driver compares a length, the operand is the length of an answer or a file in both, and
where it compares two pointers into a file they are apart by what that is too long.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Literal

import numpy as np
from attrs import define, field, frozen
from numpy.typing import NDArray

from .draft import Change, Draft
from .parts import CONFIGURATION, Descriptor, File, Key, Text, longest
from .shape import fields_of

__all__ = [
    "MOST_CHANGES",
    "MOST_PLACES",
    "ORDERS",
    "Before",
    "Compared",
    "Order",
    "Paint",
    "Pair",
    "by_pc",
    "changes",
    "otherwise",
    "pairs",
    "shape_changes",
    "sides",
]

Order = Literal["little", "big"]
Pair = tuple[int, int, int]  #: address of an instruction, its left and its right operand
_SIZES = (1, 2, 4)
ORDERS: tuple[Order, ...] = ("little", "big")
#: A value that so many places of the descriptors have says nothing about which of them is meant.
MOST_PLACES = 4
#: Changes for one instruction.
MOST_CHANGES = 12
_BYTE, _LARGEST = 0xFF, 0xFFFF_FFFF
#: Functions of the USB core that look for a driver, or at a port: for themselves.
_OWN = ("usb_match_", "usb_uevent", "usb_bus_notify", "usb_device_is_owned", "hub_", "hcd_", "usb_hcd_")
_MOST_SHAPES = 48  #: changes of descriptors, for one draft
_MOST_PAIRS = 24  #: of changes, for one draft
_FRONT = 2048  #: bytes of a file in which numbers are looked for, as headers and first records are there
_BACK = 64  #: the same, at its end
_POINTER = 1 << 63  #: addresses of the kernel are above that


@frozen
class Compared:
    """One pair of operands of one instruction."""

    pc: int
    how: str  #: cmp, zero, test, sub, bt
    width: int  #: bytes
    left: int
    right: int
    place: str = ""  #: in words

    @property
    def pair(self) -> Pair:
        """The instruction and its operands."""
        return self.pc, self.left, self.right


@frozen
class _Where:
    """Bytes that are a number, or an answer whose length is one."""

    key: Key
    offset: int
    size: int  #: bytes; 0: the length of the answer
    order: Order = "little"


@frozen
class Paint:
    """One run of a draft: what was sent, and what was compared."""

    number: int
    draft: Draft
    compared: Sequence[Compared]
    #: The numbers in what was sent that are operands.
    _values: Mapping[int, tuple[_Where, ...]] = field(init=False, repr=False)

    @_values.default
    def _indexed(self) -> dict[int, tuple[_Where, ...]]:
        operands = {operand for each in self.compared for operand in (each.left, each.right)}
        wanted = np.array([operand for operand in operands if operand <= _LARGEST], np.uint32)
        found: dict[int, list[_Where]] = {}
        for key, raw in self.draft.painted(self.number).items():
            pinned = None if isinstance(key, Descriptor) else self.draft.parts[key].pinned
            for value, where in _numbers(key, raw, pinned, wanted):
                found.setdefault(value, []).append(where)
        return {value: tuple(wheres) for value, wheres in found.items()}

    def places(self, value: int, width: int) -> Iterator[_Where]:
        """Where an operand of so many bytes may come from."""
        for where in self._values.get(value, ()):
            if where.size <= width:
                yield where


def _numbers(
    key: Key, raw: bytes, pinned: frozenset[int] | None, wanted: NDArray[np.uint32]
) -> Iterator[tuple[int, _Where]]:
    """Those of the numbers that bytes are, in every width and order, that are wanted.

    None of them has ``pinned`` bytes; where that is None, nothing is painted.
    """
    if pinned is not None and not isinstance(key, Text):  # the kernel reads a text to its end
        yield len(raw), _Where(key, 0, 0)
    whole = np.frombuffer(raw, np.uint8).astype(np.uint32)
    usable = np.ones(len(raw), np.bool_)
    usable[list(pinned or ())] = False
    for size in _SIZES[: len(raw)]:
        count = len(raw) - size + 1
        if count < 1:
            break
        starts = np.arange(count)
        looked_at = (starts < _FRONT) | (starts >= len(raw) - _BACK)
        looked_at &= np.logical_and.reduce([usable[at : at + count] for at in range(size)])
        for order in ORDERS[: 1 if size == 1 else 2]:
            bits = range(0, 8 * size, 8)
            places = enumerate(bits if order == "little" else reversed(bits))
            values = np.bitwise_or.reduce([whole[at : at + count] << shift for at, shift in places])
            for offset in np.flatnonzero(looked_at & np.isin(values, wanted)).tolist():
                value = int(values[offset])
                if pinned is not None or value > _BYTE or size == 1:
                    yield value, _Where(key, offset, size, order)


def changes(first: Paint, second: Paint) -> list[Change]:
    """What to send instead of the first paint so that a comparison goes the other way; the likeliest first.

    Equality comes first, then bits, then what lies just beside the other operand.
    """
    second_by_pc = by_pc(second.compared)
    tiers: tuple[list[Change], ...] = ([], [], [])
    for pc, mine in by_pc(first.compared).items():
        theirs = second_by_pc.get(pc, ())
        found = chain(
            *(_of_instruction(first, second, mine, theirs, side) for side in (0, 1)), _ends(first.draft, mine, theirs)
        )
        for number, (tier, change) in enumerate(dict.fromkeys(found)):
            if number < MOST_CHANGES:
                tiers[tier].append(change)
    return list(dict.fromkeys(chain.from_iterable(tiers)))


def shape_changes(draft: Draft, mine: Iterable[Compared], strange: Iterable[Compared]) -> list[Change]:
    """Other bytes for the descriptors, from what the USB core compared for a driver, the likeliest first.

    Drivers have the core look for their endpoints and settings (usb_check_bulk_endpoints(), usb_set_interface()), so
    what it compares in ``mine`` and not in ``strange``, with the same descriptors and no driver, tells what they want.
    """
    usual = {each.pair for each in strange}
    fields = fields_of(draft.parts[CONFIGURATION].data)
    found: list[tuple[int, Change]] = []
    for each in mine:
        if each.place.startswith(_OWN) or max(each.left, each.right) > _BYTE:
            continue
        if each.pair not in usual:
            for side in (0, 1):
                places, wanted = _shapes(each, side, fields)
                found += [
                    (len(places), Change(CONFIGURATION, at, bytes((number,)), each.place))
                    for number in wanted
                    for at in places
                ]
    found.sort(key=lambda ranked: ranked[0])
    return list(dict.fromkeys(change for _, change in found))[:_MOST_SHAPES]


def _shapes(each: Compared, side: int, fields: Mapping[int, int]) -> tuple[list[int], list[int]]:
    """Where an operand may come from, and the bytes that would make the comparison end otherwise."""
    value, other = sides(each, side)
    places = [at for at, byte in fields.items() if byte == value]
    numbers = dict.fromkeys(number for _, number in otherwise(each.how, value, other))
    return places, [number for number in numbers if number != value and 0 <= number <= _BYTE]


@define(eq=False)
class Before:
    """What the drafts of a driver had compared so far."""

    _pairs: set[Pair] = field(factory=set, init=False)
    _operands: set[tuple[int, int]] = field(factory=set, init=False)  #: with their instructions

    def add(self, compared: Iterable[Compared]) -> None:
        """A draft had this compared."""
        for each in compared:
            if each.pair not in self._pairs:
                self._pairs.add(each.pair)
                self._operands.update(((each.pc, each.left), (each.pc, each.right)))

    def news(self, change: Change, compared: Iterable[Compared]) -> bool:
        """Whether a change had something else compared, besides its own value with what that place was compared with.

        Code that looks at one byte after another in a loop, or for one endpoint after another, runs no block that did
        not run before when it gets further: it compares something else.
        """
        own = {
            int.from_bytes(each.value, order) if each.value else each.length
            for each in (change, *change.also)
            for order in ORDERS
        }
        for each in compared:
            if each.pair not in self._pairs:
                others = (sides(each, side)[1] for side in (0, 1) if sides(each, side)[0] in own)
                if not any((each.pc, other) in self._operands for other in others):
                    return True
        return False


def pairs(dead: Sequence[Change]) -> Iterator[tuple[Change, Change]]:
    """Two at a time of changes that led nowhere alone, the likeliest first: one function wanted both.

    A compiler may ask ``if (a == X && b == Y)`` with one branch for both.
    """
    found = [
        (at + before, dead[before], dead[at])
        for at in range(len(dead))
        for before in range(at)
        if _apart_in_one_function(dead[before], dead[at])
    ]
    found.sort(key=lambda ranked: ranked[0])
    return ((first, second) for _, first, second in found[:_MOST_PAIRS])


def _apart_in_one_function(one: Change, other: Change) -> bool:
    """Whether the same function asked for both changes, of different bytes."""
    if one.because.partition("+")[0] != other.because.partition("+")[0]:
        return False
    if (one.because == other.because and one.value == other.value) or one.also or other.also:
        return False
    if one.key != other.key:
        return True
    if one.length is not None or other.length is not None:
        return (one.length is None) != (other.length is None)
    return one.offset + len(one.value) <= other.offset or other.offset + len(other.value) <= one.offset


def by_pc(compared: Iterable[Compared]) -> dict[int, list[Compared]]:
    """The pairs of each instruction; those first that are not equal, as the others have what they want."""
    found: dict[int, list[Compared]] = {}
    for each in sorted(compared, key=lambda pair: pair.left == pair.right):
        found.setdefault(each.pc, []).append(each)
    return found


def _of_instruction(
    first: Paint, second: Paint, mine: Sequence[Compared], theirs: Sequence[Compared], side: int
) -> Iterator[tuple[int, Change]]:
    """Changes for one instruction, whose left (0) or right (1) operand may come from the device."""
    again = {where for each in theirs for where in second.places(sides(each, side)[0], each.width)}
    for each in mine:
        value, other = sides(each, side)
        wheres = [where for where in first.places(value, each.width) if where in again]
        if len(wheres) > MOST_PLACES:
            continue
        for where in wheres:
            for tier, wanted in otherwise(each.how, value, other):
                change = _change(where, wanted, each.place)
                if wanted != value and change is not None:
                    yield tier, change


def _ends(draft: Draft, mine: Sequence[Compared], theirs: Sequence[Compared]) -> Iterator[tuple[int, Change]]:
    """Other lengths for files, from two pointers that are as far apart in both paints, and no farther than a file."""
    again = {_apart(each) for each in theirs} - {None, 0}
    files = [(key, len(part.data)) for key, part in draft.parts.items() if isinstance(key, File)]
    for each in mine:
        apart = _apart(each)
        if apart in again:
            for key, length in files:
                shorter = length - abs(apart or 0)
                if shorter >= 0:
                    yield 2, Change(key, 0, b"", each.place, length=shorter)


def _apart(each: Compared) -> int | None:
    """How many bytes there are between two pointers."""
    return each.left - each.right if each.width == 8 and min(each.left, each.right) >= _POINTER else None


def sides(each: Compared, side: int) -> tuple[int, int]:
    """The left (0) or right (1) operand, and the other one."""
    return (each.right, each.left) if side else (each.left, each.right)


def otherwise(how: str, value: int, other: int) -> Iterator[tuple[int, int]]:
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
        return Change(where.key, 0, b"", because, length=wanted) if 0 <= wanted <= longest(where.key) else None
    if not 0 <= wanted < 1 << 8 * where.size:
        return None
    if isinstance(where.key, Text) and not wanted:  # it ends there
        return Change(where.key, 0, b"", because, length=where.offset)
    return Change(where.key, where.offset, wanted.to_bytes(where.size, where.order), because)
