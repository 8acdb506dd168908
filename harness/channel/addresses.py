"""Where a kernel keeps its memory: ranges of virtual addresses, and how to find values of them in bytes, fast."""

from __future__ import annotations

import re
from functools import cached_property

from attrs import frozen

from usbfuzz.arch import ARCHES

__all__ = ["UNKNOWN_KERNEL", "AddressMap", "Found", "Range"]

_WORD = 8  #: bytes of an address
#: Values of one text that are looked at: a hostile guest may send millions that only look like addresses.
_MOST = 64


@frozen
class Range:
    """A range of addresses; ``end`` is behind the last."""

    name: str  #: what lies there, for people: "direct map"
    start: int
    end: int


@frozen
class Found:
    """An address in some bytes."""

    at: int  #: offset of its first byte
    value: int
    where: str  #: name of its range


@frozen(slots=False)
class AddressMap:
    """The ranges in which a 64-bit little-endian kernel has its memory."""

    ranges: tuple[Range, ...]

    @cached_property
    def gate(self) -> bytes:
        """Bytes that end every address of the map, so that a text without them needs no further look."""
        tails = {_tail(each) for each in self.ranges}
        shortest = min(map(len, tails), default=0)
        common = [len({tail[-n:] for tail in tails}) == 1 for n in range(1, shortest + 1)]
        length = common.index(False) if False in common else len(common)
        return next(iter(tails))[-length:] if length else b""

    def where(self, value: int) -> str | None:
        """The name of the range an address is in; None when it is in none."""
        return next((each.name for each in self.ranges if each.start <= value < each.end), None)

    def addresses(self, text: bytes) -> list[Found]:
        """The addresses in ``text``, at whatever offset; a word that is the end of a row of ff bytes is none.

        Small negative numbers, and what is filled with ff, have the upper half of an address of the kernel's code.
        """
        found: list[Found] = []
        for match, _ in zip(self._pattern.finditer(text), range(_MOST), strict=False):
            at = match.end() - _WORD
            value = int.from_bytes(text[at : at + _WORD], "little") if at >= 0 else 0
            where = self.where(value)
            if where is not None and not (found and at < found[-1].at + _WORD):
                found.append(Found(at, value, where))
        return found

    @cached_property
    def _pattern(self) -> re.Pattern[bytes]:
        tails = sorted({_tail(each) for each in self.ranges})
        return re.compile(b"|".join(_bounded(tail) for tail in tails) or rb"(?!)")


def _tail(each: Range) -> bytes:
    """The last bytes, little-endian, that all addresses of a range have."""
    first, last = each.start.to_bytes(_WORD, "big"), (each.end - 1).to_bytes(_WORD, "big")
    same = next((n for n in range(_WORD) if first[n] != last[n]), _WORD)
    return first[:same][::-1]


def _bounded(tail: bytes) -> bytes:
    if tail.strip(b"\xff"):
        return re.escape(tail)
    return rb"(?<!\xff)" + re.escape(tail) + rb"(?!\xff)"


#: Of a kernel of which nothing is known but that it is of an architecture guests can have.
UNKNOWN_KERNEL = AddressMap(tuple(Range(*each) for arch in ARCHES for each in arch.memory))
