"""Which cases are still to be run, which lane has which, and which were given up: by their indices."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from attrs import define, field

from usbfuzz.case.limits import BLOCK_CASES

from .messages import Block

__all__ = ["STRIKES", "CaseLedger"]

#: Times a case may take down a lane that ran nothing else, before it is skipped.
STRIKES = 2
_LEAST = 8  #: cases worth handing out at a time


@define
class CaseLedger:
    """The cases of one campaign. Case *n* depends on the seed and *n* only, so that any lane may run it."""

    next: int = 0  #: lowest index that no lane was ever given
    limit: int | None = None  #: indices below it are run
    lanes: int = 1  #: that share the cases
    returned: list[int] = field(factory=list)  #: given to a lane once and not run: these are given first
    skipped: list[int] = field(factory=list)
    _open: dict[int, set[int]] = field(factory=dict, init=False)  #: lane: cases it was given and has not run
    _alone: set[int] = field(factory=set, init=False)  #: cases that share their round with no other
    _strikes: Counter[int] = field(factory=Counter, init=False)  #: case: lanes it took down while it ran alone

    def take(self, lane: int) -> Block | None:
        """A block for ``lane``, or None when there is nothing left to give."""
        if self.returned:
            indices = sorted(self.returned)[:BLOCK_CASES]
            self.returned = sorted(self.returned)[BLOCK_CASES:]
        else:
            indices = list(range(self.next, self.next + self._size()))
            self.next += len(indices)
        if not indices:
            return None
        self._open.setdefault(lane, set()).update(indices)
        return Block(tuple(indices), alone=tuple(index for index in indices if index in self._alone))

    def wants_more(self, lane: int) -> bool:
        """Whether ``lane`` holds so few cases that its generator should be given more."""
        return self.held(lane) * 2 < (BLOCK_CASES if self.returned else self._size())

    def _size(self) -> int:
        """Up to the next whole block of the generator; less near the end, so that every lane gets some."""
        whole = BLOCK_CASES - self.next % BLOCK_CASES
        if self.limit is None:
            return whole
        left = max(0, self.limit - self.next)
        return min(whole, left, max(_LEAST, left // (2 * self.lanes)))

    def done(self, lane: int, indices: Iterable[int]) -> None:
        """Note that ``lane`` has run these cases."""
        self._open.get(lane, set()).difference_update(indices)

    def held(self, lane: int) -> int:
        """How many cases ``lane`` still has to run."""
        return len(self._open.get(lane, ()))

    def lost(self, lane: int, suspects: Iterable[int]) -> list[int]:
        """The worker of ``lane`` died: take back what it held. Returns the cases given up.

        ``suspects`` were in the guest or about to be generated: they run alone next time, and one that takes down its
        lane STRIKES times while it runs alone is skipped.
        """
        held = self._open.pop(lane, set())
        under_suspicion = held.intersection(suspects)
        given_up = []
        for index in under_suspicion & self._alone:
            self._strikes[index] += 1
            if self._strikes[index] >= STRIKES:
                given_up.append(index)
        self._alone |= under_suspicion
        self.skipped += given_up
        self.returned += sorted(held.difference(given_up))
        return given_up

    @property
    def unfinished(self) -> list[int]:
        """Given to a lane at some time and not run, in order."""
        return sorted({*self.returned, *(index for held in self._open.values() for index in held)})

    @property
    def exhausted(self) -> bool:
        """Every index below the limit was run or skipped."""
        return self.limit is not None and self.next >= self.limit and not self.unfinished
