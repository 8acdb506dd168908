"""`lsusb -v` text of one or many devices, of any usbutils from 0.8x to today."""

from __future__ import annotations

import re
from functools import reduce

from attrs import evolve

from usbfuzz.errors import InputError
from usbfuzz.importers.model import Imported, distinct
from usbfuzz.reading import decoded, unwrapped

from .blocks import read_blocks
from .device import import_device
from .text import clean_lines, split_devices
from .versions import Versions, versions_of

__all__ = ["import_lsusb", "looks_like_lsusb"]

_SIGNS = re.compile(r"Device\W+Descriptor:|bDescriptorType\W+\d|Bus\W+\d{3}\W+Device\W+\d{3}:\W+ID\W+[0-9a-fA-F]{4}:")
_LOOK = 8 << 20  #: bytes; a dump may be the last attachment of a mail
_MAX_DEVICES = 4096


def looks_like_lsusb(content: bytes) -> bool:
    """Text with the headings or fields lsusb prints."""
    if b"\0" in content[:_LOOK]:
        return False
    text = decoded(content[:_LOOK])
    return (_SIGNS.search(text) or _SIGNS.search(unwrapped(text))) is not None


def import_lsusb(content: bytes, name: str) -> tuple[Imported, ...]:
    """The devices of the text that can be rebuilt. Raises InputError when there is none."""
    try:
        texts = split_devices(clean_lines(content))
    except InputError as error:
        raise InputError(f"{name}: {error}") from error
    if not texts:
        raise InputError(f"{name}: lists devices but shows no descriptors; make it with: lsusb -v")
    if len(texts) > _MAX_DEVICES:
        raise InputError(f"{name}: shows {len(texts)} devices; cut it down to those that are wanted")
    shown = [(text, read_blocks(text.lines)) for text in texts]
    printed = [versions_of(text.lines, blocks) for text, blocks in shown]
    of_file = reduce(Versions.narrowed, printed)
    found, reasons = [], []
    for (text, blocks), versions in zip(shown, printed, strict=True):
        try:
            found.append(import_device(text, blocks, versions.narrowed(of_file)))
        except InputError as error:
            reasons.append(f"{name}:{text.lines[0].number}: {error}; give the whole text of lsusb -v")
    if not found:
        raise InputError(reasons[0])
    first, *others = distinct(found)
    return (evolve(first, unread=tuple(reasons)), *others)
