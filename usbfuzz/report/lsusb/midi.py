"""USB MIDI 1.0 §6."""

from __future__ import annotations

from usbfuzz.descriptors import RawDescriptor, typed
from usbfuzz.descriptors.constants import ClassCode, DescriptorType

from .audio import unknown_subtype
from .position import ClassWords, Position
from .sheet import Sheet, bcd, u16

__all__ = ["WORDS"]

_NAMES = ("bLength", "bDescriptorType")
_JACKS = ("Undefined", "Embedded", "External")
_CAPABILITIES = (
    "Undefined",
    "MIDI Clock",
    "MTC (MIDI Time Code)",
    "MMC (MIDI Machine Control)",
    "GM1 (General MIDI v.1)",
    "GM2 (General MIDI v.2)",
    "GS MIDI Extension",
    "XG MIDI Extension",
    "EFX",
    "MIDI Patch Bay",
    "DLS1 (Downloadable Sounds Level 1)",
    "DLS2 (Downloadable Sounds Level 2)",
)


def _interface(sheet: Sheet, raw: bytes, place: Position) -> bool:
    """A class descriptor of an interface; False when it is cut short."""
    one = typed(raw, place.context)
    if isinstance(one, RawDescriptor):
        return unknown_subtype(sheet, one, place.context)
    if raw[1] != DescriptorType.CS_INTERFACE:
        return False
    sheet.line(6, "MIDIStreaming Interface Descriptor:")
    sheet.rows(8, _NAMES, raw)
    {1: _header, 2: _in_jack, 3: _out_jack, 4: _element}[raw[2]](sheet, raw)
    return True


def _endpoint(sheet: Sheet, raw: bytes, _place: Position) -> bool:
    """A class descriptor of an endpoint; False when it is cut short."""
    if raw[1] != DescriptorType.CS_ENDPOINT or len(raw) < 4 or len(raw) < 4 + raw[3]:
        return False
    sheet.line(8, "MIDIStreaming Endpoint Descriptor:")
    sheet.rows(10, _NAMES, raw)
    sheet.row(10, "bDescriptorSubtype", raw[2], "(GENERAL)" if raw[2] == 1 else "(Invalid)")
    sheet.row(10, "bNumEmbMIDIJack", raw[3])
    for nth in range(raw[3]):
        sheet.row(10, f"baAssocJackID({nth:2})", raw[4 + nth])
    sheet.junk(10, raw, 4 + raw[3])
    return True


def _header(sheet: Sheet, raw: bytes) -> None:
    sheet.row(8, "bDescriptorSubtype", raw[2], "(HEADER)")
    sheet.row(8, "bcdADC", bcd(raw, 3))
    sheet.row(8, "wTotalLength", f"0x{u16(raw, 5):04x}")
    sheet.junk(8, raw, 7)


def _jack(sheet: Sheet, raw: bytes, name: str) -> None:
    sheet.row(8, "bDescriptorSubtype", raw[2], name)
    sheet.row(8, "bJackType", raw[3], _JACKS[raw[3]] if raw[3] < len(_JACKS) else "Invalid")
    sheet.row(8, "bJackID", raw[4])


def _in_jack(sheet: Sheet, raw: bytes) -> None:
    _jack(sheet, raw, "(MIDI_IN_JACK)")
    sheet.row(8, "iJack", raw[5], sheet.text(raw[5]))
    sheet.junk(8, raw, 6)


def _sources(sheet: Sheet, raw: bytes, at: int) -> int:
    """The input pins, from their number at ``at`` on; where they end."""
    sheet.row(8, "bNrInputPins", raw[at])
    for nth in range(raw[at]):
        sheet.row(8, f"baSourceID({nth:2})", raw[at + 1 + 2 * nth])
        sheet.row(8, f"BaSourcePin({nth:2})", raw[at + 2 + 2 * nth])
    return at + 1 + 2 * raw[at]


def _out_jack(sheet: Sheet, raw: bytes) -> None:
    _jack(sheet, raw, "(MIDI_OUT_JACK)")
    end = _sources(sheet, raw, 5)
    sheet.row(8, "iJack", raw[end], sheet.text(raw[end]))
    sheet.junk(8, raw, end + 1)


def _element(sheet: Sheet, raw: bytes) -> None:
    sheet.row(8, "bDescriptorSubtype", raw[2], "(ELEMENT)")
    sheet.row(8, "bElementID", raw[3])
    at = _sources(sheet, raw, 4)
    sheet.rows(8, ("bNrOutputPins", "bInTerminalLink", "bOutTerminalLink", "bElCapsSize"), raw[at : at + 4])
    size = raw[at + 3]
    capabilities = int.from_bytes(raw[at + 4 : at + 4 + size], "little")
    sheet.line(8, f"bmElementCaps  0x{capabilities:08x}")
    sheet.flags(10, capabilities, ((1 << bit, text) for bit, text in enumerate(_CAPABILITIES)))
    end = at + 4 + size
    sheet.row(8, "iElement", raw[end], sheet.text(raw[end]))
    sheet.junk(8, raw, end + 1)


WORDS = ClassWords(interface={(ClassCode.AUDIO, 3): _interface}, endpoint={(ClassCode.AUDIO, 3): _endpoint})
