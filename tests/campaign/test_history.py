"""What a campaign keeps of its course, over runs that end well and runs that do not."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve

from usbfuzz.jobs.aim import Aim, Wanted
from usbfuzz.jobs.campaign.history import Now
from usbfuzz.jobs.campaign.messages import Bound, GaveUp, LaneState, RoundDone
from usbfuzz.jobs.campaign.state import CampaignState
from usbfuzz.jobs.page.courses import read_courses
from usbfuzz.triage import Report

from .running import Listener, Run

_DONE = RoundDone(
    (1, 2), None, 2, 2, 30, 0.5, 1, 0, 0.1, (Bound("wacom", "wacom", 2),), (),
    gave_up=(GaveUp("asix", "vendor request 0x2d IN"),), sources={"vendor": 1, "hid field sweep": 1},
    guest_seconds=30.0,
)  # fmt: skip
_NOW = Now(wall=4.0, devices=2, cases=2, drivers=1, blocks=None, bugs=0, seen=1, lanes={LaneState.RUNNING: 4.0})


def _open(directory: Path) -> CampaignState:
    return CampaignState.open(directory, kernel="debian:5.10.223-1", params=(), seed=None, new_seed=7)


def _rows(directory: Path, question: str) -> list[tuple[Any, ...]]:
    database = sqlite3.connect(directory / "campaign.sqlite")
    try:
        return database.execute(question).fetchall()
    finally:
        database.close()


def test_seconds_and_counts_go_on_over_runs(tmp_path: Path) -> None:
    for _ in range(2):
        state = _open(tmp_path)
        state.history.begin({"lanes": 2})
        state.round_done(_DONE, 1.5)
        state.history.sample(_NOW)
        state.save(64, [])
        state.close()  # as kill -9: the run's end is not written
    samples = _rows(tmp_path, "SELECT wall, guest, lanes FROM sample ORDER BY wall")
    assert [(wall, guest) for wall, guest, _ in samples] == [(4.0, 30.0), (8.0, 60.0)]
    assert json.loads(samples[1][2]) == {"running": 8.0}
    assert _rows(tmp_path, "SELECT driver, module, times, wall, cases FROM bound") == [("wacom", "wacom", 4, 1.5, 2)]
    assert _rows(tmp_path, "SELECT module, at, times FROM gave_up") == [("asix", "vendor request 0x2d IN", 2)]
    assert _rows(tmp_path, "SELECT name, cases FROM source") == [("hid field sweep", 2), ("vendor", 2)]
    assert _rows(tmp_path, "SELECT wall, ended FROM run") == [(0.0, None), (4.0, None)]


def test_samples_come_every_few_seconds_and_more_rarely_as_the_campaign_goes_on(tmp_path: Path) -> None:
    state = _open(tmp_path)
    for second in range(200_000):
        if second < 100 or second % 10 == 0:
            state.history.sample(evolve(_NOW, wall=float(second)))
    state.close()
    walls = [wall for (wall,) in _rows(tmp_path, "SELECT wall FROM sample ORDER BY wall")]
    assert walls[:4] == [0.0, 6.0, 12.0, 18.0]
    assert 2000 < len(walls) < 5000


def test_a_driver_that_makes_up_requests_fills_no_table(tmp_path: Path) -> None:
    state = _open(tmp_path)
    for number in range(500):
        state.round_done(evolve(_DONE, gave_up=(GaveUp("asix", f"request {number}"),)), 1.0)
    state.save(64, [])
    state.close()
    rows = _rows(tmp_path, "SELECT at, times FROM gave_up")
    assert len(rows) == 65
    assert ("other requests", 436) in rows


def test_when_a_report_was_seen_first_is_kept_over_runs(tmp_path: Path) -> None:
    report = Report("BUG: in wacom_probe", ("BUG: in wacom",), None, guilty="wacom")
    for wall in (3.0, 1.0):
        state = _open(tmp_path)
        state.history.begin({})
        state.round_done(_DONE, wall)
        state.history.sighted(report, wall)
        state.history.sighted(report, wall + 1)
        state.history.sighted(evolve(report, guilty="usbhid"), wall + 2)
        state.history.sample(_NOW)
        state.close()
    assert _rows(tmp_path, "SELECT title, guilty, alt_titles, wall, cases FROM sighting ORDER BY wall") == [
        ("BUG: in wacom_probe", "wacom", '["BUG: in wacom"]', 3.0, 2),
        ("BUG: in wacom_probe", "usbhid", '["BUG: in wacom"]', 5.0, 2),
    ]


def test_a_guest_that_makes_up_titles_fills_no_table(tmp_path: Path) -> None:
    state = _open(tmp_path)
    for number in range(5000):
        state.history.sighted(Report(f"BUG: {number}", (), None), 1.0)
    state.close()
    assert _rows(tmp_path, "SELECT count(*) FROM sighting") == [(4096,)]


def test_a_campaign_keeps_when_it_saw_a_crash_first(
    run: Run, write_script: Callable[..., None], tmp_path: Path
) -> None:
    write_script(crashes=[{"needs": [6], "title": "oops in x"}])
    run(cases=64)
    [(title, wall, cases)] = _rows(tmp_path / "out", "SELECT title, wall, cases FROM sighting")
    assert title == "oops in x"
    assert wall >= 0
    assert cases < 64
    [course] = read_courses(tmp_path / "out" / "campaign.sqlite")
    assert [(sighting.title, sighting.wall) for sighting in course.course.sightings] == [(title, wall)]


@pytest.mark.processes
def test_a_campaign_keeps_what_each_run_aimed_at_and_says_when_that_changes(run: Run, tmp_path: Path) -> None:
    view = Listener()
    run(view, cases=8)
    run(view, cases=16, aim=Aim(Wanted(("wacom",)), {"wacom": 1.0}, {"wacom": frozenset({"wacom_probe"})}))
    facts = [json.loads(text)["aim"] for (text,) in _rows(tmp_path / "out", "SELECT facts FROM run ORDER BY id")]
    assert facts == [None, {"at": "wacom", "functions": 1, "of_modules": 1, "drivers": ["wacom"]}]
    assert [line for line in view.said if "aimed at" in line] == [
        f"{tmp_path / 'out'}: goes on aimed at wacom; the run before was aimed at nothing in particular"
    ]


@pytest.mark.processes
def test_a_campaign_keeps_what_it_ran_on_and_that_it_ended(run: Run, tmp_path: Path) -> None:
    run(cases=64)
    [(version, ended, facts)] = _rows(tmp_path / "out", "SELECT version, ended, facts FROM run")
    assert version
    assert ended
    known = json.loads(facts)
    assert known["kernel"]["name"] == "debian:5.10.223-1"
    assert known["modules"] == ["usbhid", "wacom"]
    assert known["machine"]["cores"] > 0
    [(cases, drivers)] = _rows(tmp_path / "out", "SELECT cases, drivers FROM sample ORDER BY wall DESC LIMIT 1")
    assert (cases, drivers) == (64, 7)
    assert sum(times for (times,) in _rows(tmp_path / "out", "SELECT times FROM bound")) > 0
