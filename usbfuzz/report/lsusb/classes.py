"""Class-specific descriptors, shown as the class of the interface before them defines them."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from attrs import frozen

from usbfuzz.descriptors import Context, RawDescriptor, typed
from usbfuzz.descriptors.constants import ClassCode, DescriptorType
from usbfuzz.descriptors.functional import CcidDescriptor

from .audio import audio_control, audio_endpoint, audio_streaming, audio_unknown
from .ccid import ccid
from .cdc import cdc
from .hid import hid
from .midi import midi_endpoint, midi_interface
from .sheet import Sheet, bcd, u16
from .video import video

__all__ = ["Position", "class_descriptor"]

_CS_DEVICE = 0x21
_PIPES = {1: "Command pipe", 2: "Status pipe", 3: "Data-in pipe", 4: "Data-out pipe"}


@frozen
class Position:
    """Where in a configuration a descriptor stands."""

    interface: bytes  #: descriptor last seen; empty before the first
    endpoint: bytes  #: of that interface, likewise
    reports: Mapping[int, bytes]  #: HID report descriptors by interface
    rest: bytes  #: what follows, to the end of the configuration


def class_descriptor(sheet: Sheet, raw: bytes, place: Position) -> bool:
    """Show a descriptor that is not a standard one; False when it is unknown or cut short."""
    interface = place.interface
    if not interface:
        return False
    context = Context(*interface[5:8])
    if raw[1] in (DescriptorType.CS_ENDPOINT, DescriptorType.CS_INTERFACE) and len(raw) < 3:
        return False
    if place.endpoint:
        return _of_endpoint(sheet, raw, context)
    code, subclass = context.bInterfaceClass, context.bInterfaceSubClass
    if code == ClassCode.COMMUNICATIONS and raw[1] == DescriptorType.CS_INTERFACE:
        cdc(sheet, raw, 6)
        return True
    if code == ClassCode.VIDEO:
        return video(sheet, raw, place.rest, context)
    known = typed(raw, context)
    if isinstance(known, RawDescriptor):
        return code == ClassCode.AUDIO and audio_unknown(sheet, known, context)
    if code == ClassCode.HID:
        hid(sheet, raw, place.reports.get(interface[2]))
    elif isinstance(known, CcidDescriptor):
        ccid(sheet, known)
    elif (code, subclass) in _OF_INTERFACE:
        _OF_INTERFACE[code, subclass](sheet, raw, context)
    else:
        return False
    return True


def _of_endpoint(sheet: Sheet, raw: bytes, context: Context) -> bool:
    """Class descriptors behind an endpoint."""
    code, subclass = context.bInterfaceClass, context.bInterfaceSubClass
    if raw[1] == DescriptorType.CS_ENDPOINT and code == ClassCode.AUDIO and subclass in (2, 3):
        show = midi_endpoint if subclass == 3 else audio_endpoint
        return show(sheet, raw, context)
    known = typed(raw, context)
    if raw[1] == DescriptorType.CS_ENDPOINT and code == ClassCode.VIDEO:  # lsusb passes over it without a word
        return not (isinstance(known, RawDescriptor) and known.meant)
    if isinstance(known, CcidDescriptor):
        ccid(sheet, known)
        return True
    if raw[1] == _CS_DEVICE:
        sheet.line(8, f"DEVICE CLASS:  {raw.hex(' ')}")
        return True
    if raw[1] != DescriptorType.CS_INTERFACE:
        return False
    if code in (ClassCode.COMMUNICATIONS, ClassCode.CDC_DATA):
        cdc(sheet, raw, 6)
    elif code == ClassCode.MASS_STORAGE and raw[0] == 4:
        vendor = "Vendor specific" if 0xE0 <= raw[2] <= 0xEF else "Reserved"
        sheet.line(8, f"{_PIPES.get(raw[2], vendor)} (0x{raw[2]:02x})")
    else:
        sheet.line(8, f"INTERFACE CLASS:  {raw.hex(' ')}")
    return True


def _dfu(sheet: Sheet, raw: bytes, _context: Context) -> None:
    """DFU 1.1 §4.1.3."""
    attributes = raw[2]

    def row(name: str, value: object, unit: str = "") -> None:
        sheet.line(8, f"{name:<32}{value:>5}{unit}")

    if raw[1] != _CS_DEVICE:
        sheet.line(6, "Warning: Invalid descriptor")
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


#: By class and subclass: what shows the descriptors of an interface.
_OF_INTERFACE: dict[tuple[int, int], Callable[[Sheet, bytes, Context], None]] = {
    (ClassCode.AUDIO, 1): audio_control,
    (ClassCode.AUDIO, 2): audio_streaming,
    (ClassCode.AUDIO, 3): midi_interface,
    (ClassCode.APPLICATION_SPECIFIC, 1): _dfu,
}
