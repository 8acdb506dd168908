"""Any descriptor the codec knows, field by field under the names of its specification."""

from __future__ import annotations

from usbfuzz.descriptors import Descriptor
from usbfuzz.descriptors.structure import Structure

from .sheet import Sheet

__all__ = ["field_rows", "fields"]


def fields(sheet: Sheet, heading: str, raw: bytes, descriptor: Descriptor) -> None:
    """The descriptor with all its fields."""
    sheet.line(6, heading)
    sheet.rows(8, ("bLength", "bDescriptorType"), raw)
    if len(raw) > 2 and any(one.name == "bDescriptorSubtype" for one in descriptor.fields):
        sheet.row(8, "bDescriptorSubtype", raw[2], f"({descriptor.label.upper().replace(' ', '_')})")
    field_rows(sheet, 8, descriptor)
    if descriptor.trailing:
        sheet.line(8, f"junk at descriptor end: {descriptor.trailing.hex(' ')}")


def field_rows(sheet: Sheet, indent: int, structure: Structure, suffix: str = "") -> None:
    """A row for each field that has not been shown; those of repeated groups are numbered."""
    for one in structure.fields:
        if one.name not in ("bLength", "bDescriptorType", "bDescriptorSubtype"):
            _field(sheet, indent, f"{one.name}{suffix}", getattr(structure, one.name), one.width)


def _field(sheet: Sheet, indent: int, name: str, value: object, width: int | None) -> None:
    if isinstance(value, Structure):
        field_rows(sheet, indent, value)
    elif isinstance(value, tuple):
        for nth, item in enumerate(value):
            if isinstance(item, Structure):
                field_rows(sheet, indent, item, f"({nth})")
            else:
                _field(sheet, indent, f"{name}({nth})", item, width)
    elif isinstance(value, bytes):
        sheet.line(indent, f"{name:<20} {value.hex(' ')}")
    elif isinstance(value, int):
        sheet.row(indent, name, *_number(sheet, name, value, width or 1))


def _number(sheet: Sheet, name: str, value: int, width: int) -> tuple[str, str | None]:
    if name.startswith("bcd"):
        return f"{value >> 8:2x}.{value & 0xFF:02x}", None
    if name.startswith("i") and name[1:2].isupper():
        return str(value), sheet.text(value)
    return (f"0x{value:0{2 * width}x}" if name.startswith("bm") else str(value)), None
