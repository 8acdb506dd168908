"""What was learned of a log."""

from __future__ import annotations

import re

from attrs import evolve, frozen

from usbfuzz.triage.console import STAMP

__all__ = ["BARE", "STAMPED", "Rules"]


@frozen
class Rules:
    """How the lines of one log are told apart."""

    kernel: tuple[re.Pattern[str], ...]  #: what stands before the kernel's words; group "stamp" is its own time stamp
    others: re.Pattern[str] | None  #: how a line of a program begins
    tail: str  #: what ends every line
    wrapped: bool  #: a line without any prefix is the end of the one before it: next to all lines have one
    quoted: bool = False  #: next to all lines stand behind marks of quotation


#: Of a log all of whose lines are the kernel's, as it wrote them.
BARE = Rules(kernel=(re.compile(""),), others=None, tail="", wrapped=False)
#: Of a log in which nothing but stamps precedes the kernel's lines.
STAMPED = evolve(BARE, kernel=(re.compile(rf"(?P<stamp>(?:<\d++>)?{STAMP}) ?"),))
