"""One line of a log, rewritten."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator

from attrs import frozen

__all__ = ["NO_TIME", "Piece", "bare_line", "is_untidy", "raw_lines"]

_COLOURS = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
_BREAK = re.compile(r" *<br ?/?>$")
#: A web page's blank that does not break, in UTF-8.
_HARD_BLANK = "\xc2\xa0"
#: What a line may have besides prefixes, and loses: colours, carriage returns before it, a web page's signs and blanks.
_UNTIDY = ("\x1b[", "\n\r", "&lt;", "&gt;", "<br", _HARD_BLANK)

#: Stands before a line of the kernel whose own time stamp is not in the log, so that it is known as the kernel's.
NO_TIME = "[    0.000000]"


@frozen
class Piece:
    """A line as a console would print it, and the bytes of the log it was made of (with their newline)."""

    text: str
    start: int
    end: int


def is_untidy(text: str) -> bool:
    """Whether :func:`bare_line` changes more of a text than its line ends."""
    return any(mark in text for mark in _UNTIDY)


def bare_line(line: str) -> str:
    """A line without colours and carriage returns, and from HTML into text."""
    line = line.strip("\r").replace(_HARD_BLANK, " ")
    if "\x1b" in line:
        line = _COLOURS.sub("", line)
    if "&lt;" in line or "&gt;" in line or "<br" in line[-8:]:
        line = html.unescape(_BREAK.sub("", line))
    return line


def raw_lines(log: str) -> Iterator[Piece]:
    """The lines of a log as they are, without line ends."""
    start = 0
    while start < len(log):
        end = log.find("\n", start)
        end = len(log) if end < 0 else end
        yield Piece(log[start:end], start, min(end + 1, len(log)))
        start = end + 1
