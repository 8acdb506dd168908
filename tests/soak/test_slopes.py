"""How fast something grows, on looks that were made up."""

from __future__ import annotations

import pytest

from usbfuzz.jobs.bench.slopes import Saw, typical_slope


def test_single_peaks_do_not_move_the_slope() -> None:
    assert typical_slope([(at, 1000.0 if at == 7 else 3.0 * at) for at in range(20)]) == pytest.approx(3)


def test_a_single_look_has_no_slope() -> None:
    assert typical_slope([(5, 100)]) == 0


def _saw(sizes: list[int], each: int = 10) -> Saw:
    saw = Saw()
    for at, size in enumerate(sizes):
        saw.add(at // each, at, size)
    return saw


def test_a_saw_whose_teeth_are_alike_is_flat() -> None:
    saw = _saw([500 + at % 10 * 50 for at in range(75)])
    assert saw.teeth == 8
    assert [size for _, size in saw.ends] == [950] * 6
    assert typical_slope(saw.ends) == 0


def test_what_leaks_below_the_teeth_shows_in_their_ends() -> None:
    assert typical_slope(_saw([500 + at % 10 * 50 + 2 * at for at in range(75)]).ends) == pytest.approx(2)


def test_the_first_tooth_and_the_last_do_not_count() -> None:
    assert _saw([9] * 10 + [2] * 10 + [1] * 3).ends == ((19, 2),)


def test_what_came_and_went_before_the_end_of_a_tooth_does_not_count() -> None:
    assert _saw([0] * 10 + [3, 90, 3, 3, 3, 3, 3, 3, 3, 8] + [0] * 3).ends == ((19, 8),)
