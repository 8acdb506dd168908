"""Whether it still pays to run, and times in words."""

from __future__ import annotations

from pathlib import Path

import pytest
from attrs import evolve

from harness.guest.qemu import Timing
from usbfuzz.crashes.store import CrashStore
from usbfuzz.jobs.page.data import Course, Sample
from usbfuzz.jobs.page.read import read_account
from usbfuzz.jobs.page.words import ago, clock, headline, pay, span
from usbfuzz.report.render import render

from .made import KERNEL, crashes

_COURSE = Course("k", (), 1, {}, (), (), (), (), 0, None)


def _course(*points: tuple[float, int, int]) -> Course:
    """Samples of wall seconds, bugs, blocks."""
    samples = tuple(Sample(wall, 0, 0, 0, 0, blocks, bugs, bugs, {}) for wall, bugs, blocks in points)
    return evolve(_COURSE, samples=samples)


def test_a_new_bug_in_the_last_quarter_pays() -> None:
    found = pay(_course((0, 0, 100), (700, 1, 100), (900, 2, 100), (1000, 2, 100)))
    assert found.words == "it still pays to run (in the last quarter of the time: 1 new bug, 0 new blocks)"
    assert (found.since_bug, found.since_block) == (100, 1000)


def test_new_code_pays_when_it_is_more_than_a_hundredth() -> None:
    assert "still pays" in pay(_course((0, 0, 100), (700, 0, 980), (1000, 0, 1000))).words
    assert "hardly pays" in pay(_course((0, 0, 100), (700, 0, 995), (1000, 0, 1000))).words


def test_a_short_campaign_is_not_judged() -> None:
    assert "too early" in pay(_course((0, 0, 1), (300, 0, 1))).words


def test_a_campaign_without_samples_is_not_judged() -> None:
    assert pay(_COURSE).words == "whether it still pays to run is not known"
    assert ago(pay(_COURSE).since_bug, running=False) == "not known"


@pytest.mark.parametrize(
    ("seconds", "words"), [(0, "0 s"), (59, "59 s"), (61, "1 min 1 s"), (3600, "1 h"), (90000, "1 d 1 h")]
)
def test_a_span_has_two_units_at_most(seconds: float, words: str) -> None:
    assert span(seconds) == words


def test_a_clock_has_hours_where_there_are_any() -> None:
    assert [clock(0), clock(125.9), clock(3725)] == ["0:00", "2:05", "1:02:05"]


def test_real_time_is_told_of_those_that_were_tried(tmp_path: Path) -> None:
    first, second = crashes(tmp_path, "wacom_probe", "wacom_open")
    assert headline(read_account(tmp_path).account) == ["2 bugs confirmed; none was tried in real time."]
    store = CrashStore.open(tmp_path, kernel=KERNEL, timing=Timing.WARP, render=render)
    store.confirmed(first, 2, 3)
    store.confirmed(second, 0, 3)
    assert headline(read_account(tmp_path).account) == ["2 bugs confirmed; 1 of 2 tried happened in real time, too."]
