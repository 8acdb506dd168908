"""What was learned of a log."""

from __future__ import annotations

import re

from attrs import frozen

__all__ = ["Rules"]


@frozen
class Rules:
    """How the lines of one log are told apart."""

    kernel: tuple[re.Pattern[str], ...]  #: what stands before the kernel's words; group "stamp" is its own time stamp
    others: re.Pattern[str] | None  #: how a line of a program begins
    tail: str  #: what ends every line
    wrapped: bool  #: a line without any prefix is the end of the one before it: next to all lines have one
