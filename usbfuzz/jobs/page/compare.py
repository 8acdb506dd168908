"""Two campaigns, or two sets of runs, side by side.

Mann and Whitney's test of two small samples: with at most twenty runs a side the exact distribution is counted over
all ways to deal the ranks out (ties as they are), beyond that it is normal, corrected for ties and continuity. It takes
a few lines of arithmetic; SciPy, which has it, is forty times the size of usbfuzz and needed for nothing else.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import combinations
from statistics import NormalDist, median

from attrs import frozen

from .data import Account, Bug, Course, Sample

__all__ = ["LEAST_RUNS", "Comparison", "Figure", "Test", "compare", "mann_whitney"]

LEAST_RUNS = 5  #: on each side, for a test
_MOST_WAYS = 400_000  #: to deal ranks out, that are counted one by one


@frozen
class Figure:
    """One figure of both sides at the same time into their campaigns; medians where there are several runs."""

    name: str
    here: float | None
    there: float | None


@frozen
class Test:
    """Mann and Whitney's U of one figure: how likely such a difference is if both sides were alike."""

    name: str
    u: float  #: pairs of runs in which this side has more, a draw counts half
    pairs: int
    p: float  #: two-sided
    exact: bool


@frozen
class Comparison:
    """What this side has that the other has not, and the other way round."""

    other: str
    runs: tuple[int, int]
    at: float | None  #: wall seconds of the campaigns at which figures are compared; None: each at its end
    figures: tuple[Figure, ...]
    new: tuple[Bug, ...]
    gone: tuple[Bug, ...]
    both: int
    gained: tuple[str, ...]  #: drivers that bound here only
    lost: tuple[str, ...]  #: and there only
    tests: tuple[Test, ...]
    why_no_test: str  #: in words; "" when there are tests


_FIGURES = ("devices", "drivers", "blocks", "bugs", "seen")


def compare(here: Sequence[Account], there: Sequence[Account], other: str) -> Comparison:
    """Compare the accounts of one side with those of the other."""
    mine, theirs = _courses(here), _courses(there)
    timed = [course.last.wall for course in (*mine, *theirs) if course.last]
    known = all(account.courses for account in (*here, *there)) and len(timed) == len(mine) + len(theirs)
    at = min(timed) if known else None
    values = {name: (_values(here, name, at), _values(there, name, at)) for name in _FIGURES}
    ours, others = _bugs(here), _bugs(there)
    bound, before = _bound(mine), _bound(theirs)
    tests = [_test(name, *sides) for name, sides in values.items() if at and min(map(len, sides)) >= LEAST_RUNS]
    return Comparison(
        other=other,
        runs=(len(mine), len(theirs)),
        at=at,
        figures=tuple(Figure(name, _middle(first), _middle(second)) for name, (first, second) in values.items()),
        new=tuple(bug for key, bug in ours.items() if key not in others),
        gone=tuple(bug for key, bug in others.items() if key not in ours),
        both=len(ours.keys() & others.keys()),
        gained=tuple(sorted(bound - before)),
        lost=tuple(sorted(before - bound)),
        tests=tuple(tests),
        why_no_test="" if tests else _why(len(mine), len(theirs), at),
    )


def _why(here: int, there: int, at: float | None) -> str:
    if at is None:
        return "No test: how the campaigns went was not recorded."
    return f"No test: it takes {LEAST_RUNS} runs on each side, and there are {here} and {there}."


def _courses(side: Sequence[Account]) -> list[Course]:
    return [course for account in side for course in account.courses]


def _bugs(side: Sequence[Account]) -> dict[tuple[str, str], Bug]:
    """The confirmed bugs of a side by title and first driver."""
    found: dict[tuple[str, str], Bug] = {}
    for account in side:
        for bug in account.bugs:
            if bug.standing == "confirmed":
                found.setdefault((bug.title, bug.driver.partition(",")[0]), bug)
    return found


def _bound(courses: Sequence[Course]) -> set[str]:
    """Drivers that bound: their modules are not known of every version's campaigns."""
    names = (name for course in courses for driver in course.drivers for name in driver.names)
    return {name.replace("-", "_") for name in names}


def _values(side: Sequence[Account], name: str, at: float | None) -> list[float]:
    """The figure of each campaign at that time; where the course of one is not known, of each at its end."""
    if at is None:
        found = [_at_end(account, name) for account in side]
    else:
        found = [getattr(_at(course.samples, at), name) for course in _courses(side)]
    return [float(value) for value in found if value is not None]


def _at_end(account: Account, name: str) -> float | None:
    match name:
        case "devices":
            return sum(course.totals.get("plugs", 0) for course in account.courses) if account.courses else None
        case "drivers":
            return sum(course.bound for course in account.courses) if account.courses else None
        case "blocks":
            return account.code.get("blocks")
        case "bugs":
            return account.count("confirmed")
        case _:
            return len(account.bugs)


def _at(samples: Sequence[Sample], wall: float) -> Sample:
    return next((sample for sample in reversed(samples) if sample.wall <= wall), samples[0])


def _middle(values: Sequence[float]) -> float | None:
    return median(values) if values else None


def _test(name: str, first: Sequence[float], second: Sequence[float]) -> Test:
    u, p, exact = mann_whitney(first, second)
    return Test(name, u, len(first) * len(second), p, exact)


def mann_whitney(first: Sequence[float], second: Sequence[float]) -> tuple[float, float, bool]:
    """U of ``first``, the two-sided probability of one at least as far from its middle, and whether that is exact."""
    ranks = _ranks([*first, *second])
    n, m = len(first), len(second)
    smallest = n * (n + 1) / 2
    u = sum(ranks[:n]) - smallest
    middle = n * m / 2
    if math.comb(n + m, n) <= _MOST_WAYS:
        away = [abs(sum(dealt) - smallest - middle) for dealt in combinations(ranks, n)]
        return u, sum(other >= abs(u - middle) - 1e-9 for other in away) / len(away), True
    ties = sum(size**3 - size for size in _sizes([*first, *second]))
    variance = n * m / 12 * (n + m + 1 - ties / ((n + m) * (n + m - 1)))
    if variance <= 0:  # all values are equal
        return u, 1.0, False
    z = max(abs(u - middle) - 0.5, 0.0) / math.sqrt(variance)
    return u, 2 * (1 - NormalDist().cdf(z)), False


def _ranks(values: Sequence[float]) -> list[float]:
    """The rank of each value, equal ones with the middle of theirs."""
    order = sorted(values)
    return [(order.index(value) + 1 + len(order) - order[::-1].index(value)) / 2 for value in values]


def _sizes(values: Sequence[float]) -> list[int]:
    return [values.count(value) for value in set(values)]
