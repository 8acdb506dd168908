"""Functional descriptors of the communications class. CDC 1.2 §5.2.3."""

from __future__ import annotations

from collections.abc import Callable

from usbfuzz.descriptors.constants import ClassCode, DescriptorType

from .position import ClassWords, Position
from .sheet import Sheet, bcd, guid, u16, u32

__all__ = ["WORDS"]

_INDENT = 6


def _functional(sheet: Sheet, raw: bytes, _place: Position) -> bool:
    """One functional descriptor, behind the interface or its endpoint; a wrong length makes it invalid."""
    if raw[1] != DescriptorType.CS_INTERFACE:
        return False
    name, lengths, show = _KINDS.get(raw[2], ("", (), None))
    if show is None:
        sheet.line(_INDENT, f"UNRECOGNIZED CDC:  {raw.hex(' ')}")
    elif len(raw) not in lengths:
        sheet.line(_INDENT, f"INVALID CDC ({name}):  {raw.hex(' ')}")
    else:
        show(sheet, raw, _INDENT)
    return True


def _version(raw: bytes, at: int) -> str:
    return bcd(raw, at).strip()


def _header(sheet: Sheet, raw: bytes, indent: int) -> None:
    sheet.line(indent, "CDC Header:")
    sheet.line(indent, f"  {'bcdCDC':<20} {_version(raw, 3)}")


def _call_management(sheet: Sheet, raw: bytes, indent: int) -> None:
    sheet.line(indent, "CDC Call Management:")
    sheet.line(indent, f"  {'bmCapabilities':<20} 0x{raw[3]:02x}")
    sheet.flags(indent + 4, raw[3], ((1, "call management"), (2, "use DataInterface")))
    sheet.line(indent, f"  {'bDataInterface':<23} {raw[4]}")


def _acm(sheet: Sheet, raw: bytes, indent: int) -> None:
    sheet.line(indent, "CDC ACM:")
    sheet.line(indent, f"  {'bmCapabilities':<20} 0x{raw[3]:02x}")
    words = (
        *((8, "connection notifications"), (4, "sends break")),
        *((2, "line coding and serial state"), (1, "get/set/clear comm features")),
    )
    sheet.flags(indent + 4, raw[3], words)


def _union(sheet: Sheet, raw: bytes, indent: int) -> None:
    sheet.line(indent, "CDC Union:")
    sheet.line(indent, f"  {'bMasterInterface':<23} {raw[3]}")
    sheet.line(indent, f"  {'bSlaveInterface':<23} {''.join(f'{number} ' for number in raw[4:])}")


def _country(sheet: Sheet, raw: bytes, indent: int) -> None:
    sheet.line(indent, "Country Selection:")
    sheet.line(indent, f"  {'iCountryCodeRelDate':<23} {raw[3]:4} {sheet.text(raw[3]) or '(??)'}")
    for at in range(4, len(raw), 2):
        sheet.line(indent, f"  {'wCountryCode':<21} 0x{raw[at]:02x}{raw[at + 1]:02x}")


def _telephone(sheet: Sheet, raw: bytes, indent: int) -> None:
    sheet.line(indent, "CDC Telephone operations:")
    sheet.line(indent, f"  {'bmCapabilities':<20} 0x{raw[3]:02x}")
    sheet.flags(indent + 4, raw[3], ((4, "computer centric mode"), (2, "standalone mode"), (1, "simple mode")))


def _terminal(sheet: Sheet, raw: bytes, indent: int) -> None:
    sheet.line(indent, "Network Channel Terminal:")
    sheet.line(indent, f"  {'bEntityId':<23} {raw[3]:3}")
    sheet.line(indent, f"  {'iName':<23} {raw[4]:3} {sheet.text(raw[4])}")
    sheet.line(indent, f"  {'bChannelIndex':<23} {raw[5]:3}")
    sheet.line(indent, f"  {'bPhysicalInterface':<23} {raw[6]:3}")


def _ethernet(sheet: Sheet, raw: bytes, indent: int) -> None:
    sheet.line(indent, "CDC Ethernet:")
    sheet.line(indent, f"  {'iMacAddress':<23} {raw[3]:10} {sheet.text(raw[3]) or '(??)'}")
    sheet.line(indent, f"  {'bmEthernetStatistics':<23} 0x{u32(raw, 4):08x}")
    sheet.line(indent, f"  {'wMaxSegmentSize':<23} {u16(raw, 8):10}")
    sheet.line(indent, f"  {'wNumberMCFilters':<27} 0x{u16(raw, 10):04x}")
    sheet.line(indent, f"  {'bNumberPowerFilters':<23} {raw[12]:10}")


def _whcm(sheet: Sheet, raw: bytes, indent: int) -> None:
    sheet.line(indent, "CDC WHCM:")
    sheet.line(indent, f"  {'bcdVersion':<20} {_version(raw, 3)}")


