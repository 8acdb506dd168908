"""HID report descriptors from the items lsusb shows."""

from __future__ import annotations

from usbfuzz.importers.model import Problem

from .blocks import Block
from .names import REPORT_TAGS, REPORT_TYPES
from .versions import Versions

__all__ = ["rebuild_report"]

_SIZES = {0: 0, 1: 1, 2: 2, 4: 3}  #: bytes of data: bSize
_NAMELESS_RELEASE = 18
_NAMELESS = 0xF0  #: bTag of an item lsusb has no name for: reserved, and the long item's


def rebuild_report(block: Block, promised: int, versions: Versions) -> tuple[bytes, tuple[Problem, ...]]:
    """The report descriptor of a block of items, and what was wrong with them; empty when it cannot be told.

    ``promised`` is its length by the HID descriptor; ``versions`` are the releases that may have printed it.
    """
    if _names_are_lost(block) and not versions.may_be(_NAMELESS_RELEASE, _NAMELESS_RELEASE):
        reason = f"the device gave {block.length} of {promised} bytes of its report descriptor, all of reserved items"
        return b"", (Problem(block.line, f"{reason}, most likely zeros; left out"),)
    if _names_are_lost(block):
        reason = "usbutils 018 prints (null) for the names of HID items, so the report descriptor cannot be rebuilt"
        return b"", (Problem(block.line, f"{reason}; lsusb of another version shows them"),)
    raw, problems = bytearray(), []
    for line, kind, tag, data in block.items:
        prefix = REPORT_TAGS.get(tag)
        if prefix is None:
            prefix = _NAMELESS | REPORT_TYPES.get(kind, 3) << 2
            problems.append(Problem(line, f"HID item {tag!r} has no name in HID 1.11; its tag was taken as 0xf"))
        if len(data) not in _SIZES:
            problems.append(Problem(line, f"HID item {tag!r} with {len(data)} bytes of data; left out"))
            continue
        raw.append(prefix | _SIZES[len(data)])
        raw += data
    if block.length and len(raw) < block.length:
        problems.append(Problem(block.line, f"a report descriptor of {block.length} bytes, {len(raw)} are shown"))
    return bytes(raw[: block.length or None]), tuple(problems)


def _names_are_lost(block: Block) -> bool:
    """Whether no item but the first of lsusb's list has a name: all are reserved, or lsusb is of release 018.

    Its bug is pull request 228 of usbutils.
    """
    names = {tag for _, _, tag, _ in block.items}
    return "(null)" in names and names <= {"(null)", "Usage Page"}
