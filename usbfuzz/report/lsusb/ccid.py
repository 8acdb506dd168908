"""Smart card readers: the class descriptor. CCID 1.10 §5.1."""

from __future__ import annotations

from collections.abc import Iterator

from usbfuzz.descriptors.functional import CcidDescriptor

from .sheet import Sheet

__all__ = ["ccid"]

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


def ccid(sheet: Sheet, one: CcidDescriptor) -> None:
    """The reader's only descriptor."""
    sheet.line(6, "ChipCard Interface Descriptor:")
    for line in (*_reader(one), *_rates(one), *_features(one), *_messages(one)):
        sheet.line(8, line)
    if one.trailing:
        sheet.line(8, f"{'junk':<18}{one.trailing.hex(' ')}")


def _row(name: str, value: int, words: str = "") -> str:
    return f"{name:<20}{value:5}{words}"


def _names(value: int, names: tuple[str, ...]) -> str:
    """Those of the bits that are set, each behind a blank."""
    return "".join(f" {name}" for bit, name in enumerate(names) if value >> bit & 1)


def _reader(one: CcidDescriptor) -> Iterator[str]:
    version, protocols = one.bcdCCID, one.dwProtocols
    warning = "" if version == _VERSION else "  (Warning: Only accurate for version 1.0)"
    voltages = "".join(name for bit, name in enumerate(_VOLTAGES) if one.bVoltageSupport >> bit & 1)
    invalid = " (Invalid values detected)" if protocols >> len(_PROTOCOLS) else ""
    yield _row("bLength", one.bLength)
    yield _row("bDescriptorType", one.bDescriptorType)
    yield f"{'bcdCCID':<20}{version >> 8:2x}.{version & 0xFF:02x}{warning}"
    yield _row("nMaxSlotIndex", one.bMaxSlotIndex)
    yield _row("bVoltageSupport", one.bVoltageSupport, f"  {voltages}")
    yield _row("dwProtocols", protocols, f" {_names(protocols, _PROTOCOLS)}{invalid}")


def _rates(one: CcidDescriptor) -> Iterator[str]:
    yield _row("dwDefaultClock", one.dwDefaultClock)
    yield _row("dwMaxiumumClock", one.dwMaximumClock)
    yield _row("bNumClockSupported", one.bNumClockSupported)
    yield f"{'dwDataRate':<18}{one.dwDataRate:7} bps"
    yield f"{'dwMaxDataRate':<18}{one.dwMaxDataRate:7} bps"
    yield _row("bNumDataRatesSupp.", one.bNumDataRatesSupported)
    yield _row("dwMaxIFSD", one.dwMaxIFSD)


def _features(one: CcidDescriptor) -> Iterator[str]:
    yield f"dwSyncProtocols  {one.dwSynchProtocols:08X} {_names(one.dwSynchProtocols, _SYNCH_PROTOCOLS)}"
    yield f"dwMechanical     {one.dwMechanical:08X} {_names(one.dwMechanical, _MECHANICS)}"
    yield f"dwFeatures       {one.dwFeatures:08X}"
    for choices in _FEATURES:
        yield from [f"  {words}" for bit, words in choices if one.dwFeatures & bit][:1]


def _messages(one: CcidDescriptor) -> Iterator[str]:
    lines, columns = one.wLcdLayout >> 8, one.wLcdLayout & 0xFF
    get_response = f"  {one.bClassGetResponse:02X}"  # which lsusb shows as bClassEnvelope too
    yield _row("dwMaxCCIDMsgLen", one.dwMaxCCIDMessageLength)
    yield f"{'bClassGetResponse':<21}{'echo' if one.bClassGetResponse == _ECHO else get_response}"
    yield f"{'bClassEnvelope':<21}{'echo' if one.bClassEnvelope == _ECHO else get_response}"
    yield f"{'wlcdLayout':<21}{f'{columns} cols {lines} lines' if one.wLcdLayout else 'none'}"
    yield _row("bPINSupport", one.bPINSupport, f" {_names(one.bPINSupport, _PIN)}")
    yield _row("bMaxCCIDBusySlots", one.bMaxCCIDBusySlots)
