"""A HID report descriptor alone: its bytes (``report_descriptor`` of sysfs, ``*.hid.bin``) or their hex digits.

Hex may have ``0x``, commas, braces and remarks as C has them, or what debugfs prints below it (``rdesc``). In a text
whose other lines are something else, lines of hex one behind the other are looked for, as hid-decode and hidapi print
them, with an item and what it means on each.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from usbfuzz.errors import InputError
from usbfuzz.importers.model import Imported

from .device import MAX_REPORT, Function, Gadget, is_report_descriptor, synthesised_device

__all__ = [
    "import_quoted_report_descriptors",
    "import_report_descriptor",
    "looks_quoted_report_descriptors",
    "looks_report_descriptor",
]

_MOST_TEXT = 256 << 10  #: bytes of hex digits and remarks
_REMARK = re.compile(r"(?://|#)[^\n]*")
_SEPARATORS = re.compile(r"[\s,{};]+", re.ASCII)
_DIGITS = re.compile(r"0[xX][0-9a-fA-F]{2}|(?:[0-9a-fA-F]{2})+", re.ASCII)
#: An item in hex, and behind it its meaning.
_ITEM = re.compile(r"[#\s*>|]*((?:(?:0x)?[0-9a-fA-F]{2}[ ,]{1,2}){1,5})(?:[ \t]{2,}\S.*|\s*//.*)?", re.ASCII)
_FEWEST_LINES = 4  #: of a report descriptor in a text
_MOST_QUOTED = 64


def looks_report_descriptor(content: bytes) -> bool:
    """Bytes or digits of a whole report descriptor."""
    return bool(_descriptor(content))


def import_report_descriptor(content: bytes, name: str) -> tuple[Imported, ...]:
    """A device with this report descriptor. Raises InputError when it is none."""
    report = _descriptor(content)
    if not report:
        raise InputError(f"{name}: is no whole HID report descriptor; give the bytes that sysfs has")
    return (synthesised_device(Gadget("the report descriptor", [Function(0, report)])),)


def looks_quoted_report_descriptors(content: bytes) -> bool:
    """Lines of items somewhere in a text."""
    return next(_quoted(content), None) is not None


def import_quoted_report_descriptors(content: bytes, name: str) -> tuple[Imported, ...]:
    """A device for each report descriptor in the text. Raises InputError when there is none."""
    found = [
        synthesised_device(Gadget(f"the report descriptor of line {number}", [Function(0, report)]))
        for number, report in _quoted(content)
    ]
    if not found:
        raise InputError(f"{name}: shows no whole HID report descriptor; give all of its lines")
    return tuple(found[:_MOST_QUOTED])


def _quoted(content: bytes) -> Iterator[tuple[int, bytes]]:
    """Line and bytes of each report descriptor that is written with an item a line."""
    if len(content) > _MOST_TEXT or b"\0" in content:
        return
    start, items = 0, list[str]()
    for number, line in enumerate((*content.decode("utf-8", "replace").split("\n"), ""), 1):
        if found := _ITEM.fullmatch(line.rstrip("\r") + " "):
            start = start if items else number
            items.append(found[1])
            continue
        raw = _bytes(" ".join(items)) if len(items) >= _FEWEST_LINES else b""
        if is_report_descriptor(raw):
            yield start, raw
        items = []


def _descriptor(content: bytes) -> bytes:
    """The report descriptor; empty when there is none."""
    if len(content) <= MAX_REPORT and is_report_descriptor(content):
        return content
    if len(content) > _MOST_TEXT or b"\0" in content:
        return b""
    text = _REMARK.sub(" ", _without_blocks(content.decode("utf-8", "replace").replace("\r", ""))).strip()
    for part in (text, text.partition("\n\n")[0]):
        if part and (raw := _bytes(part)) and is_report_descriptor(raw):
            return raw
    return b""


def _without_blocks(text: str) -> str:
    """The text without remarks between ``/*`` and ``*/``."""
    parts, at = [], 0
    while (begin := text.find("/*", at)) >= 0 and (end := text.find("*/", begin)) >= 0:
        parts.append(text[at:begin])
        at = end + 2
    return " ".join((*parts, text[at:]))


def _bytes(text: str) -> bytes:
    words = [word for word in _SEPARATORS.split(text) if word]
    if not all(map(_DIGITS.fullmatch, words)):
        return b""
    return bytes.fromhex("".join(word[2:] if word[1] in "xX" else word for word in words))
