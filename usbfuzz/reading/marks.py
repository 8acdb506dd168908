"""Text whose lines have something before them: quotation marks, signs of remarks and diffs, numbers, a log's times.

For lists and dumps each line of which is recognised by how it begins. It takes off more than a reader would of prose,
and so is for a text in which nothing was found otherwise.
"""

from __future__ import annotations

import re

__all__ = ["unmarked"]

_MARKS = re.compile(r"(?:[A-Z]{1,3}>|//|\[code[^\]\n]{0,40}\]|\+(?!\+)|[>|:#*%;\s])*")
#: The years of times are numbers as well, so these come last.
_NUMBERS = (
    re.compile(r"\w{3} [ \d]\d \d\d:\d\d:\d\d \S{1,64} [^\s:]{1,64}: ?"),  # syslog, RFC 3164 §4.1
    re.compile(r"\d{4}-\d\d-\d\dT[\d:.,+Z-]{8,24} \S{1,64} [^\s:]{1,64}: ?"),  # journalctl -o short-iso
    re.compile(r"\s*(?:[^\s:]{1,120}:)?\d{1,7}(?:[:|)-]|\t|  ?)"),  # grep -n, cat -n, nl
)
_NEARLY_ALL = 0.9  #: of the lines that are not empty


def unmarked(text: str) -> str:
    """The text without numbers and times if nearly all lines have them, and without marks where there are any."""
    lines = text.split("\n")
    written = sum(1 for line in lines if line.strip())
    for numbers in _NUMBERS:
        if sum(1 for line in lines if numbers.match(line)) > written * _NEARLY_ALL:
            lines = [numbers.sub("", line, count=1) for line in lines]
            break
    return "\n".join(_MARKS.sub("", line, count=1) for line in lines)
