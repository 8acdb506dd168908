"""Logs of a console that a mailer has wrapped: only the kernel's stamps tell where its lines begin."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise

from usbfuzz.triage.console import STAMP

from .rules import Rules

__all__ = ["is_quoted", "unwrapping"]

_QUOTES = re.compile(r"(?:[>|] ?)*")
_QUOTE = re.compile(r"^[>|]", re.MULTILINE)
_BEGINS = re.compile(rf"(?:<\d+>)?{STAMP}")
_WIDEST, _NARROWEST = 100, 50  #: columns that mailers wrap at
_NEARLY_ALL = 0.8  #: of the lines without a stamp
_RULES = Rules(
    kernel=(re.compile(rf"(?:[>|] ?)*+(?P<stamp>(?:<\d++>)?{STAMP}) ?"),), others=None, tail="", wrapped=True
)


def is_quoted(window: str) -> bool:
    """Whether most of the lines are quoted."""
    return sum(1 for _ in _QUOTE.finditer(window)) * 2 > window.count("\n")


def unwrapping(windows: Sequence[str]) -> Rules | None:
    """Rules that join lines, when no line is wide and those without a stamp begin with a word that was too many."""
    lines = [_QUOTES.sub("", line, 1).rstrip() for window in windows for line in window.split("\n")]
    width = max((len(line) for line in lines if " " in line[_NARROWEST:]), default=0)
    if not _NARROWEST < width <= _WIDEST:
        return None
    pairs = [(before, line) for before, line in pairwise(lines) if line and before and not _BEGINS.match(line)]
    stamped = sum(bool(_BEGINS.match(line)) for line in lines)
    fitting = sum(len(before) + 1 + len(line.split()[0]) > width for before, line in pairs)
    return _RULES if stamped and fitting > 1 and fitting >= len(pairs) * _NEARLY_ALL else None
