"""The benchmark: its goals, and that one short run on a real kernel fills every row."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable

import pytest

from harness.lane.config import LaneConfig
from tests import ROOT
from usbfuzz.jobs.bench import Figure, Table
from usbfuzz.jobs.bench.prices import LOOKS
from usbfuzz.jobs.bench.run import campaigns, scenarios

PROJECT = ROOT


@pytest.mark.parametrize(
    ("value", "unit", "goal", "good"),
    [
        (2.9, "%", 3.0, True),
        (3.1, "%", 3.0, False),
        (60.0, "devices/s", 60.0, True),
        (59.9, "devices/s", 60.0, False),
        (0.9, "s", 1.0, True),
        (1.1, "s", 1.0, False),
    ],
)
def test_rates_are_to_reach_their_goal_and_times_to_stay_below_it(
    value: float, unit: str, goal: float, *, good: bool
) -> None:
    assert Figure("row", value, unit, goal).good is good


def test_a_figure_without_a_goal_is_neither_good_nor_bad() -> None:
    table = Table("debian:6.1", "QEMU", 2, (Figure("row", 1.5, "x"),))
    assert table.to_json()["figures"][0]["good"] is None
    assert table.value("row") == 1.5
    assert table.value("no such row") is None


def test_no_two_rows_have_one_name() -> None:
    names = [scenario.name for scenario in (*scenarios(2), *campaigns())]
    assert len(set(names)) == len(names)


@pytest.mark.guest
@pytest.mark.timeout(900)  # guests that were never booted here take a minute each
def test_a_short_run_fills_every_row(guest: Callable[..., LaneConfig]) -> None:
    guest("debian:bookworm")
    guest("debian:5.10.223-1")
    done = subprocess.run(
        [sys.executable, "-m", "usbfuzz", "bench", "--seconds", "1", "--json"],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        timeout=840,
        check=False,
    )
    assert done.returncode in {0, 1}, done.stderr
    rows = {row["name"]: row for row in json.loads(done.stdout)["figures"]}
    assert len(rows) == len(scenarios(2)) + len(campaigns()) + len(LOOKS) - 1 + 4
    assert all(row["value"] > 0 for row in rows.values() if row["unit"] != "%")
    assert rows["warp, 1 port, 1 core"]["value"] > 5 * rows["real time, 1 port, 1 core"]["value"]
