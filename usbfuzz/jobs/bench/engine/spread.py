"""One figure over several seeds."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from statistics import median

from attrs import frozen

__all__ = ["Spread", "spread_of"]


@frozen
class Spread:
    """The middle, least and most of a figure; infinity stands for what did not happen in the time there was."""

    median: float
    least: float
    most: float
    found: int  #: seeds of which it is known, or in which it happened
    seeds: int

    def text(self, word: Callable[[float], str]) -> str:
        """The middle, and where seeds differ the least and the most of them, each put by ``word``."""
        if self.least == self.most:
            return word(self.median)
        return f"{word(self.median)} ({word(self.least)} to {word(self.most)})"


def spread_of(values: Iterable[float | None], *, never: bool = False) -> Spread | None:
    """Of the values of all seeds; None where there is none.

    A None among them is a figure that is not known, and left out; with ``never`` it is a time that never came.
    """
    given = list(values)
    known = [value for value in given if value is not None]
    counted = [math.inf if value is None else value for value in given] if never else known
    if not counted:
        return None
    return Spread(median(counted), min(counted), max(counted), len(known), len(given))
