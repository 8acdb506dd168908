"""What the kernel's hid_open_report() asks of a report descriptor, in few lines. drivers/hid/hid-core.c."""

from __future__ import annotations

from attrs import Factory, define, frozen

from strategies.hid.items import split_items

__all__ = ["Field", "fields"]

_MAX_USAGES = 12288
_MAX_BITS = (16384 - 1) * 8
_MAINS = (0x80, 0x90, 0xB0)
_COLLECTION, _END_COLLECTION = 0xA0, 0xC0


@frozen
class Field:
    """One main item: ``tag`` is 0x80 input, 0x90 output, 0xb0 feature; the outermost collection comes first."""

    tag: int
    report_id: int
    usages: tuple[int, ...]
    collections: tuple[int, ...]


@define
class _Parser:
    page: int = 0
    size: int = 0
    count: int = 0
    report_id: int = 0
    usages: list[int] = Factory(list)
    low: int | None = None
    collections: list[int] = Factory(list)
    found: list[Field] = Factory(list)
    bits: dict[tuple[int, int], int] = Factory(dict)

    def state(self, tag: int, value: int, usage: int) -> bool:
        """A global or local item; False when the kernel refuses it."""
        match tag:
            case 0x04:
                self.page = value
            case 0x08:
                self.usages.append(usage)
            case 0x18:
                self.low = usage
            case 0x28 if self.low is not None:
                self.usages += range(self.low, min(usage, self.low + _MAX_USAGES) + 1)
            case 0x74:
                self.size = value
            case 0x84:
                self.report_id = value
                return 0 < value < 256
            case 0x94:
                self.count = value
        return self.size <= 256 and self.count <= _MAX_USAGES and len(self.usages) <= _MAX_USAGES

    def main(self, tag: int) -> bool:
        """A main item; False when the kernel refuses it."""
        usages, self.usages, self.low = tuple(self.usages), [], None
        if tag == _COLLECTION:
            self.collections.append(usages[0] if usages else 0)
            return True
        if not self.collections:
            return False
        if tag == _END_COLLECTION:
            self.collections.pop()
            return True
        key = tag, self.report_id
        self.bits[key] = self.bits.get(key, 0) + self.size * self.count
        self.found.append(Field(tag, self.report_id, usages, tuple(self.collections)))
        return self.bits[key] <= _MAX_BITS


def fields(raw: bytes) -> list[Field] | None:
    """The fields of a report descriptor; None when the kernel would refuse it."""
    parser = _Parser()
    for item in split_items(raw):
        tag, length = item[0] & 0xFC, (0, 1, 2, 4)[item[0] & 3]
        if item[0] == 0xFE or len(item) != 1 + length:
            return None
        value = int.from_bytes(item[1:], "little")
        if tag in (*_MAINS, _COLLECTION, _END_COLLECTION):
            accepted = parser.main(tag)
        else:
            accepted = parser.state(tag, value, value if length == 4 else parser.page << 16 | value)
        if not accepted:
            return None
    return None if parser.collections else parser.found
