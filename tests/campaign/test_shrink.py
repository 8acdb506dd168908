"""When a campaign minimizes: once a quarter of the lane's time allows for it, and never what takes long to run."""

from __future__ import annotations

import time

import pytest

from usbfuzz.jobs.campaign.shrink import Found, Shrinker

from .pretend import PretendLane, case, report


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """One number: what ``time.monotonic()`` says in there."""
    now = [time.monotonic()]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    return now


def _found(seconds: float = 0.5) -> Found:
    return Found("slug", case(5), report("oops"), seconds)


def test_minimizing_waits_until_the_lane_has_earned_the_time_for_it(clock: list[float]) -> None:
    shrinker = Shrinker(PretendLane({}), lambda: False)
    shrinker.add(_found())
    clock[0] += 79
    assert shrinker.next() is None
    clock[0] += 2
    assert shrinker.next() == _found()
    assert shrinker.next() is None


def test_when_the_rounds_are_over_what_had_to_wait_has_until_the_deadline(clock: list[float]) -> None:
    shrinker = Shrinker(PretendLane({}), lambda: False)
    shrinker.add(_found())
    shrinker.add(_found())
    assert shrinker.last(clock[0] + 60) == _found()
    assert shrinker.last(clock[0]) is None


def test_what_takes_long_to_run_is_left_to_the_command(clock: list[float]) -> None:
    shrinker = Shrinker(PretendLane({}), lambda: False)
    shrinker.add(_found(seconds=6))
    assert shrinker.last(clock[0] + 60) is None


def test_in_a_hurry_nothing_is_minimized(clock: list[float]) -> None:
    shrinker = Shrinker(PretendLane({}), lambda: True)
    shrinker.add(_found())
    assert shrinker.last(clock[0] + 60) is None
