"""Watching a console while it is written: has a crash begun, and will the kernel say this again?"""

from __future__ import annotations

import re
from collections.abc import Mapping

from attrs import define, frozen

from .console import as_log, parse_line
from .heads import HEADS
from .search import head_of

__all__ = ["ONCE_ONLY", "Scanner", "Sighting", "once_only"]

#: Messages a kernel prints once a boot, and why. After one, the same bug stays silent until the guest's state is
#: from before it. A WARNING cannot be told from a WARN_ONCE by its text, so it counts as one.
ONCE_ONLY: Mapping[str, str] = {
    r"BOGUS urb xfer|BOGUS control dir": "dev_warn_once() or dev_WARN_ONCE() in usb_submit_urb()",
    r"WARNING: CPU: |WARNING: \S+:\d+ at |WARNING: \[": "WARN_ONCE(), and refcount_t and list checks that use it",
    r"refcount_t: |rcuref - imbalanced": "REFCOUNT_WARN() is a WARN_ONCE()",
    r"BUG: KASAN: ": "KASAN reports one bug a boot, unless booted with kasan_multi_shot",
    r"possible (?:circular|recursive)|lock order detected|inconsistent lock state|lock inversion"
    r"|bad unlock balance|held lock freed|still has locks held|suspicious RCU usage|non-static key"
    r"|lock held when returning|Invalid wait context": "lockdep turns itself off at its first report",
    r"BUG: (?:spinlock|rwlock) ": "debug_locks_off() at the first report",
    r"detected buffer overflow|field-spanning write": "WARN_ONCE() of the fortified string functions",
    r"transfer buffer not dma capable|transfer buffer is on stack": "WARN_ONCE() in USB core",
}
_ONCE = re.compile("|".join(ONCE_ONLY))

#: After these the guest is of no more use.
_FATAL = re.compile(r"Kernel panic - not syncing|Booting the kernel\.|PANIC: double fault|Fatal exception")

_LONGEST = max(len(head.words) for head in HEADS)


@frozen
class Sighting:
    """A crash line, seen as it came."""

    offset: int  #: bytes since the scanner began, of the line
    line: str  #: without printk prefix
    once: bool  #: the kernel will not say it again before it is booted or restored anew
    fatal: bool  #: nothing useful will follow


@define
class Scanner:
    """Fed with console bytes as they come, says at once when a crash has begun.

    A crash line is reported as soon as its words are there, even before its newline, and once only. The whole
    report follows later: when the console has gone quiet, give the log to :func:`usbfuzz.triage.extract`.
    """

    crashed: bool = False  #: a crash line was seen since the last reset
    once: bool = False  #: so was a message that will not come again
    fatal: bool = False  #: so was a panic
    _offset: int = 0  #: of the pending text
    _pending: str = ""  #: the line that has not ended yet
    _reported: bool = False  #: the pending line is a crash line and was reported

    def feed(self, data: bytes) -> tuple[Sighting, ...]:
        """Take console bytes, in pieces of any size; the crash lines that became visible."""
        text = self._pending + as_log(data)
        sightings = self._scan(text) if self._worth_a_look(text, len(data)) else []
        if self._reported and sightings and sightings[0].offset == self._offset:
            del sightings[0]
        last = text.rfind("\n") + 1
        if last:
            self._reported = False
        self._offset += last
        self._pending = text[last:]
        self._reported = self._reported or any(sighting.offset == self._offset for sighting in sightings)
        for sighting in sightings:
            self.crashed = True
            self.once = self.once or sighting.once
            self.fatal = self.fatal or sighting.fatal
        return tuple(sightings)

    def reset(self) -> None:
        """Forget what was seen: the guest was restored."""
        self.crashed = self.once = self.fatal = False

    def _worth_a_look(self, text: str, fresh: int) -> bool:
        begin = max(0, len(text) - fresh - _LONGEST)
        return self._reported or any(text.find(head.words, begin) >= 0 for head in HEADS)

    def _scan(self, text: str) -> list[Sighting]:
        found = []
        start = 0
        while start < len(text):
            end = text.find("\n", start)
            end = len(text) if end < 0 else end
            if head_of(text[start:end]) is not None:
                line = parse_line(text, start, end).text
                once = once_only(line)
                found.append(Sighting(self._offset + start, line, once, _FATAL.search(line) is not None))
            start = end + 1
        return found


def once_only(line: str) -> bool:
    """Whether the kernel prints a message like this at most once a boot (see :data:`ONCE_ONLY`)."""
    return _ONCE.search(line) is not None
