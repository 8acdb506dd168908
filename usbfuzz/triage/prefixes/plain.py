"""A log as a console prints it, and where each of its lines stood in the log that was sent."""

from __future__ import annotations

import codecs
import re
from bisect import bisect_right
from collections.abc import Iterable

from attrs import frozen

from usbfuzz.triage.console import STAMP

from .learn import learn
from .lines import rewritten
from .piece import Piece, raw_lines
from .records import in_order, records

__all__ = ["Plain", "plain_log"]

#: What stands before a line that follows in the same line.
_STAMPED = re.compile(rf" (?=(?:<\d+>)?{STAMP} )")
_MANY = 4  #: lines in one
_BYTE_ORDER_MARK = codecs.BOM_UTF8.decode("latin-1")


@frozen
class Plain:
    """The kernel's lines of a log, without what stood before them."""

    text: str
    starts: tuple[int, ...] = ()  #: byte offset of each line in :attr:`text`; none: the log itself
    spans: tuple[tuple[int, int], ...] = ()  #: the bytes of the log that each line was made of

    def span(self, start: int, end: int) -> tuple[int, int]:
        """Where the bytes from ``start`` to ``end`` of :attr:`text` stood in the log."""
        if not self.starts:
            return start, end
        first = self.spans[max(bisect_right(self.starts, start) - 1, 0)]
        last = self.spans[max(bisect_right(self.starts, max(end - 1, start)) - 1, 0)]
        return first[0], max(last[1], first[1])


def plain_log(log: str) -> Plain:
    """The log without prefixes; the log itself when a console printed it. Takes time in proportion to its size."""
    log = _with_line_ends(log)
    kept = records(log)
    if kept is not None:
        return _joined(kept)
    rules = learn(log)
    parts = in_order(log)
    if rules is None:
        return Plain(log) if parts is None else _joined(parts)
    return _joined(rewritten(raw_lines(log) if parts is None else parts, rules))


def _with_line_ends(log: str) -> str:
    """The log with its lines ended, each byte at its place: a terminal used carriage returns, a web form blanks.

    An editor's mark of the encoding is a line of its own.
    """
    if log.startswith(_BYTE_ORDER_MARK):
        log = "\n" * len(_BYTE_ORDER_MARK) + log[len(_BYTE_ORDER_MARK) :]
    ends = log.count("\n")
    if ends < 2:
        log = log.replace("\r", "\n")
    return _STAMPED.sub("\n", log) if ends * _MANY < log.count(" [") else log


def _joined(pieces: Iterable[Piece]) -> Plain:
    texts: list[str] = []
    starts: list[int] = []
    spans: list[tuple[int, int]] = []
    size = 0
    for piece in pieces:
        texts.append(piece.text)
        starts.append(size)
        spans.append((piece.start, piece.end))
        size += len(piece.text) + 1
    return Plain("".join([f"{text}\n" for text in texts]), tuple(starts), tuple(spans))