def _mdlm(sheet: Sheet, raw: bytes, indent: int) -> None:
    sheet.line(indent, "CDC MDLM:")
    sheet.line(indent, f"  {'bcdCDC':<20} {_version(raw, 3)}")
    sheet.line(indent, f"  {'bGUID':<19} {guid(raw[5:21])}")


def _mdlm_detail(sheet: Sheet, raw: bytes, indent: int) -> None:
    sheet.line(indent, "CDC MDLM detail:")
    sheet.line(indent, f"  {'bGuidDescriptorType':<20} {raw[3]:02x}")
    sheet.line(indent, f"  {'bDetailData':<20} {raw[4:].hex(' ')}")


def _device_management(sheet: Sheet, raw: bytes, indent: int) -> None:
    sheet.line(indent, "CDC Device Management:")
    sheet.line(indent, f"  {'bcdVersion':<20} {_version(raw, 3)}")
    sheet.line(indent, f"  {'wMaxCommand':<20} {u16(raw, 5)}")


def _obex(sheet: Sheet, raw: bytes, indent: int) -> None:
    sheet.line(indent, "CDC OBEX:")
    sheet.line(indent, f"  {'bcdVersion':<20} {_version(raw, 3)}")


def _command_set(sheet: Sheet, raw: bytes, indent: int) -> None:
    sheet.line(indent, "CDC Command Set:")
    sheet.line(indent, f"  {'bcdVersion':<20} {_version(raw, 3)}")
    sheet.line(indent, f"  {'iCommandSet':<20} {raw[5]:4} {sheet.text(raw[5]) or '(??)'}")
    sheet.line(indent, f"  {'bGUID':<20} {guid(raw[6:22])}")


def _ncm(sheet: Sheet, raw: bytes, indent: int) -> None:
    sheet.line(indent, "CDC NCM:")
    sheet.line(indent, f"  {'bcdNcmVersion':<20} {_version(raw, 3)}")
    sheet.line(indent, f"  bmNetworkCapabilities 0x{raw[5]:02x}")
    words = (
        *((0x20, "8-byte ntb input size"), (0x10, "crc mode"), (0x08, "max datagram size")),
        *((0x04, "encapsulated commands"), (0x02, "net address"), (0x01, "packet filter")),
    )
    sheet.flags(indent + 4, raw[5], words)


def _mbim(sheet: Sheet, raw: bytes, indent: int) -> None:
    sheet.line(indent, "CDC MBIM:")
    rows = {
        "bcdMBIMVersion": _version(raw, 3),
        "wMaxControlMessage": u16(raw, 5),
        "bNumberFilters": raw[7],
        "bMaxFilterSize": raw[8],
        "wMaxSegmentSize": u16(raw, 9),
    }
    for name, value in rows.items():
        sheet.line(indent, f"  {name:<20} {value}")
    sheet.line(indent, f"  bmNetworkCapabilities 0x{raw[11]:02x}")
    sheet.flags(indent + 4, raw[11], ((0x20, "8-byte ntb input size"), (0x08, "max datagram size")))


def _mbim_extended(sheet: Sheet, raw: bytes, indent: int) -> None:
    sheet.line(indent, "CDC MBIM Extended:")
    sheet.line(indent, f"  {'bcdMBIMExtendedVersion':<31} {bcd(raw, 3)}")
    sheet.line(indent, f"  {'bMaxOutstandingCommandMessages':<33} {raw[5]:3}")
    sheet.line(indent, f"  {'wMTU':<31} {u16(raw, 6):5}")


_ANY = range(5, 256)

#: By bDescriptorSubtype: what it is called when it is invalid, the lengths it may have, and what shows it.
_KINDS: dict[int, tuple[str, range | tuple[int, ...], Callable[[Sheet, bytes, int], None]]] = {
    0x00: ("Header", (5,), _header),
    0x01: ("Call Management", (5,), _call_management),
    0x02: ("ACM", (4,), _acm),
    0x06: ("Union", _ANY, _union),
    0x07: ("Country Selection", range(6, 256, 2), _country),
    0x08: ("Telephone Operations", (4,), _telephone),
    0x0A: ("Network Channel Terminal", (7,), _terminal),
    0x0F: ("Ethernet", (13,), _ethernet),
    0x11: ("WHCM version", (5,), _whcm),
    0x12: ("MDLM", (21,), _mdlm),
    0x13: ("MDLM detail", _ANY, _mdlm_detail),
    0x14: ("Device Management", (7,), _device_management),
    0x15: ("OBEX", (5,), _obex),
    0x16: ("Command Set", (22,), _command_set),
    0x1A: ("NCM", (6,), _ncm),
    0x1B: ("MBIM", (12,), _mbim),
    0x1C: ("MBIM Extended", (8,), _mbim_extended),
}

WORDS = ClassWords(
    interface={(ClassCode.COMMUNICATIONS, None): _functional},
    endpoint={(ClassCode.COMMUNICATIONS, None): _functional, (ClassCode.CDC_DATA, None): _functional},
)
