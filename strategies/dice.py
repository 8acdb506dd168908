"""Cheap deterministic randomness: one seed is drawn from Hypothesis, all further choices come from it.

A Hypothesis choice costs some fifty times as much as a word of this pool. So a strategy draws what is worth naming
(which class, how broken) and one seed; the details come from the :class:`Dice` of that seed. Only the raw output
of PCG64 is used: numpy guarantees that stream for ever, and not the one of its distributions.
"""

from __future__ import annotations

from bisect import bisect
from collections.abc import Iterable, Mapping, MutableSequence, Sequence
from itertools import accumulate
from typing import Generic, TypeVar

import numpy as np
from hypothesis import strategies as st

__all__ = ["SEED_BYTES", "Dice", "Weighted", "dice"]

T = TypeVar("T")

#: Length of the drawn seed. Longer than 50 bytes, because Hypothesis now and then replaces a shorter draw by a constant
#: that it found in the modules imported so far, and a case must not depend on those.
SEED_BYTES = 64

#: Hypothesis samples uniformly, and without alien constants, only among about a hundred.
_PERCENTS = 100
_REFILL = 128
_WORD = 1 << 64


class Weighted(Generic[T]):
    """A weighted choice, prepared once: ``Weighted({"bulk": 3, "interrupt": 1})``."""

    __slots__ = ("cumulative", "items", "total")

    def __init__(self, weights: Mapping[T, int]) -> None:
        self.items: tuple[T, ...] = tuple(weights)
        self.cumulative: tuple[int, ...] = tuple(accumulate(weights.values()))
        self.total: int = self.cumulative[-1]

    def strategy(self) -> st.SearchStrategy[T]:
        """The same choice as a Hypothesis draw (in whole percents), shrinking towards the first item."""
        return st.sampled_from(
            [self.items[bisect(self.cumulative, n * self.total // _PERCENTS)] for n in range(_PERCENTS)]
        )


class Dice:
    """The random numbers of one case: a function of ``seed`` alone, on every machine and numpy version."""

    __slots__ = ("_pool", "_source", "seed")

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self._source = np.random.PCG64(seed)
        self._pool: list[int] = []

    def word(self) -> int:
        """64 random bits."""
        if not self._pool:
            self._pool = self._source.random_raw(_REFILL).tolist()
        return self._pool.pop()

    def below(self, bound: int) -> int:
        """A random number n with 0 ≤ n < ``bound``."""
        return (self.word() * bound) >> 64

    def between(self, low: int, high: int) -> int:
        """A random number n with ``low`` ≤ n ≤ ``high``."""
        return low + ((self.word() * (high - low + 1)) >> 64)

    def chance(self, probability: float) -> bool:
        """True with that probability."""
        return self.word() < probability * _WORD

    def pick(self, items: Sequence[T]) -> T:
        """One of ``items``, all equally likely."""
        return items[(self.word() * len(items)) >> 64]

    def weighted(self, table: Weighted[T]) -> T:
        """One item of a prepared table."""
        return table.items[bisect(table.cumulative, (self.word() * table.total) >> 64)]

    def sample(self, items: Iterable[T], count: int) -> list[T]:
        """``count`` different ones of ``items`` (all of them when there are fewer), in random order."""
        pool = list(items)
        self.shuffle(pool)
        return pool[:count]

    def shuffle(self, items: MutableSequence[T]) -> None:
        """Shuffle in place (Fisher-Yates)."""
        for last in range(len(items) - 1, 0, -1):
            other = (self.word() * (last + 1)) >> 64
            items[last], items[other] = items[other], items[last]

    def bytes(self, length: int) -> bytes:
        """``length`` uniformly random bytes."""
        if length <= 0:
            return b""
        raw: bytes = self._source.random_raw((length + 7) // 8).tobytes()
        return raw[:length]

    def words(self, count: int) -> np.ndarray:
        """``count`` random 64-bit words as an array, for vector work."""
        return np.asarray(self._source.random_raw(count))


def dice() -> st.SearchStrategy[Dice]:
    """A fresh :class:`Dice`; one Hypothesis draw.

    The all-zero seed is left out: it is what Hypothesis pads its first, minimal examples with, and these are all alike.
    """
    return _DICE


_DICE = (
    st.binary(min_size=SEED_BYTES, max_size=SEED_BYTES).filter(any).map(lambda raw: Dice(int.from_bytes(raw, "little")))
)
