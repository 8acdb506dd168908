"""One line of a log, rewritten."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator

from attrs import frozen

__all__ = ["HARD_BLANK", "NO_TIME", "QUOTES", "Piece", "bare_line", "is_quoted", "is_untidy", "raw_lines", "unquoted"]

_COLOURS = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
#: Of a web page; the kernel's own <TASK> and <IRQ> are no elements.
_TAG = re.compile(
    r" *<br ?/?>|</?(?:a|b|body|code|dd|div|dl|dt|em|font|html|i|li|ol|p|pre|samp|span|strong|table|tbody|td|th|tr|tt"
    r"|ul)(?: [^<>]{0,200})?>"
)
_ENTITY = re.compile(r"&(?:lt|gt|amp|quot|apos|nbsp|#\d{1,6}|#x[0-9a-fA-F]{1,6});")
#: A web page's blank that does not break, in UTF-8.
HARD_BLANK = "\xc2\xa0"
#: What a line may have besides prefixes, and loses: colours, carriage returns before it, a web page's signs and blanks.
_UNTIDY = (
    *("\x1b[", "\n\r", HARD_BLANK),
    *(
        "&lt;",
        "&gt;",
        "&amp;",
        "&quot;",
        "&#",
        "<br",
        "</li>",
        "</p>",
        "</td>",
        "</div>",
        "</span>",
        "</code>",
        "</pre>",
    ),
)

#: Marks of quotation before a line.
QUOTES = re.compile(r"^(?:[>|][ \t]?)++", re.MULTILINE)

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
    line = line.strip("\r").replace(HARD_BLANK, " ")
    if "\x1b" in line:
        line = _COLOURS.sub("", line)
    if "<" in line:
        line = _TAG.sub("", line)
    return _ENTITY.sub(_letter, line) if "&" in line else line


def _letter(entity: re.Match[str]) -> str:
    return html.unescape(entity[0]).replace("\xa0", " ")


def is_quoted(text: str) -> bool:
    """Whether most of the lines are quoted."""
    return sum(1 for _ in QUOTES.finditer(text)) * 2 > text.count("\n")


def unquoted(text: str) -> str:
    """Lines without the marks of quotation before each."""
    return QUOTES.sub("", text)


def raw_lines(log: str) -> Iterator[Piece]:
    """The lines of a log as they are, without line ends."""
    start = 0
    while start < len(log):
        end = log.find("\n", start)
        end = len(log) if end < 0 else end
        yield Piece(log[start:end], start, min(end + 1, len(log)))
        start = end + 1
