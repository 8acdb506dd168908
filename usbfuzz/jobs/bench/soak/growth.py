"""Whether what processes hold grows: the first quarter of the time against the last, after a warm-up.

A process that lives through at least half of the time is compared with itself. Where there are many short lives (a
guest is restored after each crash, by a new QEMU) those of the same age are compared, the age's logarithm being what
counts: young ones have touched less memory, and a campaign that crashes less often has older ones.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import median

from attrs import frozen

__all__ = ["LEAST_SECONDS", "TOLERANCE", "WARM_CASES", "Growth", "Life", "Look", "grown"]

TOLERANCE = 0.05  #: of what there was in the first quarter: so much more counts as flat
#: Nothing is judged of a soak that was shorter, or before so many cases were run: the first are those of the corpus,
#: then others are made up for each driver, crashes are looked into, drivers learned. What that needs is loaded once.
LEAST_SECONDS, WARM_CASES = 600.0, 500
_WARM_UP = 0.1  #: of the time
_LONG = 0.5  #: of the time: a process that lives so long is compared with itself
_HOUR = 3600.0


@frozen
class Look:
    """How much there was of something at a moment."""

    at: float  #: seconds since the soak began
    age: float  #: seconds since the process was started
    value: float


Life = Sequence[Look]  #: of one process, in order


@frozen
class Growth:
    """How much of something there was first and last."""

    first: float
    last: float
    hours: float  #: from the middle of the first quarter to that of the last

    @property
    def share(self) -> float:
        """What came, as a share of what there was first."""
        return self.last / self.first - 1 if self.first else math.inf if self.last else 0.0

    @property
    def per_hour(self) -> float:
        """That share an hour."""
        return self.share / self.hours if self.hours else 0.0

    def flat(self, slack: float = 0.0) -> bool:
        """Whether it is no growth; ``slack`` is what may come in any case. Less is no growth."""
        return self.last - self.first <= max(TOLERANCE * self.first, slack)


def grown(lives: Sequence[Life], begin: float, end: float) -> Growth | None:
    """How much the lives of one role and lane grew from ``begin`` to ``end``; None where that cannot be said."""
    clipped = [[look for look in life if begin <= look.at <= end] for life in lives]
    lives = [life for life in clipped if life]
    longest = max(lives, key=lambda life: life[-1].at - life[0].at, default=None)
    if longest is None:
        return None
    lasting = longest[-1].at - longest[0].at
    if lasting and lasting >= _LONG * (end - begin):
        early, late, hours = _quarters(longest, longest[0].at, longest[-1].at)
        return Growth(_middle(early), _middle(late), hours) if early and late else None
    early, late, hours = _quarters([look for life in lives for look in life], begin, end)
    return _of_same_age(early, late, hours)


def _quarters(looks: Sequence[Look], begin: float, end: float) -> tuple[list[Look], list[Look], float]:
    """The looks of the first quarter behind the warm-up and of the last, and the hours between their middles."""
    warm = begin + _WARM_UP * (end - begin)
    quarter = (end - warm) / 4
    early = [look for look in looks if warm <= look.at <= warm + quarter]
    late = [look for look in looks if look.at >= end - quarter]
    return early, late, 3 * quarter / _HOUR


def _of_same_age(early: Sequence[Look], late: Sequence[Look], hours: float) -> Growth | None:
    before, after = _by_age(early), _by_age(late)
    weights = {age: min(len(before[age]), len(after[age])) for age in before.keys() & after.keys()}
    total = sum(weights.values())
    if not total:
        return None
    first, last = (
        sum(weight * _middle(looks[age]) for age, weight in weights.items()) / total for looks in (before, after)
    )
    return Growth(first, last, hours)


def _by_age(looks: Sequence[Look]) -> dict[int, list[Look]]:
    found: dict[int, list[Look]] = {}
    for look in looks:
        found.setdefault(int(math.log2(max(look.age, 1.0))), []).append(look)
    return found


def _middle(looks: Sequence[Look]) -> float:
    return median(look.value for look in looks)
