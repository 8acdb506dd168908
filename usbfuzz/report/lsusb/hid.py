"""HID: the class descriptor and the items of the report descriptors. HID 1.11 §6.2."""

from __future__ import annotations

from usbfuzz.descriptors import RawDescriptor, report_items, typed
from usbfuzz.descriptors.constants import ClassCode, DescriptorType
from usbfuzz.descriptors.hid import HidDescriptor

from .position import ClassWords, Position
from .sheet import Sheet, bcd, u16

__all__ = ["WORDS"]

_TYPES = ("Main", "Global", "Local", "reserved")
_COLLECTIONS = ("Physical", "Application", "Logical", "Report", "Named Array", "Usage Switch", "Usage Modifier")
_INDENT = 28
#: The words for a bit that is clear, and that is set, in the order they are printed; two lines.
_FLAGS = (
    (
        *(("Data", "Constant"), ("Array", "Variable"), ("Absolute", "Relative")),
        *(("No_Wrap", "Wrap"), ("Linear", "Non_Linear")),
    ),
    (
        *(("Preferred_State", "No_Preferred_State"), ("No_Null_Position", "Null_State")),
        *(("Non_Volatile", "Volatile"), ("Bitfield", "Buffered Bytes")),
    ),
)
_SYSTEMS = ("None", "SI Linear", "SI Rotation", "English Linear", "English Rotation")
_UNITS = {
    1: ("Centimeter", "Gram", "Seconds", "Kelvin", "Ampere", "Candela", "None"),
    2: ("Radians", "Gram", "Seconds", "Kelvin", "Ampere", "Candela", "None"),
    3: ("Inch", "Slug", "Seconds", "Fahrenheit", "Ampere", "Candela", "None"),
    4: ("Degrees", "Slug", "Seconds", "Fahrenheit", "Ampere", "Candela", "None"),
}


def _hid(sheet: Sheet, raw: bytes, place: Position) -> bool:
    """The HID descriptor, and the report descriptor behind it when the device has one; False when it is cut short.

    lsusb takes any descriptor behind a HID interface for it.
    """
    if len(raw) < HidDescriptor.minimum or isinstance(typed(raw, place.context), RawDescriptor):
        return False
    report = place.reports.get(place.interface[2])
    sheet.line(8, "HID Device Descriptor:")
    sheet.rows(10, ("bLength", "bDescriptorType"), raw)
    sheet.row(10, "bcdHID", bcd(raw, 2))
    sheet.row(10, "bCountryCode", raw[4], sheet.names.get("HCC", raw[4]) or "Unknown")
    sheet.row(10, "bNumDescriptors", raw[5])
    end = 6 + 3 * raw[5]
    for at in range(6, min(end, len(raw) - 2), 3):
        sheet.row(10, "bDescriptorType", raw[at], sheet.names.get("HID", raw[at]) or "(null)")
        sheet.row(10, "wDescriptorLength", u16(raw, at + 1))
    sheet.junk(8, raw, end)
    for at in range(6, min(end, len(raw) - 2), 3):
        if raw[at] == DescriptorType.HID_REPORT and report is not None:
            _report(sheet, report[: u16(raw, at + 1)], u16(raw, at + 1))
    return True


def _report(sheet: Sheet, report: bytes, length: int) -> None:
    if len(report) < length:
        sheet.line(10, "Warning: incomplete report descriptor")
    sheet.line(10, f"Report Descriptor: (length is {len(report)})")
    page = 0xFFFF
    for item in report_items(report):
        tag, data = item.raw[0] & 0xFC, item.raw[1:]
        value = int.from_bytes(data, "little") if data else 0xFFFF
        name = sheet.names.report_tag(tag) or "(null)"
        said = f" [ {' '.join(f'0x{byte:02x}' for byte in data)} ] {_signed(value)}" if data else "none"
        sheet.line(12, f"Item({_TYPES[tag >> 2 & 3]:<6}): {name}, data={said}")
        for words in _explained(sheet, tag, value, len(data), page):
            sheet.line(_INDENT, words)
        if tag == 0x04:
            page = value


def _signed(value: int) -> int:
    """As C prints an unsigned number by %d."""
    return value - (1 << 32) if value >> 31 else value


def _explained(sheet: Sheet, tag: int, value: int, size: int, page: int) -> list[str]:
    match tag:
        case 0x04:
            return [sheet.names.usage(value) or "(null)"]
        case 0x08 | 0x18 | 0x28:
            wide = (page << 16) + value
            return [sheet.names.usage(wide >> 16 & 0xFFFF, wide & 0xFFFF) or "(null)"]
        case 0x54:
            exponent = value & 0xFF
            return [f"Unit Exponent: {exponent - 256 if exponent & 0x80 else exponent}"]
        case 0x64:
            return [_unit(value, size)]
        case 0xA0:
            vendor = "Vendor defined" if value & 0x80 else "Reserved for future use."
            return [_COLLECTIONS[value] if value < len(_COLLECTIONS) else vendor]
        case 0x80 | 0x90 | 0xB0:
            bits = iter(range(9))
            return [" ".join(pair[value >> next(bits) & 1] for pair in line) for line in _FLAGS]
        case _:
            return []


def _unit(value: int, size: int) -> str:
    system = value & 0xF
    if system >= len(_SYSTEMS):
        return f"System: {'Vendor defined' if system == 0xF else 'Reserved'}, Unit: (unknown)"
    parts = []
    for nth in range(1, 2 * size):
        exponent = value >> 4 * nth & 0xF
        if exponent:
            name = _UNITS[system][nth - 1] if system else "None"
            signed = exponent - 16 if exponent & 8 else exponent
            parts.append(name if exponent == 1 else f"{name}^{signed}")
    return f"System: {_SYSTEMS[system]}, Unit: {'*'.join(parts) or '(None)'}"


WORDS = ClassWords(interface={(ClassCode.HID, None): _hid})
