"""`lsusb -v` text as people mail it: quoting, colours, tabs and kernel messages taken off, one device at a time.

Indentation is ignored, as mail programs and bug trackers change it.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator

from attrs import define, field, frozen

from usbfuzz.reading import decoded, joined, unwrapped

from .prefix import without_prefix

__all__ = ["DeviceText", "Line", "clean_lines", "split_devices"]

_QUOTE = re.compile(r"^(?:[>|]+[ ]?)+")
#: what lsusb.c of any version prints to stderr, and what the kernel prints on a serial console meanwhile
_ERROR = re.compile(
    r"can't get (?:debug descriptor|device qualifier|hub descriptor)[:,]|cannot read (?:device|port \d+|wireless)\b"
    r"|Couldn't open device, some information|Couldn't get (?:configuration )?descriptor \d+,|cannot open /"
    r"|Couldn't get device capability descriptors|incomplete hub descriptor,|libusb: (?:error|warning|info) \["
    r"|\[ {0,4}\d{1,6}\.\d{6}\] [a-z]"
)
_KERNEL = re.compile(r"^(?:<\d+>)?\s*\[\s*\d+\.\d+\]|^\w{3}\s+\d+ [\d:]{8} \S+ kernel:")
#: hyphens, dashes and the minus sign
_DASHES = dict.fromkeys((*range(0x2010, 0x2016), 0x2212), "-")
_STRING = re.compile(r"[ \t]*i[A-Z]\w*[ \t]+\d+ ")  #: the line of a string, up to that
_BUS = re.compile(r"^Bus (\d{3}) Device (\d{3}): ID ([0-9a-fA-F]{4}):([0-9a-fA-F]{4})\s*(.*)$")
_ALONE = re.compile(r"^Device: ID ([0-9a-fA-F]{4}):([0-9a-fA-F]{4})\s*(.*)$")
_DEVICE_DESCRIPTOR = "device descriptor:"


@frozen
class Line:
    """A line of lsusb's output."""

    number: int  #: in the file, from 1
    text: str  #: without indentation and line end; blanks at the end are kept, strings may end in some


@define
class DeviceText:
    """The lines of one device."""

    origin: str  #: what the dump calls it: ``Bus 003 Device 004: 046d:c52b``
    title: str = ""  #: vendor and product of its first line, from usb.ids
    lines: list[Line] = field(factory=list)


def clean_lines(content: bytes) -> Iterator[Line]:
    """The lines of a mail or file without what is not lsusb's. Raises InputError, without a file's name."""
    text = unwrapped(decoded(content))
    lines = without_prefix([_QUOTE.sub("", line) for line in text.split("\n")])
    for number, raw in enumerate(joined(lines, _error), start=1):
        line = with_plain_blanks(raw).lstrip()
        if line and not _KERNEL.match(line):
            yield Line(number, line)


def _error(line: str) -> int | None:
    """Where a sentence of stderr begins, which a shell may have put into the middle of a line.

    It ends with a line break of its own, so that the line goes on in the next one.
    """
    found = _ERROR.search(line)
    return found.start() if found else None


def with_plain_blanks(line: str) -> str:
    """The line with ASCII for other blanks, dashes, ligatures and wide forms, and without characters that are not seen.

    A string of the device keeps its own.
    """
    if line.isascii() and line.isprintable():
        return line
    string = _STRING.match(line)
    own = "" if string is None else line[string.end() :]
    layout = line if string is None else string[0]
    plain = unicodedata.normalize("NFKC", layout).translate(_DASHES)
    return "".join(" " if letter.isspace() else letter for letter in plain if not _unseen(letter)) + own


def _unseen(letter: str) -> bool:
    """Zero-width spaces, marks of direction and byte order, control characters."""
    return not letter.isspace() and unicodedata.category(letter) in ("Cc", "Cf")


def split_devices(lines: Iterable[Line]) -> list[DeviceText]:
    """The devices of a dump that show a descriptor; what precedes the first one is dropped."""
    devices: list[DeviceText] = []
    current = DeviceText("the device")
    seen = False
    for line in lines:
        header = _header(line.text)
        starts = line.text.rstrip().lower() == _DEVICE_DESCRIPTOR
        if header is not None or (starts and seen):
            devices.append(current)
            current, seen = header or DeviceText(f"the device of line {line.number}"), False
        seen = seen or starts
        current.lines.append(line)
    devices.append(current)
    return [device for device in devices if any("bDescriptorType" in line.text for line in device.lines)]


def _header(text: str) -> DeviceText | None:
    if match := _BUS.match(text):
        bus, number, vendor, product, title = match.groups()
        return DeviceText(f"Bus {bus} Device {number}: {vendor.lower()}:{product.lower()}", title.strip())
    if match := _ALONE.match(text):
        vendor, product, title = match.groups()
        return DeviceText(f"{vendor.lower()}:{product.lower()}", title.strip())
    return None
