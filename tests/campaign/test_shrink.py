"""Whichever lane is free makes the oldest case small; no lane ends while another may still find one."""

from __future__ import annotations

import asyncio

from usbfuzz.crashes.companions import Companion, Place
from usbfuzz.jobs.campaign.handout import Handout
from usbfuzz.jobs.campaign.messages import ToShrink
from usbfuzz.jobs.campaign.shrink import shrink

from .pretend import PretendLane, case, report


def _add(handout: Handout, slug: str, seconds: float = 0.5) -> None:
    handout.add(slug, case(5), report("oops"), seconds)


def _slugs(told: list[ToShrink]) -> list[str]:
    return [order.slug for order in told]


def test_the_oldest_goes_to_whoever_is_free_and_to_nobody_twice() -> None:
    handout, told = Handout(2), list[ToShrink]()
    _add(handout, "a")
    _add(handout, "b")
    for lane in (1, 0, 1):
        handout.ask(lane, told.append, last=False)
    assert _slugs(told) == ["a", "b", ""]


def test_a_lane_without_other_work_gets_what_another_finds_later() -> None:
    handout, told = Handout(2), list[ToShrink]()
    handout.ask(0, told.append, last=True)
    assert told == []
    _add(handout, "a")
    assert _slugs(told) == ["a"]


def test_when_no_lane_can_find_anything_more_all_are_told_so() -> None:
    handout, told = Handout(3), list[ToShrink]()
    handout.ask(0, told.append, last=True)
    handout.ask(1, told.append, last=True)
    assert told == []
    handout.gone(2)
    assert _slugs(told) == ["", ""]


def test_a_lane_that_has_started_again_may_find_something() -> None:
    handout, told = Handout(2), list[ToShrink]()
    handout.gone(1)
    handout.back(1)
    handout.ask(0, told.append, last=True)
    assert told == []


def test_what_takes_long_to_run_is_left_to_the_command() -> None:
    handout, told = Handout(1), list[ToShrink]()
    _add(handout, "hang", seconds=6)
    handout.ask(0, told.append, last=False)
    assert _slugs(told) == [""]


def test_what_turned_out_to_be_another_bug_is_not_minimized() -> None:
    handout, told = Handout(1), list[ToShrink]()
    _add(handout, "a")
    handout.drop("a")
    handout.ask(0, told.append, last=False)
    assert _slugs(told) == [""]


def test_what_the_small_case_shows_besides_the_bug_is_told_with_it() -> None:
    lane = PretendLane({"crashes": [{"needs": [5], "title": "oops"}, {"needs": [5], "title": "rot"}]})
    found = asyncio.run(shrink(lane, "slug", case(5), report("oops"), seconds=5.0))
    assert found is not None
    assert [(other.report.title, other.place) for other in found.companions] == [("rot", Place.AFTER)]
    assert isinstance(found.companions[0], Companion)


def test_a_case_that_does_not_show_the_bug_any_more_stays_as_it_is() -> None:
    assert asyncio.run(shrink(PretendLane({}), "slug", case(5), report("oops"), seconds=5.0)) is None
