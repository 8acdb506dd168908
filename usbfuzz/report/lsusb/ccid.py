"""Smart card readers: the class descriptor. CCID 1.10 §5.1."""

from __future__ import annotations

from collections.abc import Iterator

from usbfuzz.descriptors import typed
from usbfuzz.descriptors.ccid import CcidDescriptor
from usbfuzz.descriptors.constants import ClassCode

from .position import ClassWords, Position
from .sheet import Sheet

__all__ = ["WORDS"]

_VERSION = 0x0100  #: the only one lsusb knows
_VOLTAGES = ("5.0V ", "3.0V ", "1.8V ")
_PROTOCOLS = ("T=0", "T=1")
_SYNCH_PROTOCOLS = ("2-wire", "3-wire", "I2C")
_MECHANICS = ("accept", "eject", "capture", "lock")
_PIN = ("verification", "modification")
_ECHO = 0xFF
#: Bits of dwFeatures: of those in a row lsusb says the first that is set.
_FEATURES: tuple[tuple[tuple[int, str], ...], ...] = (
    ((0x02, "Auto configuration based on ATR"),),
    ((0x04, "Auto activation on insert"),),
    ((0x08, "Auto voltage selection"),),
    ((0x10, "Auto clock change"),),
    ((0x20, "Auto baud rate change"),),
    ((0x40, "Auto parameter negotiation made by CCID"), (0x80, "Auto PPS made by CCID")),
    ((0x0100, "CCID can set ICC in clock stop mode"),),
    ((0x0200, "NAD value other than 0x00 accepted"),),
    ((0x0400, "Auto IFSD exchange"),),
    (
        *((0x010000, "TPDU level exchange"), (0x020000, "Short APDU level exchange")),
        (0x040000, "Short and extended APDU level exchange"),
    ),
)


def _ccid(sheet: Sheet, raw: bytes, place: Position) -> bool:
    """The reader's only descriptor; False for another descriptor, or when it is cut short."""
    descriptor = typed(raw, place.context)
    if not isinstance(descriptor, CcidDescriptor):
        return False
    sheet.line(6, "ChipCard Interface Descriptor:")
    for line in (*_reader(descriptor), *_rates(descriptor), *_features(descriptor), *_messages(descriptor)):
        sheet.line(8, line)
    if descriptor.trailing:
        sheet.line(8, f"{'junk':<18}{descriptor.trailing.hex(' ')}")
    return True


def _row(name: str, value: int, words: str = "") -> str:
    return f"{name:<20}{value:5}{words}"


def _names(value: int, names: tuple[str, ...]) -> str:
    """Those of the bits that are set, each behind a blank."""
    return "".join(f" {name}" for bit, name in enumerate(names) if value >> bit & 1)


def _reader(descriptor: CcidDescriptor) -> Iterator[str]:
    version, protocols = descriptor.bcdCCID, descriptor.dwProtocols
    warning = "" if version == _VERSION else "  (Warning: Only accurate for version 1.0)"
    voltages = "".join(name for bit, name in enumerate(_VOLTAGES) if descriptor.bVoltageSupport >> bit & 1)
    invalid = " (Invalid values detected)" if protocols >> len(_PROTOCOLS) else ""
    yield _row("bLength", descriptor.bLength)
    yield _row("bDescriptorType", descriptor.bDescriptorType)
    yield f"{'bcdCCID':<20}{version >> 8:2x}.{version & 0xFF:02x}{warning}"
    yield _row("nMaxSlotIndex", descriptor.bMaxSlotIndex)
    yield _row("bVoltageSupport", descriptor.bVoltageSupport, f"  {voltages}")
    yield _row("dwProtocols", protocols, f" {_names(protocols, _PROTOCOLS)}{invalid}")


def _rates(descriptor: CcidDescriptor) -> Iterator[str]:
    yield _row("dwDefaultClock", descriptor.dwDefaultClock)
    yield _row("dwMaxiumumClock", descriptor.dwMaximumClock)
    yield _row("bNumClockSupported", descriptor.bNumClockSupported)
    yield f"{'dwDataRate':<18}{descriptor.dwDataRate:7} bps"
    yield f"{'dwMaxDataRate':<18}{descriptor.dwMaxDataRate:7} bps"
    yield _row("bNumDataRatesSupp.", descriptor.bNumDataRatesSupported)
    yield _row("dwMaxIFSD", descriptor.dwMaxIFSD)


def _features(descriptor: CcidDescriptor) -> Iterator[str]:
    yield f"dwSyncProtocols  {descriptor.dwSynchProtocols:08X} {_names(descriptor.dwSynchProtocols, _SYNCH_PROTOCOLS)}"
    yield f"dwMechanical     {descriptor.dwMechanical:08X} {_names(descriptor.dwMechanical, _MECHANICS)}"
    yield f"dwFeatures       {descriptor.dwFeatures:08X}"
    for choices in _FEATURES:
        yield from [f"  {words}" for bit, words in choices if descriptor.dwFeatures & bit][:1]


def _messages(descriptor: CcidDescriptor) -> Iterator[str]:
    lines, columns = descriptor.wLcdLayout >> 8, descriptor.wLcdLayout & 0xFF
    get_response = f"  {descriptor.bClassGetResponse:02X}"  # which lsusb shows as bClassEnvelope too
    yield _row("dwMaxCCIDMsgLen", descriptor.dwMaxCCIDMessageLength)
    yield f"{'bClassGetResponse':<21}{'echo' if descriptor.bClassGetResponse == _ECHO else get_response}"
    yield f"{'bClassEnvelope':<21}{'echo' if descriptor.bClassEnvelope == _ECHO else get_response}"
    yield f"{'wlcdLayout':<21}{f'{columns} cols {lines} lines' if descriptor.wLcdLayout else 'none'}"
    yield _row("bPINSupport", descriptor.bPINSupport, f" {_names(descriptor.bPINSupport, _PIN)}")
    yield _row("bMaxCCIDBusySlots", descriptor.bMaxCCIDBusySlots)


WORDS = ClassWords(
    interface={(ClassCode.SMART_CARD, None): _ccid},
    endpoint={(ClassCode.SMART_CARD, None): _ccid},
)
