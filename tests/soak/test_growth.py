"""What counts as growth, on series that were made up."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from usbfuzz.jobs.bench.soak.growth import Growth, Look, grown

HOURS = 8 * 3600


def _life(value: Callable[[float], float], begin: float = 0, end: float = HOURS, step: float = 30) -> list[Look]:
    return [Look(at, at - begin, value(at)) for at in _range(begin, end, step)]


def _range(begin: float, end: float, step: float) -> list[float]:
    return [begin + step * number for number in range(int((end - begin) / step) + 1)]


def _grown(*lives: list[Look]) -> Growth:
    found = grown(lives, 0, HOURS)
    assert found is not None
    return found


def test_what_fills_in_the_warm_up_and_stays_is_flat() -> None:
    growth = _grown(_life(lambda at: 100 - 80 * 0.5 ** (at / 600)))
    assert growth.flat()
    assert 0 <= growth.share < 0.01


def test_a_slow_leak_is_growth() -> None:
    growth = _grown(_life(lambda at: 100 + 2 * at / 3600))
    assert not growth.flat()
    assert growth.per_hour == pytest.approx(0.019, abs=0.001)


def test_peaks_are_no_growth() -> None:
    assert _grown(_life(lambda at: 500 if at > HOURS * 0.8 and at % 300 == 0 else 100)).flat()


def test_what_becomes_less_is_no_growth() -> None:
    assert _grown(_life(lambda at: 200 - at / 600)).flat()


def test_one_descriptor_more_is_none_where_so_much_slack_is_given() -> None:
    growth = _grown(_life(lambda at: 12 if at < HOURS / 2 else 13))
    assert growth.flat(1.0)
    assert not growth.flat()


def test_guests_that_are_restored_are_compared_at_the_same_age() -> None:
    """They live longer and longer, and grow while they live: that is no leak."""
    lives, begin = [], 0.0
    while begin < HOURS:
        end = min(begin + 60 + begin / 20, HOURS)
        lives.append(_life(lambda at, begin=begin: 100 + (at - begin) / 10, begin, end))  # type: ignore[misc]
        begin = end + 30
    assert _grown(*lives).flat()


def test_a_leak_that_outlives_each_guest_is_growth() -> None:
    lives = [
        _life(lambda at: 100 + at / 1800, begin, begin + 270)  # such as files of a run directory
        for begin in range(0, HOURS - 300, 300)
    ]
    assert not _grown(*lives).flat()


def test_a_process_that_lives_half_of_the_time_is_compared_with_itself() -> None:
    small = _life(lambda _: 50, 0, 2 * 3600)
    large = _life(lambda _: 100, 2 * 3600 + 30, HOURS)
    assert _grown(small, large).share == 0


def test_nothing_is_said_of_what_was_seen_only_at_the_beginning() -> None:
    assert grown([_life(lambda _: 50, 0, 3600)], 0, HOURS) is None
    assert grown([], 0, HOURS) is None
