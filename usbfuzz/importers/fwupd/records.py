"""The devices in the files of a fwupd emulation.

The phases of an update are files of one zip. A device that shows up in several (same port, same ids) is one device
that said all of it; one that comes back with other ids, as bootloaders do, is another.
"""

from __future__ import annotations

import io
import json
import lzma
import re
import struct
import zipfile
import zlib
from collections.abc import Iterator

from attrs import field, mutable

from usbfuzz.errors import InputError

from .fields import Fields

__all__ = ["Record", "looks_fwupd", "records"]

_KEY = b'"UsbDevices"'
_LOOK = 64 << 10
_MAX_BYTES = 64 << 20  #: of all files of a zip, unpacked
_MAX_DEVICES = 256
#: the phases of an update in their order. libfwupdplugin/fu-engine-emulator-phase
_PHASES = ("setup", "composite-prepare", "prepare", "detach", "install", "attach", "reload", "cleanup")
_FILE = re.compile(r"(?:(\d{1,4}):)?([a-z-]{1,40})(?:-(\d{1,6}))?\.json")
_USB_PARENT = re.compile(r"/(\d{1,3}-\d{1,3}(?:\.\d{1,3}){0,6})(?=/|$)")
_INTERFACE = re.compile(r"/\d{1,3}-[\d.]{1,40}:\d{1,3}\.(\d{1,3})(?=/|$)")
_UNREADABLE = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    struct.error,
    EOFError,
    KeyError,
    NotImplementedError,
    OSError,
    OverflowError,
    RuntimeError,
    ValueError,
)  #: what the library raises on damaged and encrypted files


def looks_fwupd(content: bytes) -> bool:
    """JSON with a list of UsbDevices, or a zip with a file of a phase."""
    if content[:4] == b"PK\x03\x04":
        try:
            with zipfile.ZipFile(io.BytesIO(content)) as archive:
                return any(_FILE.fullmatch(name) for name in archive.namelist())
        except _UNREADABLE:
            return False
    return content[:_LOOK].lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{") and _KEY in content[:_LOOK]


@mutable
class Record:
    """A device, with its events of all phases."""

    place: str  #: its port: ``1-2.1``
    fields: Fields
    interface: int = 0  #: of the node, if it is one of an interface
    events: list[Fields] = field(factory=list)


def records(content: bytes, name: str) -> list[Record]:
    """The devices of all files, USB or not, in the order in which they appear. Raises InputError."""
    found: dict[tuple[str, int, int], Record] = {}
    for text in _files(content, name) if content[:4] == b"PK\x03\x04" else [content]:
        for device in _parsed(text, name).objects("UsbDevices"):
            place = device.text("PlatformId") or device.text("BackendId")
            interface = _INTERFACE.search(place)
            place = (_USB_PARENT.findall(place) or [place[:80]])[-1]  # the nearest, not the hub above it
            key = (place, device.number("IdVendor", 16), device.number("IdProduct", 16))
            if key not in found and len(found) >= _MAX_DEVICES:
                continue
            record = found.setdefault(key, Record(place, device, int(interface[1]) if interface else 0))
            record.events += [*device.objects("UsbEvents"), *device.objects("Events")]
    return [*found.values()]


def _files(content: bytes, name: str) -> Iterator[bytes]:
    """The files of a zip, in the order of the phases."""
    room = _MAX_BYTES
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            for member in sorted(filter(_FILE.fullmatch, archive.namelist()), key=_order):
                with archive.open(member) as file:
                    raw = file.read(room + 1)
                room -= len(raw)
                if room < 0:
                    raise InputError(f"{name}: unpacks to more than {_MAX_BYTES >> 20} MiB; give setup.json alone")
                yield raw
    except _UNREADABLE as error:
        raise InputError(f"{name}: cannot be unpacked: {error or type(error).__name__}; save it again") from error


def _order(member: str) -> tuple[int, int, int]:
    found = _FILE.fullmatch(member)
    assert found, "others were left out"
    composite, phase, write = found.groups()
    place = _PHASES.index(phase) if phase in _PHASES else len(_PHASES)
    return int(composite or 0), place, int(write or 0)


def _parsed(text: bytes, name: str) -> Fields:
    try:
        found = json.loads(text.decode("utf-8-sig"))
    except json.JSONDecodeError as error:
        raise InputError(f"{name}:{error.lineno}: is no JSON: {error.msg}; save the emulation again") from error
    except (ValueError, RecursionError) as error:
        raise InputError(f"{name}:1: is no JSON: {error}; save the emulation again") from error
    return Fields(found if isinstance(found, dict) else {})
