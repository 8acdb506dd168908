"""What user space sees of the USB devices in a guest, as the agent's verb ``survey`` tells it."""

from __future__ import annotations

import re

from attrs import frozen

from usbfuzz.errors import GuestError

__all__ = ["Seen", "seen_in"]

_LINES = 20_000
_LINE_CHARS = 10_000
#: The sysfs name of a device or an interface (``3-1.4:1.0``), what is seen there, a tab, and how it is.
_LINE = re.compile(r"(\d+-[\d.]+)(?::(\d+\.\d+))? ([^\t]+)\t([^\t]+)")


@frozen(order=True)
class Seen:
    """One thing that user space sees of a USB device: a property of an input device, a stream, a control, a node."""

    device: str  #: its sysfs name, ``3-1``
    interface: str  #: configuration and number of the interface it belongs to, ``1.0``; "" for the device itself
    what: str  #: ``input 'Product 1' keys``; once in each interface
    value: str  #: ``KEY_MUTE KEY_VOLUMEUP``; ``present`` where there is no more to say


def seen_in(answer: bytes) -> tuple[Seen, ...]:
    """The lines of a survey, sorted by device, interface and what is seen; raises GuestError when they are none."""
    lines = answer.decode("utf-8", "backslashreplace").split("\n")[:-1]
    if len(lines) > _LINES:
        raise GuestError(f"the guest agent answered with {len(lines)} lines to survey; the guest is corrupted")
    seen: dict[tuple[str, str, str], str] = {}
    for line in lines:
        match = _LINE.fullmatch(line) if len(line) <= _LINE_CHARS else None
        if match is None:
            raise GuestError(f"the guest agent answered {line[:80]!r} to survey; the guest is corrupted")
        seen[_unused(seen, (match[1], match[2] or "", _printable(match[3])))] = _printable(match[4])
    return tuple(sorted(Seen(*key, value) for key, value in seen.items()))


def _printable(text: str) -> str:
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)


def _unused(seen: dict[tuple[str, str, str], str], key: tuple[str, str, str]) -> tuple[str, str, str]:
    """The key, or with ``#2`` and so on behind what is seen when that is taken."""
    number, free = 1, key
    while free in seen:
        number += 1
        free = (*key[:2], f"{key[2]} #{number}")
    return free
