"""How often each driver is tried next, by what its next case may bring."""

from __future__ import annotations

import random

import pytest

from usbfuzz.jobs.engine.drivers import Drivers

_MANY = tuple(f"driver{number}" for number in range(200))
_BLOCK = 64  #: cases that are dealt out at a time


def _ran(drivers: Drivers, module: str, *brought: int, seconds: float = 0.1) -> None:
    for blocks in brought:
        drivers.of(module).brought(blocks)
        drivers.ran(module, 1, seconds)


def test_a_driver_whose_cases_bring_more_than_others_did_at_that_rank_is_tried_more() -> None:
    drivers = Drivers(_MANY)
    for module in _MANY:
        _ran(drivers, module, 100, 10, 5, 2, 1, 0)
    _ran(drivers, "driver0", *[40] * 10)
    _ran(drivers, "driver1", *[0] * 10)
    dealt = drivers.dealt(_BLOCK)
    assert dealt["driver0"] > 8 * dealt["driver2"]
    assert dealt["driver2"] > 1.2 * dealt["driver1"]


def test_what_the_first_case_reached_is_no_reason_to_try_a_driver_again() -> None:
    drivers = Drivers(_MANY)
    _ran(drivers, "driver0", 2000)
    _ran(drivers, "driver1", 1)
    dealt = drivers.dealt(_BLOCK)
    assert dealt["driver0"] == pytest.approx(dealt["driver1"])
    assert dealt["driver2"] > 2 * dealt["driver0"]  # was not tried yet


def test_no_driver_has_more_cases_at_once_than_it_had_before() -> None:
    drivers = Drivers(_MANY)
    for module in _MANY[1:]:
        _ran(drivers, module, *[0] * 20)
    assert _BLOCK * drivers.dealt(_BLOCK)["driver0"] == pytest.approx(1)
    _ran(drivers, "driver0", 500, 500)
    assert _BLOCK * drivers.dealt(_BLOCK)["driver0"] == pytest.approx(3)


def test_what_is_promised_is_not_expected_again() -> None:
    drivers = Drivers(_MANY)
    for module in _MANY[20:]:
        _ran(drivers, module, 60, 3, 1, 1)
    first, second = (drivers.dealt(_BLOCK)["driver0"] for _ in range(2))
    assert second < 0.7 * first
    _ran(drivers, "driver0", 60)
    assert drivers.of("driver0").promised < 1


def test_a_promise_that_is_not_kept_is_forgotten() -> None:
    drivers = Drivers(_MANY)
    for _ in range(50):
        drivers.dealt(_BLOCK)
    assert drivers.of("driver0").promised < 2 * _BLOCK / len(_MANY) + 0.01


def test_a_large_driver_among_many_small_ones_gets_most_of_the_cases_that_bring_something() -> None:
    """Small drivers have 50 blocks, reached at once; a case of the large one reaches a tenth of what is left of it."""
    draw, drivers, left = random.Random(7), Drivers(_MANY), dict.fromkeys(_MANY, 50.0)
    left["driver0"] = 5000.0
    for _ in range(20):
        dealt = drivers.dealt(_BLOCK)
        for module in draw.choices(list(dealt), list(dealt.values()), k=_BLOCK):
            found = left[module] * (0.1 if module == "driver0" else 1.0)
            left[module] -= found
            _ran(drivers, module, int(found))
    assert left["driver0"] < 500
    assert sum(value > 0 for value in left.values()) <= 3
    assert 20 <= drivers.of("driver0").cases <= 250
