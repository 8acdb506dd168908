"""How often a case is run to see what is recorded of it."""

from __future__ import annotations

import pytest

from usbfuzz.case.model import ALWAYS, Expectation

CHANCE = 1e-4


@pytest.mark.parametrize("reliability", range(1, ALWAYS))
def test_a_rare_bug_gets_the_fewest_runs_in_which_it_hardly_ever_stays_away(reliability: int) -> None:
    runs = Expectation("k", "BUG", reliability=reliability).runs_for(CHANCE)
    missed = 1 - reliability / ALWAYS
    assert missed**runs <= CHANCE * 1.000001 < missed ** (runs - 1) * 1.000002


def test_a_bug_that_always_comes_back_gets_one_run() -> None:
    assert Expectation("k", "BUG").runs_for(CHANCE) == 1


def test_a_chance_of_missing_it_that_is_large_still_takes_a_run() -> None:
    assert Expectation("k", "BUG", reliability=99).runs_for(0.5) == 1
