"""The text that usbmon prints (``/sys/kernel/debug/usb/usbmon/1u``), Documentation/usb/usbmon.rst.

Both forms are read: ``u``, whose addresses name the bus, and the older ``t``, whose do not. usbmon prints at most 32
bytes of data, so that longer answers are cut.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator

from attrs import evolve

from usbfuzz.descriptors.constants import DIRECTION_IN
from usbfuzz.importers.model import Problem
from usbfuzz.wire import Setup, Status, TransferType

from .urbs import Frame, UrbEvent, linux_status

__all__ = ["looks_usbmon", "read_usbmon"]

_LINE = re.compile(
    rb"(?P<tag>[0-9a-f]{6,16}) (?P<time>\d{1,10}) (?P<event>[SCE])"
    rb" (?P<kind>[CZIB])(?P<direction>[io]):(?:(?P<bus>\d{1,5}):)?(?P<address>\d{1,3}):(?P<endpoint>\d{1,2})"
    rb" (?P<rest>[^\r\n]{1,4096})"
)
#: Data that a mailer put on lines of their own.
_MORE = re.compile(rb"[0-9a-f]{2,8}(?: [0-9a-f]{2,8}){0,7}")
_LOOK = 64 << 10  #: bytes searched for a line of usbmon
_TYPES = {
    b"C": TransferType.CONTROL,
    b"Z": TransferType.ISOCHRONOUS,
    b"I": TransferType.INTERRUPT,
    b"B": TransferType.BULK,
}
_WRAP_NS = (1 << 32) * 1000  #: the clock is 32 bits of microseconds
_MAX_DATA_LINES = 8  #: there are eight words of data at most
_MAX_FRAMES = 5  #: what usbmon prints of an isochronous transfer


def looks_usbmon(content: bytes) -> bool:
    """A line of usbmon somewhere at the beginning."""
    return any(_LINE.match(line) for line in content[:_LOOK].splitlines())


def read_usbmon(content: bytes) -> tuple[list[UrbEvent], list[Problem]]:
    """All events of the text, and a problem for the lines that are none, which quotes the first of them."""
    urbs: list[UrbEvent] = []
    strange: list[tuple[int, bytes]] = []
    wraps, last = 0, 0
    for number, line in _whole(content.splitlines()):
        urb = _urb(line, number)
        if urb is None:
            strange += [(number, line)] if line.strip() else []
            continue
        wraps += urb.time_ns < last - _WRAP_NS // 2
        last = urb.time_ns
        urbs.append(evolve(urb, time_ns=urb.time_ns + wraps * _WRAP_NS))
    return urbs, list(_complaints(strange))


def _whole(lines: list[bytes]) -> Iterator[tuple[int, bytes]]:
    """Number and text of each line, joined with the data of it that stand in the next ones."""
    number, parts = 0, list[bytes]()
    for at, line in enumerate(map(bytes.strip, lines), 1):
        if parts and len(parts) <= _MAX_DATA_LINES and b" =" in parts[0] and _MORE.fullmatch(line):
            parts.append(line)
            continue
        if parts:
            yield number, b" ".join(parts)
        number, parts = at, [line]
    if parts:
        yield number, b" ".join(parts)


def _complaints(strange: list[tuple[int, bytes]]) -> Iterator[Problem]:
    if strange:
        number, line = strange[0]
        more = f", nor are {len(strange) - 1} others" if len(strange) > 1 else ""
        yield Problem(number, f"{line[:40].decode('ascii', 'replace')!r} is no event of usbmon{more}; left out")


def _urb(line: bytes, number: int) -> UrbEvent | None:
    found = _LINE.fullmatch(line)
    if found is None:
        return None
    complete = found["event"] != b"S"
    direction = DIRECTION_IN if found["direction"] == b"i" else 0
    urb = UrbEvent(
        id=int(found["tag"], 16),
        complete=complete,
        bus=int(found["bus"] or 0),
        address=int(found["address"]),
        bEndpointAddress=int(found["endpoint"]) & 0x0F | direction,
        type=_TYPES[found["kind"]],
        time_ns=int(found["time"]) * 1000,
        place=number,
    )
    try:
        return _rest(urb, found["rest"].split(), failed=found["event"] == b"E")
    except (ValueError, IndexError, struct.error):
        return None


def _rest(urb: UrbEvent, words: list[bytes], *, failed: bool) -> UrbEvent:
    """Setup or status, frames, length, data. Raises ValueError, IndexError or struct.error when one is not there."""
    setup: Setup | None = None
    status: Status | None = Status.OK
    frames: tuple[Frame, ...] = ()
    if words[0] == b"s":
        setup = Setup.unpack(struct.pack("<BBHHH", *(int(word, 16) for word in words[1:6])))
        words = words[6:]
    else:
        status = linux_status(int(words[0].split(b":")[0]))
        words = words[1:]
        if urb.type is TransferType.CONTROL and words[:1] == [b"__"]:
            words = words[5:]  # a submission whose setup packet could not be read
    if urb.type is TransferType.ISOCHRONOUS and words:
        printed = min(int(words[0]), _MAX_FRAMES)
        frames = tuple(map(_frame, words[1 : 1 + printed]))
        words = words[1 + printed :]
    length = int(words[0]) if words else 0
    data = bytes.fromhex(b"".join(words[2:]).decode("ascii")) if words[1:2] == [b"="] else b""
    return evolve(
        urb,
        setup=setup,
        status=None if failed else status,
        length=length,
        data=data[:length],
        frames=frames,
    )


def _frame(word: bytes) -> Frame:
    status, offset, length = (int(part) for part in word.split(b":"))
    return Frame(linux_status(status) or Status.IO_ERROR, offset, length)
