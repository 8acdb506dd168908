"""Two campaigns side by side, and the test of two sets of runs."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from usbfuzz.jobs.page.compare import compare, mann_whitney
from usbfuzz.jobs.page.read import read_account
from usbfuzz.jobs.page.write import Report

from .made import campaign, crashes

_SAMPLES = st.lists(st.integers(0, 6).map(float), min_size=5, max_size=6)


@pytest.mark.parametrize(
    ("first", "second", "u", "p"),
    [
        # Counted by hand: of the 252 ways to deal out ten ranks 2, 4 and 8 are as far away or further.
        ([6, 7, 8, 9, 10], [1, 2, 3, 4, 5], 25.0, 2 / 252),
        ([5, 7, 8, 9, 10], [1, 2, 3, 4, 6], 24.0, 4 / 252),
        ([1, 2, 3, 4, 7], [5, 6, 8, 9, 10], 2.0, 8 / 252),
        ([3, 3, 3, 3, 3], [3, 3, 3, 3, 3], 12.5, 1.0),
    ],
)
def test_few_runs_are_counted_exactly(first: list[float], second: list[float], u: float, p: float) -> None:
    counted, chance, exact = mann_whitney(first, second)
    assert (counted, exact) == (u, True)
    assert chance == pytest.approx(p)


def test_many_runs_are_tested_by_the_normal_distribution() -> None:
    first = [float(value) for value in range(1, 31)]
    u, p, exact = mann_whitney(first, [value + 5.5 for value in first])
    assert (u, exact) == (300.0, False)
    # z = (|300 - 450| - 1/2) / sqrt(900 * 61 / 12) = 2.2102, whose two tails hold 0.0271.
    assert p == pytest.approx(0.0271, abs=5e-5)


@given(_SAMPLES, _SAMPLES)
def test_the_sides_may_change_places(first: list[float], second: list[float]) -> None:
    u, p, _ = mann_whitney(first, second)
    other, same, _ = mann_whitney(second, first)
    assert u + other == len(first) * len(second)
    assert p == pytest.approx(same)
    assert 0 < p <= 1


def test_new_and_gone_bugs_and_figures_at_the_same_time(tmp_path: Path) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    campaign(here, samples=20)
    campaign(there, samples=10)
    crashes(here, "wacom_probe", "wacom_open")
    crashes(there, "wacom_probe", "wacom_close")
    found = compare([read_account(here).account], [read_account(there).account], "there")
    assert [bug.title.rpartition(" ")[2] for bug in found.new] == ["wacom_open"]
    assert [bug.title.rpartition(" ")[2] for bug in found.gone] == ["wacom_close"]
    assert (found.both, found.at, found.lost) == (1, 540.0, ())
    figures = {figure.name: (figure.here, figure.there) for figure in found.figures}
    assert figures["devices"] == (90.0, 90.0)
    assert "takes 5 runs on each side, and there are 1 and 1" in found.why_no_test


def test_five_runs_on_each_side_are_tested(tmp_path: Path) -> None:
    for side in ("here", "there"):
        (tmp_path / side).mkdir()
        for number in range(5):
            campaign(tmp_path / side / f"run{number}", samples=10)
    report = Report.read(tmp_path / "here", tmp_path / "there")
    assert report.comparison is not None
    assert {test.name: test.p for test in report.comparison.tests}["devices"] == 1.0
    page = report.html(tmp_path / "page.html").decode()
    assert "5 campaigns" in page
    assert "U = 12.5 of 25, p = 1 (exact)" in page
    assert len(report.json().splitlines()) == 5


def test_a_campaign_whose_course_is_not_known_is_compared_by_what_it_came_to(tmp_path: Path) -> None:
    campaign(tmp_path / "here")
    crashes(tmp_path / "there", "wacom_probe")
    report = Report.read(tmp_path / "here", tmp_path / "there")
    page = report.html(tmp_path / "page.html").decode()
    assert "at what time is not known" in page
    assert "No test: how the campaigns went was not recorded." in page
