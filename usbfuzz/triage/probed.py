"""Reports of usbfuzz's probe, which the host writes into the guest's console log: where they end, what they tell.

::

    ==================================================================
    BUG: usbfuzz: slab-out-of-bounds in uvc_parse_format+0x1d7/0x9c0 [uvcvideo]
    Write of size 4 at addr ffff88800a3b2e38
    The address is 0 bytes past the end of the 568-byte object at ffff88800a3b2c00 of cache kmalloc-1k
    Allocated by:
     uvc_parse_streaming+0x3d/0x900 [uvcvideo]
    ==================================================================
    [   12.345678] Uhhuh. NMI received for unknown reason 30 on CPU 0.
    [   12.345680] Kernel panic - not syncing: NMI: Not continuing

The guest is stopped at the bad access itself, by an NMI; so the stack of the panic that follows is that access's.
Where the guest was let go on, there is no NMI, and the report ends at its closing line.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from attrs import frozen

from .functions import is_generic
from .printed import NMI_SENT

__all__ = ["PROBE", "STOPPED", "STOPS_WITHIN", "HeapFacts", "closes", "heap_facts", "is_probed", "stopped"]

#: How such a report begins.
PROBE = "BUG: usbfuzz: "
STOPPED = re.compile(NMI_SENT)  #: what the kernel says of the NMI that stopped it
#: Lines behind the report's closing one within which the NMI follows that it had sent.
STOPS_WITHIN = 8

_CLOSING = re.compile(r"={50,}$")
_ACCESS = re.compile(r"^((?:Read|Write|Transfer) of size \d{1,20}) at addr ", re.MULTILINE)
_OBJECT = re.compile(r"^The address is ([^\n]{1,200})$", re.MULTILINE)
_AT_ADDRESS = re.compile(r" at [0-9a-f]{8,16}\b")
_TRACK = r"^%s by:\n((?: [A-Za-z_][^\n]{0,200}(?:\n|\Z))+)"
_ALLOCATED = re.compile(_TRACK % "Allocated", re.MULTILINE)
_FREED = re.compile(_TRACK % "Freed", re.MULTILINE)
_FUNCTION = re.compile(r" *(\w+)[.\w]*\+0x[0-9a-f]+/0x[0-9a-f]+(?: \[(\w+)\])?")


@frozen
class HeapFacts:
    """What the probe knows of a bad access besides its place; each is empty where the report does not say it."""

    access: str  #: "Write of size 4"
    where: str  #: "0 bytes past the end of the 568-byte object of cache kmalloc-1k"
    allocated: str  #: the first function of the allocating stack that says something: "uvc_parse_streaming [uvcvideo]"
    freed: str  #: the same of the freeing stack


def is_probed(line: str) -> bool:
    """Whether a crash line is the first line of a report of the probe's."""
    return PROBE in line


def closes(line: str) -> bool:
    """Whether the line opens or closes such a report."""
    return _CLOSING.match(line) is not None


def stopped(lines: Iterable[str]) -> bool:
    """Whether the lines behind a report's closing one show that the kernel was stopped for it."""
    return any(STOPPED.search(line) for _, line in zip(range(STOPS_WITHIN), lines, strict=False))


def heap_facts(text: str) -> HeapFacts | None:
    """What a report's text tells of the object and of who allocated and freed it; None when it is not the probe's."""
    begin = text.find(PROBE)
    if begin < 0:
        return None
    report = text[begin:]
    access, where = _ACCESS.search(report), _OBJECT.search(report)
    return HeapFacts(
        access=access[1] if access else "",
        where=_AT_ADDRESS.sub("", where[1]) if where else "",
        allocated=_first_telling(_ALLOCATED.search(report)),
        freed=_first_telling(_FREED.search(report)),
    )


def _first_telling(track: re.Match[str] | None) -> str:
    frames = [match for line in track[1].splitlines() if (match := _FUNCTION.match(line))] if track else []
    best = next((match for match in frames if not is_generic(match[1])), frames[0] if frames else None)
    return "" if best is None else f"{best[1]} [{best[2]}]" if best[2] else best[1]
