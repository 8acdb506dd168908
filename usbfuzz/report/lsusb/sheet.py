"""The lines of a listing, and the columns in which fields are printed."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from attrs import define, field

from usbfuzz.descriptors import string_text
from usbfuzz.reading import printable

from .names import Names

__all__ = ["Sheet", "bcd", "guid", "u16", "u32"]

_VALUE_END = 25  #: column, behind the indent


@define
class Sheet:
    """The lines printed so far, and what printing needs: the names of usb.ids and the device's strings."""

    names: Names
    strings: dict[int, bytes] = field(factory=dict)
    lines: list[str] = field(factory=list)

    def line(self, indent: int, text: str) -> None:
        """A line of text."""
        self.lines.append(" " * indent + text)

    def row(self, indent: int, name: str, value: int | str, words: str | None = None, *, end: int = _VALUE_END) -> None:
        """A field: the value ends in that column, the words that explain it follow."""
        shown = str(value)
        tail = "" if words is None else f" {words}"
        columns = max(end - max(len(shown), 5), 0)
        self.lines.append(f"{' ' * indent}{name:<{columns}}{shown:>5}{tail}")

    def rows(self, indent: int, names: Iterable[str], raw: bytes) -> None:
        """One-byte fields in a row."""
        for name, value in zip(names, raw, strict=False):
            self.row(indent, name, value)

    def codes(self, indent: int, prefix: str, raw: bytes) -> None:
        """Class, subclass and protocol with their names."""
        for nth, what in enumerate(("Class", "SubClass", "Protocol")):
            self.row(indent, f"{prefix}{what}", raw[nth], self.names.code(*raw[: nth + 1]))

    def flags(self, indent: int, value: int, words: Iterable[tuple[int, str]]) -> None:
        """A line for each bit that is set."""
        for bit, text in words:
            if value & bit:
                self.line(indent, text)

    def text(self, index: int) -> str:
        """The string with that index, as a terminal may have it; "" for none."""
        if not index:
            return ""
        raw = self.strings.get(index)
        text = None if raw is None else string_text(raw)
        if text is None:
            return "(error)"
        return printable(text)

    def unrecognized(self, indent: int, raw: bytes) -> None:
        """A descriptor that is unknown or cut short, as bytes."""
        self.line(indent, f"** UNRECOGNIZED:  {raw.hex(' ')}")

    def junk(self, indent: int, raw: bytes, used: int) -> None:
        """Bytes of a descriptor behind its last field."""
        if len(raw) > used:
            self.line(indent, f"junk at descriptor end: {raw[used:].hex(' ')}")


def u16(raw: bytes, at: int) -> int:
    """Two bytes, little-endian."""
    return int.from_bytes(raw[at : at + 2], "little")


def u32(raw: bytes, at: int) -> int:
    """Four bytes, little-endian."""
    return int.from_bytes(raw[at : at + 4], "little")


def bcd(raw: bytes, at: int) -> str:
    """A version: `` 2.00``."""
    return f"{raw[at + 1]:2x}.{raw[at]:02x}"


def guid(raw: bytes) -> str:
    """Sixteen bytes, the first three groups little-endian."""
    return f"{{{UUID(bytes_le=raw)}}}"
