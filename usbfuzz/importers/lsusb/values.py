"""From what lsusb prints behind a field's name to the field's number or bytes."""

from __future__ import annotations

import re
from uuid import UUID

__all__ = ["hex_width", "is_value", "number", "octets", "text_of"]

_HEX = re.compile(r"^0x ?([0-9a-fA-F]+)\b")
_BCD = re.compile(r"^([0-9a-fA-F]{1,2})\.([0-9a-fA-F]{2})\b")
_MHZ = re.compile(r"^(\d+)\.(\d{6})MHz")
_TENTHS = re.compile(r"^0\.(\d+)\b")
_BARE = re.compile(r"^([0-9a-fA-F]+)\b")
_DECIMAL = re.compile(r"^(\d+)")
_LCD = re.compile(r"^(\d+) cols (\d+) lines")
_GUID = re.compile(r"^\{?([0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12})\}?")
_OCTETS = re.compile(r"^(?:(?:0x)?[0-9a-fA-F]{2}(?=\s|$)\s*)+")
_WORDS = {"echo": 0xFF, "none": 0}

#: fields printed as hex digits without 0x
_BARE_HEX = frozenset(
    ("dwSyncProtocols", "dwMechanical", "dwFeatures", "bClassGetResponse", "bClassEnvelope", "bGuidDescriptorType")
)
#: fields whose bytes are printed in wire order
_BIG_ENDIAN = frozenset(("wCountryCode",))
_MAX_WIDTH = 16


def number(name: str, value: str) -> int | None:
    """The number ``value`` starts with; None when there is none, or one of absurd size."""
    value = value.strip()
    if match := _HEX.match(value):
        raw = bytes.fromhex(match[1].rjust(len(match[1]) + len(match[1]) % 2, "0"))[:_MAX_WIDTH]
        return int.from_bytes(raw, "little" if name in _BIG_ENDIAN else "big")
    if name in _BARE_HEX and (match := _BARE.match(value)):
        return int(match[1][: 2 * _MAX_WIDTH], 16)
    if name.startswith("bcd") and (match := _BCD.match(value)):
        return int(match[1], 16) << 8 | int(match[2], 16)
    if match := _MHZ.match(value):
        return int(match[1][:9]) * 1_000_000 + int(match[2])
    if match := _LCD.match(value):
        return int(match[1][:3]) | int(match[2][:3]) << 8
    if match := _TENTHS.match(value):
        return int(match[1][:9])
    if match := _DECIMAL.match(value):
        return int(match[1][:20])
    return _WORDS.get(value.split(" ")[0])


def octets(value: str) -> bytes | None:
    """A GUID, as it goes over the wire, or a row of hex bytes; None when it is neither."""
    value = value.strip()
    if match := _GUID.match(value):
        return UUID(match[1]).bytes_le
    if match := _OCTETS.match(value):
        return bytes(int(word, 16) for word in match[0].split())
    return None


def is_value(name: str, value: str) -> bool:
    """Whether lsusb prints such a thing behind a field's name; in sentences about a field a word follows."""
    return number(name, value) is not None or octets(value) is not None


def hex_width(value: str) -> int | None:
    """Bytes a ``0x…`` number was printed for, by its digits; None when it is not printed so."""
    match = _HEX.match(value.strip())
    return (len(match[1]) + 1) // 2 if match else None


def text_of(value: str) -> str:
    """The string printed behind an index: ``1 Logitech`` gives ``Logitech``."""
    match = _DECIMAL.match(value.lstrip())
    return value.lstrip()[match.end() + 1 :] if match else ""
