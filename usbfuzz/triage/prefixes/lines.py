"""Rewrites the lines of a log by the rules that were learned of it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from attrs import evolve

from usbfuzz.triage.console import LONGEST_LINE, STAMP

from .piece import NO_TIME, Piece, bare_line, unquoted
from .rules import Rules

__all__ = ["rewritten"]

_CALLER = re.compile(r"(?:caller=|\[ *)([CT]\d+)")
_CONSOLE = re.compile(rf"(?:<\d+>)?{STAMP}(?: |$)")
_FIELD = re.compile(r" [A-Z_]+=")  #: a property of a record of /dev/kmsg, not part of its text
#: The end of a line that was broken within a word, or behind a blank that is still there.
_GOES_ON = re.compile(r"\s$|(?<!\s)[+/_]$")


def rewritten(pieces: Iterable[Piece], rules: Rules) -> Iterator[Piece]:
    """The lines of the kernel as a console prints them, and what has no prefix at all joined or kept."""
    last: Piece | None = None  #: the kernel's line that may go on
    program = False  #: the line before is a program's, and so is what has no prefix
    for piece in pieces:
        line = bare_line(unquoted(piece.text) if rules.quoted else piece.text)
        text = _kernels(line, rules)
        if text is None and last is not None and _continues(line, rules):
            last = evolve(last, text=last.text if _FIELD.match(line) else _joined(last.text, line), end=piece.end)
            continue
        if last is not None:
            yield last
        last = None if text is None else evolve(piece, text=text)
        if text is None:
            if rules.others and rules.others.match(line, 0, LONGEST_LINE):
                program = True
            elif not (program and line.strip()):
                program = False
                yield evolve(piece, text=line)
        else:
            program = False
    if last is not None:
        yield last


def _continues(line: str, rules: Rules) -> bool:
    """Whether a line without prefix is the end of the one before, which a mailer has wrapped."""
    if not rules.wrapped or (rules.others and rules.others.match(line, 0, LONGEST_LINE)):
        return False
    return bool(unquoted(line).strip())


def _joined(text: str, more: str) -> str:
    more = unquoted(more).rstrip() if more.startswith((">", "|")) else more
    blank = "" if _GOES_ON.search(text[-2:]) or more.startswith(" ") else " "
    return f"{text}{blank}{more}" if len(text) < LONGEST_LINE else text


def _kernels(line: str, rules: Rules) -> str | None:
    """A line of the kernel without what stands before its time stamp; None when it is of another sort."""
    for pattern in rules.kernel:
        found = pattern.match(line, 0, LONGEST_LINE)
        if found is not None:
            rest = line[found.end() :].removesuffix(rules.tail)
            stamp = found.groupdict().get("stamp")
            return f"{stamp} {rest}" if stamp else _stamped(rest, found[0])
    return line if _CONSOLE.match(line) else None


def _stamped(rest: str, prefix: str) -> str:
    if _CONSOLE.match(rest):
        return rest
    caller = _CALLER.search(prefix)
    return f"{NO_TIME}[{caller[1]:>6}] {rest}" if caller else f"{NO_TIME} {rest}"
