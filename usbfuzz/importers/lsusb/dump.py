"""`lsusb -v` text of one or many devices, of any usbutils from 0.8x to today."""

from __future__ import annotations

import re

from usbfuzz.errors import InputError
from usbfuzz.importers.model import Imported

from .device import import_device
from .text import clean_lines, split_devices

__all__ = ["import_lsusb", "looks_like_lsusb"]

_SIGNS = re.compile(r"Device\W+Descriptor:|bDescriptorType\W+\d|Bus\W+\d{3}\W+Device\W+\d{3}:\W+ID\W+[0-9a-fA-F]{4}:")
_LOOK = 1 << 20  #: bytes
_MAX_DEVICES = 4096


def looks_like_lsusb(content: bytes) -> bool:
    """Text with the headings or fields lsusb prints."""
    return b"\0" not in content[:_LOOK] and _SIGNS.search(content[:_LOOK].decode("utf-8", "replace")) is not None


def import_lsusb(content: bytes, name: str) -> tuple[Imported, ...]:
    """The devices of the text that can be rebuilt. Raises InputError when there is none."""
    texts = split_devices(clean_lines(content))
    if not texts:
        raise InputError(f"{name}: lists devices but shows no descriptors; make it with: lsusb -v")
    if len(texts) > _MAX_DEVICES:
        raise InputError(f"{name}: shows {len(texts)} devices; cut it down to those that are wanted")
    found, reasons = [], []
    for text in texts:
        try:
            found.append(import_device(text))
        except InputError as error:
            reasons.append(f"line {text.lines[0].number}: {error}")
    if not found:
        raise InputError(f"{name}: {reasons[0]}; give the whole text of lsusb -v")
    return tuple(found)
