"""Which of many cases are enough to reach all that they reach together. Blocks are bits of a number."""

from __future__ import annotations

import heapq
from collections.abc import Collection, Iterable, Mapping, Sequence

__all__ = ["cover"]

Cost = tuple[int, ...]  #: of keeping a case; of two that reach as much the one with less is taken


def cover(reached: Mapping[str, int], cost: Mapping[str, Cost], stay: Collection[str] = ()) -> dict[str, int]:
    """The cases that are kept, each with the blocks it is kept for: every block is one's.

    Those of ``stay`` are kept anyway, for nothing if need be; of the others none that the rest could do without. It is
    the greedy set cover: whichever reaches most that is missing comes next, and what turns out redundant goes. A block
    that several reach is the cheapest one's, so that the others are kept only for what they alone can do.
    """
    picked = [*sorted(stay)]
    covered = 0
    for name in picked:
        covered |= reached[name]
    waiting = [(-reached[name].bit_count(), cost[name], name) for name in reached.keys() - set(stay)]
    heapq.heapify(waiting)
    while waiting:
        promised, price, name = heapq.heappop(waiting)
        gain = (reached[name] & ~covered).bit_count()
        if gain == -promised and gain:
            picked.append(name)
            covered |= reached[name]
        elif gain:
            heapq.heappush(waiting, (-gain, price, name))
    kept = _needed(picked, len(stay), reached)
    return _assigned(sorted(kept, key=lambda name: (name not in stay, cost[name], name)), reached)


def _needed(picked: Sequence[str], fixed: int, reached: Mapping[str, int]) -> list[str]:
    """Those of which none could go; the first ``fixed`` stay."""
    before = [0]
    for name in picked:
        before.append(before[-1] | reached[name])
    kept, behind = list[str](), 0
    for at in range(len(picked) - 1, -1, -1):
        name = picked[at]
        if at < fixed or reached[name] & ~(before[at] | behind):
            kept.append(name)
            behind |= reached[name]
    return kept[::-1]


def _assigned(kept: Iterable[str], reached: Mapping[str, int]) -> dict[str, int]:
    found, covered = {}, 0
    for name in kept:
        found[name] = reached[name] & ~covered
        covered |= reached[name]
    return found
