"""Firmware upgrade: the functional descriptor. DFU 1.1 §4.1.3."""

from __future__ import annotations

from usbfuzz.descriptors import typed
from usbfuzz.descriptors.constants import ClassCode
from usbfuzz.descriptors.dfu import DfuFunctionalDescriptor10

from .position import ClassWords, Position
from .sheet import Sheet, bcd, u16

__all__ = ["WORDS"]


def _functional(sheet: Sheet, raw: bytes, place: Position) -> bool:
    """The functional descriptor; False for another one, or when it is cut short."""
    if not isinstance(typed(raw, place.context), DfuFunctionalDescriptor10):
        return False
    attributes = raw[2]

    def row(name: str, value: object, unit: str = "") -> None:
        sheet.line(8, f"{name:<32}{value:>5}{unit}")

    sheet.line(6, "Device Firmware Upgrade Interface Descriptor:")
    row("bLength", raw[0])
    row("bDescriptorType", raw[1])
    row("bmAttributes", attributes)
    if attributes & 0xF0:
        sheet.line(10, "(unknown attributes!)")
    sheet.line(10, f"Will {'' if attributes & 8 else 'Not '}Detach")
    sheet.line(10, f"Manifestation {'Tolerant' if attributes & 4 else 'Intolerant'}")
    sheet.line(10, f"Upload {'Supported' if attributes & 2 else 'Unsupported'}")
    sheet.line(10, f"Download {'Supported' if attributes & 1 else 'Unsupported'}")
    row("wDetachTimeout", u16(raw, 3), " milliseconds")
    row("wTransferSize", u16(raw, 5), " bytes")
    if len(raw) >= 9:
        sheet.line(8, f"{'bcdDFUVersion':<32}{bcd(raw, 7).strip()}")
    return True


WORDS = ClassWords(interface={(ClassCode.APPLICATION_SPECIFIC, 1): _functional})
