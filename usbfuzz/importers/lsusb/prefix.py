"""What stands before each line of a dump: numbers (``cat -n``), the signs of a diff, times, a log's host and program.

The fields that every descriptor has are looked for. What precedes them has the same shape everywhere, digits aside; it
is cut off. Where there are several shapes, or both sides of a diff, nobody but the user knows which text is wanted.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from usbfuzz.errors import InputError

__all__ = ["without_prefix"]

#: a field and its number; with = between them it is source code
_ANCHOR = re.compile(
    r"(?<!\w)(?:bLength|bDescriptorType|bDescriptorSubtype|bInterface\w+|bEndpointAddress|bmAttributes|bInterval"
    r"|bcdUSB|idVendor|bNum\w+)[^\w=]+(?:0x)?\d"
)
_PIECES = re.compile(r"\d+|\s+|[^\d\s]+")
_LONGEST = 120  #: characters before a field
_FEWEST = 8  #: fields of the anchor that any whole device shows; less is source code or prose
_MOST = 0.9  #: share of the lines with something before them
_SIGNS = frozenset(("\\+", "\\-"))
_LONE_SIGNS = 3  #: lines of one side of a diff that make it one


def without_prefix(lines: Sequence[str]) -> list[str]:
    """The lines without what stands before each. Raises InputError, without a file's name, where that is unclear."""
    shapes = Counter(_shape(line[: match.start()]) for line in lines if (match := _ANCHOR.search(line[: 2 * _LONGEST])))
    bare = shapes.pop("", 0)
    there = sum(shapes.values())
    signs = [shape for shape in _SIGNS if shapes[shape] >= _LONE_SIGNS]
    if len(signs) > 1:
        raise InputError("the text is a diff of two dumps; give one of them")
    if signs and signs[0] == shapes.most_common(1)[0][0]:
        return _cut(lines, signs[0])
    if there <= bare or there < _FEWEST:
        return list(lines)
    shape, count = shapes.most_common(1)[0]
    if count < _MOST * there:
        raise InputError("every line has something before it (cat -n, diff, a time); take it off")
    return _cut(lines, shape)


def _cut(lines: Sequence[str], shape: str) -> list[str]:
    prefix = re.compile(rf"\s*{shape}\s?")
    return [prefix.sub("", line, count=1) if prefix.match(line) else line for line in lines]


def _shape(before: str) -> str:
    """A pattern for what stands before a field: digits may be others, blanks more or fewer; empty for blanks only."""
    seen = "".join(letter for letter in before if letter.isprintable())
    pieces = _PIECES.findall(seen.strip()[:_LONGEST])
    return "".join(
        r"\d+" if piece[0].isdecimal() else r"\s*" if piece.isspace() else re.escape(piece) for piece in pieces
    )
