"""Which counts grow with each plug cycle.

Caches warm up in the first cycles, frees come late, and what one cycle leaves the next may take away: a leak is what
grows in each of the later cycles, without exception.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from attrs import frozen

from .census import Census, Counted

__all__ = ["CYCLES", "Grown", "grown"]

#: Plug cycles after which there is a verdict.
CYCLES = 10
#: Of these so many do not count: a kernel's first plugs make what later ones use again (IDs, pools, per-CPU slabs).
_WARM = 4


@frozen
class Grown:
    """A leak."""

    what: Counted
    each: int  #: how many more there are after each cycle, at least
    cycles: int  #: in how many cycles in a row

    @property
    def bytes(self) -> int:
        """Lost in each cycle; 0: unknown."""
        return self.each * self.what.size


def grown(counts: Sequence[Census]) -> tuple[Grown, ...]:
    """What grew in each of the later cycles, the largest first; ``counts`` has the census after each cycle."""
    later = counts[_WARM - 1 :]
    if len(later) <= 1:
        return ()
    found = []
    for what in later[-1]:
        series = [census.get(what, 0) for census in later]
        steps = [after - before for before, after in pairwise(series)]
        if min(steps) > 0:
            found.append(Grown(what, min(steps), len(steps)))
    return tuple(sorted(found, key=lambda leak: (-leak.bytes, leak.what.sort.value, leak.what.name, leak.what.chain)))
