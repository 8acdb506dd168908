"""Logs that a mailer has wrapped: the kernel's stamps, or the prefixes learned, tell where lines begin."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import pairwise

from attrs import evolve

from .rules import STAMPED, Rules

__all__ = ["is_narrow", "is_wrapped", "unwrapping"]

_WIDEST, _NARROWEST = 100, 50  #: columns that mailers wrap at
_NEARLY_ALL = 0.8  #: of the lines without a stamp


def unwrapping(windows: Sequence[str]) -> Rules | None:
    """Rules that join lines, when nothing but stamps precedes those that were wrapped."""
    return evolve(STAMPED, wrapped=True) if is_wrapped(windows, STAMPED.kernel) else None


def is_wrapped(windows: Sequence[str], starts: Sequence[re.Pattern[str]]) -> bool:
    """Whether no line is wide, and those without any of the prefixes begin with a word that was too many.

    A prefix alone tells nothing: blanks may have followed it.
    """
    lines = [line.rstrip() for window in windows for line in window.split("\n")]
    width = _width(lines)
    if not _NARROWEST < width <= _WIDEST:
        return False
    ends = [max((found.end() for start in starts if (found := start.match(line))), default=-1) for line in lines]
    pairs = [
        (before, line)
        for (before, end), (line, begins) in pairwise(zip(lines, ends, strict=True))
        if begins < 0 and line and len(before) > max(end, 0)
    ]
    fitting = sum(len(before) + 1 + len(line.split()[0]) > width for before, line in pairs)
    return max(ends) >= 0 and fitting > 1 and fitting >= len(pairs) * _NEARLY_ALL


def is_narrow(window: str) -> bool:
    """Whether a mailer may have wrapped the lines: none is wide."""
    return _NARROWEST < _width(window.split("\n")) <= _WIDEST


def _width(lines: Iterable[str]) -> int:
    """Of the widest line that could have been broken."""
    return max((len(line.rstrip()) for line in lines if " " in line[_NARROWEST:]), default=0)
