"""A HID report descriptor alone: its bytes (``report_descriptor`` of sysfs, ``*.hid.bin``) or their hex digits.

Hex may have ``0x``, commas, braces and remarks as C has them, or what debugfs prints below it (``rdesc``).
"""

from __future__ import annotations

import re

from usbfuzz.errors import InputError
from usbfuzz.importers.model import Imported

from .device import MAX_REPORT, Function, Gadget, is_report_descriptor, synthesised_device

__all__ = ["import_report_descriptor", "looks_report_descriptor"]

_MOST_TEXT = 256 << 10  #: bytes of hex digits and remarks
_REMARK = re.compile(r"(?://|#)[^\n]*")
_SEPARATORS = re.compile(r"[\s,{};]+", re.ASCII)
_DIGITS = re.compile(r"0[xX][0-9a-fA-F]{2}|(?:[0-9a-fA-F]{2})+", re.ASCII)


def looks_report_descriptor(content: bytes) -> bool:
    """Bytes or digits of a whole report descriptor."""
    return bool(_descriptor(content))


def import_report_descriptor(content: bytes, name: str) -> tuple[Imported, ...]:
    """A device with this report descriptor. Raises InputError when it is none."""
    report = _descriptor(content)
    if not report:
        raise InputError(f"{name}: is no whole HID report descriptor; give the bytes that sysfs has")
    return (synthesised_device(Gadget("the report descriptor", [Function(0, report)])),)


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
