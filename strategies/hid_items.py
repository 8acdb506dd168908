"""HID report descriptors as items: written, cut apart, and broken. HID 1.11 §6.2.2."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from attrs import Factory, define

from strategies.dice import Dice, Weighted
from strategies.havoc import havoc

__all__ = ["Report", "item", "malform_report", "split_items"]

USAGE_PAGE, USAGE, USAGE_MINIMUM, USAGE_MAXIMUM = 0x04, 0x08, 0x18, 0x28
LOGICAL_MINIMUM, LOGICAL_MAXIMUM, PHYSICAL_MINIMUM, PHYSICAL_MAXIMUM = 0x14, 0x24, 0x34, 0x44
UNIT_EXPONENT, UNIT, REPORT_SIZE, REPORT_ID, REPORT_COUNT, PUSH, POP = 0x54, 0x64, 0x74, 0x84, 0x94, 0xA4, 0xB4
INPUT, OUTPUT, FEATURE, COLLECTION, END_COLLECTION = 0x80, 0x90, 0xB0, 0xA0, 0xC0
_MAIN = {INPUT: "input", OUTPUT: "output", FEATURE: "feature"}

_TAGS = (
    USAGE_PAGE,
    USAGE,
    USAGE_MINIMUM,
    USAGE_MAXIMUM,
    LOGICAL_MINIMUM,
    LOGICAL_MAXIMUM,
    PHYSICAL_MINIMUM,
    PHYSICAL_MAXIMUM,
    UNIT_EXPONENT,
    UNIT,
    REPORT_SIZE,
    REPORT_ID,
    REPORT_COUNT,
    PUSH,
    POP,
    INPUT,
    OUTPUT,
    FEATURE,
    COLLECTION,
    END_COLLECTION,
    0x38,
    0x48,
    0x58,
    0x78,
    0x88,
    0x98,
    0xA8,
    0xC4,
    0xF0,
)


def item(tag: int, value: int | None = None) -> bytes:
    """One short item with the fewest data bytes that hold ``value`` (signed or unsigned, at most 32 bits)."""
    if value is None:
        return bytes((tag,))
    for code, size in ((1, 1), (2, 2), (3, 4)):
        if -(1 << (8 * size - 1)) <= value < 1 << (8 * size):
            return bytes((tag | code,)) + (value & ((1 << 8 * size) - 1)).to_bytes(size, "little")
    raise ValueError(f"{value} does not fit a 4-byte HID item")


@define
class Report:
    """A report descriptor being written; it keeps count of the bits of each report so that reports can be sent."""

    raw: bytearray = Factory(bytearray)
    bits: dict[tuple[str, int], int] = Factory(dict)  #: (input|output|feature, report id) → bits, id included
    _size: int = 0
    _count: int = 0
    _id: int = 0

    def put(self, tag: int, value: int | None = None) -> Report:
        """Append an item."""
        self.raw += item(tag, value)
        if tag == REPORT_SIZE:
            self._size = value or 0
        elif tag == REPORT_COUNT:
            self._count = value or 0
        elif tag == REPORT_ID:
            self._id = value or 0
        elif kind := _MAIN.get(tag):
            key = (kind, self._id)
            self.bits[key] = self.bits.get(key, 8 if self._id else 0) + self._size * self._count
        return self

    def page(self, usage_page: int) -> Report:
        """Usage page of the usages that follow."""
        return self.put(USAGE_PAGE, usage_page)

    @contextmanager
    def collection(self, usage: int, kind: int = 1) -> Iterator[Report]:
        """A collection of ``usage``: 0 physical, 1 application, 2 logical."""
        self.put(USAGE, usage).put(COLLECTION, kind)
        yield self
        self.put(END_COLLECTION)

    def report_id(self, number: int) -> Report:
        """Report id of the fields that follow; 0 for none."""
        return self.put(REPORT_ID, number) if number else self

    def field(
        self,
        main: int,
        usages: tuple[int, ...],
        size: int,
        count: int | None = None,
        low: int = 0,
        high: int | None = None,
        flags: int = 2,
    ) -> Report:
        """A field of ``count`` values (by default one a usage) of ``size`` bits; flags 2 = data, variable, absolute."""
        for usage in usages:
            self.put(USAGE, usage)
        if high is None:
            high = (1 << min(size, 31)) - 1
        self.put(LOGICAL_MINIMUM, low).put(LOGICAL_MAXIMUM, high)
        return self.put(REPORT_SIZE, size).put(REPORT_COUNT, len(usages) if count is None else count).put(main, flags)

    def span(self, main: int, low: int, high: int, size: int, count: int, flags: int = 2) -> Report:
        """A field whose usages are the range ``low``..``high``; flags 0 makes it an array of selectors."""
        self.put(USAGE_MINIMUM, low).put(USAGE_MAXIMUM, high)
        top = 1 if size == 1 else high
        self.put(LOGICAL_MINIMUM, 0).put(LOGICAL_MAXIMUM, top)
        return self.put(REPORT_SIZE, size).put(REPORT_COUNT, count).put(main, flags)

    def pad(self, main: int, bits: int) -> Report:
        """Constant bits."""
        return self.put(REPORT_SIZE, bits).put(REPORT_COUNT, 1).put(main, 1) if bits else self


def split_items(raw: bytes) -> list[bytes]:
    """The items of a report descriptor; lossless for any bytes, the last one may be short."""
    items = []
    at = 0
    while at < len(raw):
        prefix = raw[at]
        size = 2 + raw[at + 1] + 1 if prefix == 0xFE and at + 1 < len(raw) else 1 + (0, 1, 2, 4)[prefix & 3]
        items.append(raw[at : at + size])
        at += size
    return items


_EXTREMES = (
    0,
    1,
    7,
    8,
    9,
    31,
    32,
    33,
    64,
    127,
    128,
    255,
    256,
    257,
    1023,
    4095,
    12288,
    32767,
    65535,
    0x10000,
    0x7FFFFFFF,
    0xFFFFFFFF,
    -1,
    -128,
    -2147483648,
)


def _value(dice: Dice, items: list[bytes]) -> str:
    at = dice.below(len(items))
    items[at] = item(items[at][0] & 0xFC, dice.pick(_EXTREMES))
    return "report item value"


def _shape(dice: Dice, items: list[bytes]) -> str:
    """Report sizes, counts and ids are what buffers are computed from."""
    shaped = [
        at for at, one in enumerate(items) if one[0] & 0xFC in (REPORT_SIZE, REPORT_COUNT, REPORT_ID, USAGE_MAXIMUM)
    ]
    if not shaped:
        return _value(dice, items)
    at = dice.pick(shaped)
    items[at] = item(items[at][0] & 0xFC, dice.pick(_EXTREMES))
    return "report shape"


def _drop(dice: Dice, items: list[bytes]) -> str:
    at = dice.below(len(items))
    del items[at : at + dice.pick((1, 1, 1, 2, 4, 8))]
    return "report items missing"


def _twice(dice: Dice, items: list[bytes]) -> str:
    at = dice.below(len(items))
    run = items[at : at + dice.pick((1, 1, 2, 4, 8))]
    items[at:at] = run * dice.pick((1, 1, 2, 16))
    return "report items repeated"


def _exchange(dice: Dice, items: list[bytes]) -> str:
    one, other = dice.below(len(items)), dice.below(len(items))
    items[one], items[other] = items[other], items[one]
    return "report items exchanged"


def _foreign(dice: Dice, items: list[bytes]) -> str:
    items.insert(dice.below(len(items) + 1), item(dice.pick(_TAGS), dice.pick(_EXTREMES)))
    return "report item inserted"


def _kind(dice: Dice, items: list[bytes]) -> str:
    """An input becomes an output or a feature, or its flags change: variable to array, absolute to relative."""
    mains = [at for at, one in enumerate(items) if one[0] & 0xFC in _MAIN]
    if not mains:
        return _foreign(dice, items)
    at = dice.pick(mains)
    items[at] = item(dice.pick((INPUT, OUTPUT, FEATURE)), dice.pick((0, 1, 2, 3, 6, 0x100, 0x102)))
    return "report field kind"


def _cut(dice: Dice, items: list[bytes]) -> str:
    del items[dice.below(len(items)) :]
    return "report truncated"


def _noise(dice: Dice, items: list[bytes]) -> str:
    items[:] = [havoc(dice, b"".join(items), dice.between(1, 6))]
    return "report bytes"


_BREAKS = Weighted({_shape: 8, _value: 6, _drop: 6, _twice: 3, _exchange: 3, _foreign: 4, _kind: 4, _cut: 1, _noise: 1})


def malform_report(dice: Dice, raw: bytes) -> tuple[bytes, str]:
    """One malformation of a report descriptor, and its name. At most 4095 bytes: QEMU stalls longer requests."""
    items = split_items(raw)
    if not items:
        return raw, ""
    note = dice.weighted(_BREAKS)(dice, items)
    return b"".join(items)[:4095], note
