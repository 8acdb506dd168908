"""Delta debugging finds a set of changes to which none can be added, however the trials are timed."""

from __future__ import annotations

import asyncio
import random
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from usbfuzz.case.model import Case
from usbfuzz.jobs.minimize.reduce import Choice, reduce

Picks = frozenset[int]


def _choice(count: int) -> Choice:
    """Cases whose title lists what went."""
    return Choice(count, lambda picks: Case((), (), title=",".join(map(str, sorted(picks)))))


def _picks(case: Case) -> Picks:
    return frozenset(map(int, filter(None, case.title.split(","))))


def _reduce(count: int, needed: frozenset[Picks], width: int, seed: int) -> tuple[list[Picks], list[Picks]]:
    """What was accepted and what was asked; the bug is gone when all of one set of ``needed`` went."""
    dice = random.Random(seed)
    asked: list[Picks] = []
    accepted: list[Picks] = [frozenset()]
    running = 0

    async def shows(case: Case) -> bool:
        nonlocal running
        running += 1
        assert running <= width
        asked.append(_picks(case))
        for _ in range(dice.randrange(4)):
            await asyncio.sleep(0)
        running -= 1
        return not any(picks <= _picks(case) for picks in needed)

    asyncio.run(reduce(_choice(count), shows, width, lambda case: accepted.append(_picks(case))))
    return accepted, asked


_SETS = st.frozensets(st.frozensets(st.integers(0, 39), min_size=1, max_size=3), max_size=8)


@given(st.integers(0, 40), _SETS, st.integers(1, 4), st.integers(0, 1000))
def test_no_single_further_change_can_be_made(count: int, needed: frozenset[Picks], width: int, seed: int) -> None:
    accepted, _ = _reduce(count, needed, width, seed)
    made = accepted[-1]
    assert not any(picks <= made for picks in needed)
    for number in set(range(count)) - made:
        assert any(picks <= made | {number} for picks in needed)


@given(st.integers(0, 40), _SETS, st.integers(1, 4), st.integers(0, 1000))
def test_every_accepted_set_shows_the_bug_and_adds_to_the_last(
    count: int, needed: frozenset[Picks], width: int, seed: int
) -> None:
    accepted, asked = _reduce(count, needed, width, seed)
    for before, after in pairwise(accepted):
        assert before < after
        assert after in asked
        assert not any(picks <= after for picks in needed)


def test_what_is_not_needed_at_all_goes_in_one_trial() -> None:
    accepted, asked = _reduce(1000, frozenset(), 2, 0)
    assert accepted[-1] == frozenset(range(1000))
    assert len(asked) == 1


@pytest.mark.parametrize("width", [1, 2, 4])
def test_a_few_needed_ones_among_many_take_few_trials(width: int) -> None:
    accepted, asked = _reduce(1000, frozenset({frozenset({17}), frozenset({600})}), width, 0)
    assert accepted[-1] == frozenset(range(1000)) - {17, 600}
    assert len(asked) <= 45 * width


def test_nothing_to_choose_from_asks_nothing() -> None:
    assert _reduce(0, frozenset(), 2, 0) == ([frozenset()], [])


def test_an_error_of_the_guests_ends_it_and_leaves_no_trial_behind() -> None:
    async def shows(_: Case) -> bool:
        raise RuntimeError("gone")

    async def run() -> int:
        with pytest.raises(RuntimeError, match="gone"):
            await reduce(_choice(8), shows, 3, lambda _: None)
        return len(asyncio.all_tasks())

    assert asyncio.run(run()) == 1
