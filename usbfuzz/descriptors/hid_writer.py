"""HID report descriptors, written item by item. Device Class Definition for HID 1.11 §6.2.2."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from attrs import Factory, define

__all__ = [
    "COLLECTION",
    "END_COLLECTION",
    "FEATURE",
    "INPUT",
    "LOGICAL_MAXIMUM",
    "LOGICAL_MINIMUM",
    "OUTPUT",
    "PHYSICAL_MAXIMUM",
    "PHYSICAL_MINIMUM",
    "POP",
    "PUSH",
    "REPORT_COUNT",
    "REPORT_ID",
    "REPORT_SIZE",
    "UNIT",
    "UNIT_EXPONENT",
    "USAGE",
    "USAGE_MAXIMUM",
    "USAGE_MINIMUM",
    "USAGE_PAGE",
    "HidReport",
    "item",
]

USAGE_PAGE, USAGE, USAGE_MINIMUM, USAGE_MAXIMUM = 0x04, 0x08, 0x18, 0x28
LOGICAL_MINIMUM, LOGICAL_MAXIMUM, PHYSICAL_MINIMUM, PHYSICAL_MAXIMUM = 0x14, 0x24, 0x34, 0x44
UNIT_EXPONENT, UNIT, REPORT_SIZE, REPORT_ID, REPORT_COUNT, PUSH, POP = 0x54, 0x64, 0x74, 0x84, 0x94, 0xA4, 0xB4
INPUT, OUTPUT, FEATURE, COLLECTION, END_COLLECTION = 0x80, 0x90, 0xB0, 0xA0, 0xC0
_MAIN = {INPUT: "input", OUTPUT: "output", FEATURE: "feature"}


def item(tag: int, value: int | None = None) -> bytes:
    """One short item with the fewest data bytes that hold ``value`` (signed or unsigned, at most 32 bits)."""
    if value is None:
        return bytes((tag,))
    for code, size in ((1, 1), (2, 2), (3, 4)):
        if -(1 << (8 * size - 1)) <= value < 1 << (8 * size):
            return bytes((tag | code,)) + (value & ((1 << 8 * size) - 1)).to_bytes(size, "little")
    raise ValueError(f"{value} does not fit a 4-byte HID item")


@define
class HidReport:
    """A HID report descriptor being written; ``bits`` says how large each of its HID reports is."""

    raw: bytearray = Factory(bytearray)
    bits: dict[tuple[str, int], int] = Factory(dict)  #: (input|output|feature, report id) → bits, id included
    _size: int = 0
    _count: int = 0
    _id: int = 0

    def put(self, tag: int, value: int | None = None) -> HidReport:
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

    def page(self, usage_page: int) -> HidReport:
        """Usage page of the usages that follow."""
        return self.put(USAGE_PAGE, usage_page)

    @contextmanager
    def collection(self, usage: int, kind: int = 1) -> Iterator[HidReport]:
        """A collection of ``usage``: 0 physical, 1 application, 2 logical."""
        self.put(USAGE, usage).put(COLLECTION, kind)
        yield self
        self.put(END_COLLECTION)

    def report_id(self, number: int) -> HidReport:
        """HID report id of the fields that follow; 0 for none."""
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
    ) -> HidReport:
        """A field of ``count`` values (by default one a usage) of ``size`` bits; flags 2 = data, variable, absolute."""
        for usage in usages:
            self.put(USAGE, usage)
        if high is None:
            high = (1 << min(size, 31)) - 1
        self.put(LOGICAL_MINIMUM, low).put(LOGICAL_MAXIMUM, high)
        return self.put(REPORT_SIZE, size).put(REPORT_COUNT, len(usages) if count is None else count).put(main, flags)

    def span(self, main: int, low: int, high: int, size: int, count: int, flags: int = 2) -> HidReport:
        """A field whose usages are the range ``low``..``high``; flags 0 makes it an array of selectors."""
        self.put(USAGE_MINIMUM, low).put(USAGE_MAXIMUM, high)
        top = 1 if size == 1 else high
        self.put(LOGICAL_MINIMUM, 0).put(LOGICAL_MAXIMUM, top)
        return self.put(REPORT_SIZE, size).put(REPORT_COUNT, count).put(main, flags)

    def pad(self, main: int, bits: int) -> HidReport:
        """Constant bits."""
        return self.put(REPORT_SIZE, bits).put(REPORT_COUNT, 1).put(main, 1) if bits else self
