"""Text from elsewhere as it may be shown."""

from __future__ import annotations

import re

__all__ = ["plain", "printable"]

#: Characters that XML 1.0 forbids (§2.2), that move a terminal's cursor, or that change the direction of text.
_UNPRINTABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]")


def printable(text: str) -> str:
    """Text with ``?`` for what is not printable: names and logs may hold any character, and are shown on terminals."""
    return "".join(char if char.isprintable() else "?" for char in text)


def plain(text: str) -> str:
    """The text without control characters other than tab and newline."""
    return _UNPRINTABLE.sub("\N{REPLACEMENT CHARACTER}", text)
