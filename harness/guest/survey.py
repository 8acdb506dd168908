"""What user space sees of the USB devices in a guest, as the agent's verb ``survey`` tells it."""

from __future__ import annotations

import re
from collections import Counter

from attrs import frozen

from usbfuzz.errors import GuestError

__all__ = ["Seen", "seen_in"]

_ANSWER_BYTES = 1 << 20  #: the agent's own limit (ANSWER_BYTES in survey.c)
_LINE_BYTES = 10_000  #: a place, a label and a property, and a value of NOTE_BYTES in notes.c
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
    if len(answer) > _ANSWER_BYTES:
        raise GuestError(f"the guest agent answered with {len(answer)} bytes to survey; the guest is corrupted")
    keys = _Keys()
    seen: list[Seen] = []
    for raw in answer.split(b"\n")[:-1]:
        line = raw.decode("utf-8", "backslashreplace")
        match = _LINE.fullmatch(line) if len(raw) <= _LINE_BYTES else None
        if match is None:
            raise GuestError(f"the guest agent answered {line[:80]!r} to survey; the guest is corrupted")
        key = keys.unused((match[1], match[2] or "", _printable(match[3])))
        seen.append(Seen(*key, _printable(match[4])))
    return tuple(sorted(seen))


def _printable(text: str) -> str:
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)


class _Keys:
    """Keys that are each there once: one that was given before gets ``#2`` and so on behind what is seen."""

    def __init__(self) -> None:
        self._times: Counter[tuple[str, str, str]] = Counter()

    def unused(self, key: tuple[str, str, str]) -> tuple[str, str, str]:
        free = key
        while self._times[free]:
            self._times[key] += 1
            free = (*key[:2], f"{key[2]} #{self._times[key]}")
        self._times[free] = 1
        return free
