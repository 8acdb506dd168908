"""HID report descriptors as items, each with its meaning in words. Device Class Definition for HID 1.11 §6.2.2."""

from __future__ import annotations

from attrs import frozen

from .hid_usages import usage_name, usage_page_name

__all__ = ["ReportItem", "report_items"]

_MAIN, _GLOBAL, _LOCAL, _RESERVED = range(4)
_LONG_ITEM = 0xFE

_MAIN_TAGS = {0x8: "Input", 0x9: "Output", 0xB: "Feature", 0xA: "Collection", 0xC: "End Collection"}
_GLOBAL_TAGS = (
    "Usage Page",
    "Logical Minimum",
    "Logical Maximum",
    "Physical Minimum",
    "Physical Maximum",
    "Unit Exponent",
    "Unit",
    "Report Size",
    "Report ID",
    "Report Count",
    "Push",
    "Pop",
)
_LOCAL_TAGS = {
    0x0: "Usage",
    0x1: "Usage Minimum",
    0x2: "Usage Maximum",
    0x3: "Designator Index",
    0x4: "Designator Minimum",
    0x5: "Designator Maximum",
    0x7: "String Index",
    0x8: "String Minimum",
    0x9: "String Maximum",
    0xA: "Delimiter",
}
_COLLECTIONS = ("Physical", "Application", "Logical", "Report", "Named Array", "Usage Switch", "Usage Modifier")
_SIGNED = (1, 2, 3, 4, 5)  #: tags of the global items whose value has a sign
_HEX = (6,)  #: Unit
#: Bits of Input, Output and Feature: the word for 0, the word for 1. HID 1.11 §6.2.2.5.
_FLAGS = (
    ("Data", "Constant"),
    ("Array", "Variable"),
    ("Absolute", "Relative"),
    ("", "Wrap"),
    ("", "Nonlinear"),
    ("", "No Preferred"),
    ("", "Null State"),
    ("", "Volatile"),
    ("", "Buffered Bytes"),
)


@frozen
class ReportItem:
    """One item: its exact bytes, and what they say.

    ``data`` is shorter than the item's size bits say when the descriptor ends inside it (``truncated``).
    """

    raw: bytes
    text: str
    depth: int  #: collections around it, for indentation

    @property
    def type(self) -> int:
        """bType: 0 main, 1 global, 2 local, 3 reserved (and long items)."""
        return self.raw[0] >> 2 & 3

    @property
    def tag(self) -> int:
        """bTag, or bLongItemTag of a long item (0 when that is cut off)."""
        if self.raw[0] == _LONG_ITEM:
            return self.raw[2] if len(self.raw) > 2 else 0
        return self.raw[0] >> 4

    @property
    def data(self) -> bytes:
        """The bytes after the item's prefix."""
        return self.raw[3:] if self.raw[0] == _LONG_ITEM else self.raw[1:]

    @property
    def truncated(self) -> bool:
        """The descriptor ends inside this item."""
        return len(self.raw) < _length(self.raw)


def report_items(raw: bytes) -> tuple[ReportItem, ...]:
    """The items of a HID report descriptor; the bytes of the items, joined, are always ``raw``."""
    items: list[ReportItem] = []
    page, saved_pages, depth, offset = 0, [], 0, 0
    while offset < len(raw):
        item = raw[offset : offset + _length(raw[offset:])]
        offset += len(item)
        kind, tag = item[0] >> 2 & 3, item[0] >> 4
        value = int.from_bytes(item[1:], "little")
        if (kind, tag) == (_MAIN, 0xC):
            depth = max(depth - 1, 0)
        items.append(ReportItem(item, _text(item, page), depth))
        if item[0] == _LONG_ITEM:
            continue
        if (kind, tag) == (_MAIN, 0xA):
            depth += 1
        elif (kind, tag) == (_GLOBAL, 0x0):
            page = value
        elif (kind, tag) == (_GLOBAL, 0xA):
            saved_pages.append(page)
        elif (kind, tag) == (_GLOBAL, 0xB) and saved_pages:
            page = saved_pages.pop()
    return tuple(items)


def _length(raw: bytes) -> int:
    """Bytes the item at the start of ``raw`` should have: size bits 0, 1, 2, 3 stand for 0, 1, 2, 4 bytes of data."""
    if raw[0] == _LONG_ITEM:
        return 3 + (raw[1] if len(raw) > 1 else 0)
    return 1 + (0, 1, 2, 4)[raw[0] & 3]


def _text(item: bytes, page: int) -> str:
    if len(item) < _length(item):
        return f"truncated item {item.hex()}"
    if item[0] == _LONG_ITEM:
        return f"Long item, tag 0x{item[2]:02x}, {item[1]} bytes"
    kind, tag = item[0] >> 2 & 3, item[0] >> 4
    value = int.from_bytes(item[1:], "little")
    if kind == _MAIN and tag in _MAIN_TAGS:
        return _main(tag, value)
    if kind == _GLOBAL and tag < len(_GLOBAL_TAGS):
        return _global(tag, item[1:])
    if kind == _LOCAL and tag in _LOCAL_TAGS:
        return _local(tag, value, len(item) - 1, page)
    return f"Reserved item, type {kind}, tag 0x{tag:x}, value 0x{value:x}"


def _main(tag: int, value: int) -> str:
    name = _MAIN_TAGS[tag]
    if name == "End Collection":
        return name
    if name == "Collection":
        vendor = f"Vendor 0x{value:02x}" if value >= 0x80 else f"Reserved 0x{value:02x}"
        return f"Collection ({_COLLECTIONS[value] if value < len(_COLLECTIONS) else vendor})"
    words = [pair[value >> bit & 1] for bit, pair in enumerate(_FLAGS)]
    return f"{name} ({', '.join(word for word in words if word)})"


def _global(tag: int, data: bytes) -> str:
    name = _GLOBAL_TAGS[tag]
    if name in ("Push", "Pop"):
        return name
    value = int.from_bytes(data, "little", signed=tag in _SIGNED)
    if name == "Usage Page":
        return f"Usage Page ({usage_page_name(value)})"
    return f"{name} (0x{value:x})" if tag in _HEX else f"{name} ({value})"


def _local(tag: int, value: int, size: int, page: int) -> str:
    name = _LOCAL_TAGS[tag]
    if not name.startswith("Usage"):
        return f"{name} ({value})"
    if size == 4:  # an extended usage carries its page in the upper half
        page, value = value >> 16, value & 0xFFFF
    return f"{name} ({usage_name(page, value)})"
