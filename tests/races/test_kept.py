"""What ``usbfuzz replay --schedules --keep`` writes."""

from __future__ import annotations

from pathlib import Path

import pytest
from attrs import evolve
from click.testing import CliRunner

from usbfuzz.case.dump import dumps
from usbfuzz.case.model import Case, Expectation
from usbfuzz.cli import cli
from usbfuzz.cli.races import kept
from usbfuzz.jobs.bench.cases import mouse_case
from usbfuzz.jobs.races.search import Tried
from usbfuzz.jobs.races.way import way

OLD, FIXED = Expectation("debian:5.10.223-1", "BUG: a race"), Expectation("debian:5.10.262-1", "")


def race() -> Case:
    return evolve(mouse_case(), expect=(OLD, FIXED))


def test_the_case_is_kept_with_the_schedule_and_how_often_it_shows_the_bug() -> None:
    best = Tried(way(race(), 9), hits=3, runs=4)
    case = kept(race(), best)
    assert case.guest == best.way.needs
    assert case.guest.processors == 4
    assert case.expect == (evolve(OLD, reliability=75), FIXED)


def test_a_schedule_that_shows_nothing_says_nothing_about_reliability() -> None:
    assert kept(race(), Tried(way(race(), 9), hits=0, runs=4)).expect == (OLD, FIXED)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--keep", "best.toml"], "add --schedules N"),
        (["--schedules", "4", "--userspace"], "leave --userspace and --pcap out"),
    ],
)
def test_wrong_input_is_one_sentence(tmp_path: Path, options: list[str], message: str) -> None:
    path = tmp_path / "race.toml"
    path.write_text(dumps(race()))
    result = CliRunner().invoke(cli, ["replay", str(path), *options])
    assert result.exit_code != 0
    assert message in result.output + str(result.exception)
