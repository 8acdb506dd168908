"""Descriptors of the classes: what an interface of that class makes of a type."""

from __future__ import annotations

from usbfuzz.descriptors.constants import DescriptorType
from usbfuzz.kinds import KINDS, resolve

from .position import ClassWords, Position, Show
from .sheet import Sheet

__all__ = ["class_descriptor"]

_CS_DEVICE = 0x21
_WORDS: tuple[ClassWords, ...] = tuple(resolve(f"{kind.lsusb}:WORDS") for kind in KINDS.values() if kind.lsusb)
_OF_INTERFACE = {key: show for words in _WORDS for key, show in words.interface.items()}
_OF_ENDPOINT = {key: show for words in _WORDS for key, show in words.endpoint.items()}


def class_descriptor(sheet: Sheet, raw: bytes, place: Position) -> bool:
    """Show a descriptor that is not a standard one; False when it is unknown or cut short."""
    if not place.interface:
        return False
    if raw[1] in (DescriptorType.CS_ENDPOINT, DescriptorType.CS_INTERFACE) and len(raw) < 3:
        return False
    if place.endpoint:
        return _shown(_OF_ENDPOINT, sheet, raw, place) or _any_of_endpoint(sheet, raw)
    return len(raw) > 2 and _shown(_OF_INTERFACE, sheet, raw, place)


def _shown(table: dict[tuple[int, int | None], Show], sheet: Sheet, raw: bytes, place: Position) -> bool:
    code, subclass = place.interface[5:7]
    show = table.get((code, subclass)) or table.get((code, None))
    return show is not None and show(sheet, raw, place)


def _any_of_endpoint(sheet: Sheet, raw: bytes) -> bool:
    """What lsusb shows behind an endpoint, whatever the class."""
    if raw[1] == _CS_DEVICE:
        sheet.line(8, f"DEVICE CLASS:  {raw.hex(' ')}")
    elif raw[1] == DescriptorType.CS_INTERFACE:
        sheet.line(8, f"INTERFACE CLASS:  {raw.hex(' ')}")
    else:
        return False
    return True
