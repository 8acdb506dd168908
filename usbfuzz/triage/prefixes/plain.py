"""A log as a console prints it, and where each of its lines stood in the log that was sent."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable

from attrs import frozen

from .learn import learn
from .lines import rewritten
from .piece import Piece, raw_lines
from .records import in_order, records

__all__ = ["Plain", "plain_log"]


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
    if "\n" not in log.rstrip("\n"):  # of a terminal that ends lines with carriage returns
        log = log.replace("\r", "\n")
    kept = records(log)
    if kept is not None:
        return _joined(kept)
    rules = learn(log)
    parts = in_order(log)
    if rules is None:
        return Plain(log) if parts is None else _joined(parts)
    return _joined(rewritten(raw_lines(log) if parts is None else parts, rules))


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
