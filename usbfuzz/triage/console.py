"""The Linux console as lines: who printed each, and what is left when the printk prefix is taken off.

A log is handled as a string of bytes-as-characters (Latin-1): any input is valid, and offsets are byte offsets.

Sources: kernel/printk/printk.c (timestamp, ``CONFIG_PRINTK_CALLER``), arch/*/kernel/*stack*.c (doubtful frames).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from attrs import frozen

from .printed import GUESS_AFTER, GUESS_BEFORE

__all__ = [
    "LONGEST_LINE", "NO_PREFIX", "STAMP", "UNKNOWN_CALLER", "Line",
    "as_log", "as_text", "is_cpu", "is_task", "lines_back", "lines_from", "parse_line",
]  # fmt: skip

#: Caller of a line that has no printk prefix at all: user space, firmware, or a continuation.
NO_PREFIX = ""
#: Caller of a kernel line from a kernel without ``CONFIG_PRINTK_CALLER``.
UNKNOWN_CALLER = "?"

#: Seconds since boot, always with microseconds (an X server's have three digits), and the task or CPU.
STAMP = r"\[ *+\d++\.\d{6}\](?:\[ *+([CT]\d++)\])?+"
_STAMP = rf"(?:<\d+>)?{STAMP} "  #: with the level before it
_DROPPED = r"\*\* \d+ printk messages dropped \*\* "  #: console_unlock() on overflow, same line
_PREFIX = re.compile(_STAMP)
_RARE_PREFIX = re.compile(rf"(?:{_DROPPED})?(?:.* login: )?{_STAMP}")  #: getty shares the serial line

#: printk cuts lines at about a kilobyte, so longer ones are not the kernel's; what exceeds this is not looked at.
LONGEST_LINE = 4096


@frozen
class Line:
    """One console line."""

    start: int  #: byte offset of the line in the log
    end: int  #: byte offset of its newline (or of the end of the log)
    caller: str  #: "T123" (task), "C0" (CPU, in an interrupt), UNKNOWN_CALLER or NO_PREFIX
    text: str  #: without the printk prefix and without the line end
    doubtful: bool  #: a stack frame that the kernel's unwinder marked as unreliable


def as_log(data: str | bytes) -> str:
    """A console log in the form that the rest of this package works on: one character a byte."""
    return (data.encode("utf-8", "replace") if isinstance(data, str) else bytes(data)).decode("latin-1")


def as_text(log: str) -> str:
    """A piece of such a log as a reader wants it; what is no UTF-8 is replaced."""
    return log.encode("latin-1", "replace").decode("utf-8", "replace")


def parse_line(log: str, start: int, end: int) -> Line:
    """Take the line at log[start:end] (without its newline) apart; unknown forms keep all their text."""
    cut = min(end, start + LONGEST_LINE)
    prefix = _PREFIX.match(log, start, cut)
    if prefix is None:
        if log.startswith("** ", start) or log.find(" login: ", start, cut) >= 0:
            prefix = _RARE_PREFIX.match(log, start, cut)
        if prefix is None:
            text = log[start:cut].rstrip("\r")
            text, doubtful = _without_doubt(text) if ">] ? " in text else (text, False)
            return Line(start, end, NO_PREFIX, text, doubtful)
    text = log[log.index("] ", start) + 2 : cut].rstrip("\r")
    text, doubtful = (text, False) if "<EOI>" in text else _without_doubt(text)
    return Line(start, end, prefix.group(1) or UNKNOWN_CALLER, text, doubtful)


def _without_doubt(text: str) -> tuple[str, bool]:
    """A line without the mark of a frame that was merely found on the stack, and whether it had that mark."""
    for mark in GUESS_BEFORE:
        at = text.find(mark)
        if at >= 0:
            return text[at + len(mark) - 1 :], True
    for mark in GUESS_AFTER:
        if text.endswith(mark):
            return text[: -len(mark)], True
    return text, False


def lines_from(log: str, start: int) -> Iterator[Line]:
    """The lines from byte ``start`` (of a line) on."""
    while start < len(log):
        end = log.find("\n", start)
        end = len(log) if end < 0 else end
        yield parse_line(log, start, end)
        start = end + 1


def lines_back(log: str, before: int, reach: int) -> Iterator[Line]:
    """The lines before byte ``before`` (of a line), last first, as far as ``reach`` bytes back."""
    end = before - 1
    while end > 0 and end > before - reach:
        start = log.rfind("\n", 0, end) + 1
        yield parse_line(log, start, end)
        end = start - 1


def is_task(caller: str) -> bool:
    """The line came from task context and says of which task."""
    return caller.startswith("T")


def is_cpu(caller: str) -> bool:
    """The line came from interrupt context and says on which CPU."""
    return caller.startswith("C")
