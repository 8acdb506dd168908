"""Reports of USB Device Tree Viewer (Uwe Sieber), a program for Windows: the descriptors of devices as hex dumps.

Each descriptor has a heading between hyphens, lines for its fields, and ``Data (HexDump)``. A file may hold the report
of a port, of a hub, or of all there is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from attrs import evolve, field, mutable

from usbfuzz.descriptors.constants import DescriptorType
from usbfuzz.descriptors.text import ids_of
from usbfuzz.errors import InputError
from usbfuzz.wire import Speed

from .complete import complete
from .model import Imported, distinct
from .naming import named
from .raw import looks_raw, parse_raw
from .synthesise import cut_string

__all__ = ["import_tree_viewer", "looks_tree_viewer"]

_LOOK = 1 << 20  #: bytes searched for a hex dump
_SIGN = re.compile(
    rb"^[ \t>]*(?:Data \(HexDump\)[ \t]*:|(?:/\*[ \t]*)?-{5,} Device Descriptor -{5,}[ \t\r]*$)", re.MULTILINE
)
_HEADING = re.compile(r"[-=+]{3,} (.{1,80}?) [-=+]{3,}")
_STRING = re.compile(r"String Descriptor (\d{1,3})", re.ASCII)
_REFERENCE = re.compile(r"0x[0-9A-Fa-f]{2} \(String Descriptor (\d{1,3})\)", re.ASCII)
_LANGUAGE = re.compile(r"Language 0x[0-9A-Fa-f]{4}", re.ASCII)
_FIELD = re.compile(r"([^:]{1,40}?)\s*:\s*(.*)")
_DUMP = "Data (HexDump)"
#: Up to 16 bytes, or all where somebody joined the lines; what they are in ASCII stands some blanks behind.
_HEX = re.compile(r"((?:[0-9A-Fa-f]{2} ){0,255}[0-9A-Fa-f]{2})(?: {2,}.*|\s*|\s*\*/)", re.ASCII)
#: The same where a page made one blank of several: as many characters as bytes, but for blanks at the end.
_NARROW = re.compile(r"((?:[0-9A-Fa-f]{2} ){0,15}[0-9A-Fa-f]{2}) (.{1,16})", re.ASCII)
_ROW = 16  #: bytes of a line; those of fields and headings are longer
_MOST_BYTES = 64 << 10  #: of one dump
_MOST_DEVICES = 1024
_SPEEDS = {
    "0x00": Speed.LOW,
    "0x01": Speed.FULL,
    "0x02": Speed.HIGH,
    "0x03": Speed.SUPER,
}  #: USB_DEVICE_SPEED, usbspec.h


@mutable
class _Seen:
    """What the report tells of one device."""

    line: int = 0
    speed: Speed | None = None
    address: str = ""
    device: bytes = b""
    parts: list[bytes] = field(factory=list)  #: configurations, BOS, qualifier
    strings: dict[int, bytes] = field(factory=dict)
    quoted: dict[int, bytes] = field(factory=dict)  #: strings that stand below a field and have no dump
    reference: int = 0  #: the string that the last field names
    reports: dict[int, bytes] = field(factory=dict)
    interface: int = 0  #: the one whose descriptors come now


def looks_tree_viewer(content: bytes) -> bool:
    """A hex dump as the program heads it, or its heading of the device descriptor."""
    return _SIGN.search(content[:_LOOK]) is not None


def import_tree_viewer(content: bytes, name: str) -> tuple[Imported, ...]:
    """The devices of a report. Raises InputError when there is none."""
    found = [seen for seen in _devices(content.decode("utf-8", "replace")) if looks_raw(seen.device)]
    if not found:
        what = "has no hex dump of a device descriptor; save the report of the device, not of its port, with hex dumps"
        raise InputError(f"{name}: {what}")
    return distinct(_imported(seen, name) for seen in found[:_MOST_DEVICES])


def _imported(seen: _Seen, name: str) -> Imported:
    spec, problems = parse_raw(seen.device + b"".join(seen.parts), f"{name}:{seen.line}")
    spec = evolve(
        spec,
        speed=seen.speed or spec.speed,
        strings=tuple(sorted((seen.quoted | seen.strings).items())),
        reports=tuple(sorted(seen.reports.items())),
    )
    spec, made_up = complete(named(spec))
    guessed = () if seen.speed else (f"speed {spec.speed.value}, from the packet sizes",)
    ids = ids_of(seen.device)
    where = f"device address {seen.address}: {ids}" if seen.address else ids
    return Imported(spec, where, (*guessed, *made_up), problems)


def _devices(text: str) -> Iterator[_Seen]:
    """What the text tells, device by device; a device begins with what Windows knows of its connection."""
    seen = _Seen()
    for number, heading, key, value, dump in _statements(text):
        if heading == "Connection Information" and seen.device:
            yield seen
            seen = _Seen()
        if dump:
            if heading == "Device Descriptor":
                if seen.device:
                    yield seen
                    seen = _Seen()
                seen.line = number
            _keep(seen, heading, dump)
        elif key == "Device Bus Speed":
            seen.speed = _SPEEDS.get(value[:4])
        elif key == "DevIsOpAtSsOrHigher" and value[:1] == "1":
            seen.speed = Speed.SUPER
        elif key == "Device Address":
            seen.address = value.split(" ")[0]
        elif found := _REFERENCE.fullmatch(value):
            seen.reference = int(found[1]) & 0xFF
        elif _LANGUAGE.fullmatch(key) and seen.reference and value[:1] == '"' == value[1:][-1:]:
            seen.quoted.setdefault(seen.reference, cut_string(value[1:-1]))
    yield seen


def _keep(seen: _Seen, heading: str, dump: bytes) -> None:
    kind = dump[1] if len(dump) > 1 else 0
    if heading == "Device Descriptor":
        seen.device = dump
    elif heading == "HID Descriptor":
        if kind != DescriptorType.FUNCTIONAL:
            seen.reports.setdefault(seen.interface, dump)
    elif heading == "Interface Descriptor" and len(dump) > 2:
        seen.interface = dump[2]
    elif found := _STRING.fullmatch(heading):
        seen.strings.setdefault(int(found[1]) & 0xFF, dump)
    elif kind in _PARTS and heading.startswith(_PARTS[kind]):
        seen.parts.append(dump)


#: what stands in the sources of a device one behind the other, and how its heading begins
_PARTS: dict[int, str] = {
    DescriptorType.CONFIGURATION: "Config",
    DescriptorType.BOS: "B",
    DescriptorType.DEVICE_QUALIFIER: "Device Qualifier",
}


def _statements(text: str) -> Iterator[tuple[int, str, str, str, bytes]]:
    """Line, heading, and a field's name and value, or the bytes of a hex dump."""
    heading, dump, start = "", bytearray(), 0
    in_dump = False
    for number, written in enumerate(text.split("\n"), 1):
        line = written.strip().lstrip("> ").removeprefix("/*").lstrip().replace("\t", "   ")
        raw = _bytes(line) if in_dump else None
        if in_dump and raw is None and len(line) <= _ROW:
            continue  # a page puts empty lines between all, a mailer the characters on a line of their own
        if raw is not None:
            dump += raw[: _MOST_BYTES - len(dump)]
            continue
        if in_dump:
            yield start, heading, "", "", bytes(dump)
            in_dump = False
        if found := _HEADING.fullmatch(line):
            heading = found[1].strip()
        elif found := _FIELD.fullmatch(line):
            if found[1] == _DUMP:
                dump, start, in_dump = bytearray(_bytes(found[2]) or b""), number, True
            else:
                yield number, heading, found[1], found[2], b""
    if in_dump:
        yield start, heading, "", "", bytes(dump)


def _bytes(text: str) -> bytes | None:
    found = _HEX.fullmatch(text) or _NARROW.fullmatch(text)
    raw = bytes.fromhex(found[1]) if found else None
    return None if raw and found and found.re is _NARROW and len(found[2]) > len(raw) else raw
