"""Finding the lines where crashes begin, fast: a few passes of substring search over the raw log."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice

from attrs import frozen

from .console import LONGEST_LINE, NO_PREFIX, UNKNOWN_CALLER, lines_back, lines_from, parse_line
from .heads import HEADS
from .shape import Head

__all__ = ["CrashLine", "crash_lines", "head_of"]

#: printk prints the line again because a new console was registered in its middle: the first copy is cut.
_REPLAYED = re.compile(r"\n[^\n]*\*\* replaying previous printk message \*\*")

#: A WARN (until August 2025) prints this message first or second; then the warning is the report.
_BOGUS = "BOGUS urb xfer"
_WARNS = re.compile(r"cut here|WARNING: .*(?:urb\.c|usb_submit_urb)")
_NEARBY_SAME_CALLER = 2  #: lines before and after
_NEARBY = 10  #: the same when callers are not told apart, and others print between
_REACH = 1 << 14  #: bytes


@frozen
class CrashLine:
    """A line where a crash report begins, or goes on."""

    start: int  #: byte offset of the line
    end: int  #: of its newline, or of the end of the log
    head: Head


def head_of(line: str) -> Head | None:
    """The head a line is spotted by; None for an innocent line."""
    return next((head for head in HEADS if head.spots(line)), None)


def crash_lines(log: str) -> list[CrashLine]:
    """All lines of the log that begin or continue a crash report, in the order of the log."""
    starts = {log.rfind("\n", 0, hit) + 1 for head in HEADS for hit in _occurrences(log, head.words)}
    found: list[CrashLine] = []
    for start in sorted(starts):
        end = log.find("\n", start)
        end = len(log) if end < 0 else end
        head = head_of(log[start : min(end, start + LONGEST_LINE)])
        if head is None or _REPLAYED.match(log, end):
            continue
        if head.words == _BOGUS and _part_of_a_warning(log, start, end):
            continue
        if found and found[-1].head is head and found[-1].end + 1 == start and _inlined(log, found[-1]):
            found.pop()
        found.append(CrashLine(start, end, head))
    return found


def _inlined(log: str, crash: CrashLine) -> bool:
    """Whether a symbolizer wrote the line: the same again for a call that was inlined into the next line's function."""
    return log[max(crash.start, crash.end - 16) : crash.end].rstrip().endswith("[inline]")


def _part_of_a_warning(log: str, start: int, end: int) -> bool:
    caller = parse_line(log, start, end).caller
    nearby = _NEARBY if caller in (NO_PREFIX, UNKNOWN_CALLER) else _NEARBY_SAME_CALLER
    for lines in (lines_back(log, start, _REACH), lines_from(log[end + 1 : end + _REACH], 0)):
        same = (line.text for line in lines if line.caller == caller)
        if any(_WARNS.search(text) for text in islice(same, nearby)):
            return True
    return False


def _occurrences(log: str, words: str) -> Iterator[int]:
    """First occurrence in each line that has one."""
    hit = log.find(words)
    while hit >= 0:
        yield hit
        line_end = log.find("\n", hit)
        hit = log.find(words, line_end) if line_end >= 0 else -1
