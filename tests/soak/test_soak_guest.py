"""A short soak on a real kernel, with a kill of each kind: what CI can afford; a night's is `make soak TIME=8h`."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.guest.kernels import DEFAULT_KERNEL
from harness.lane.config import LaneConfig
from usbfuzz.jobs.bench.soak import Soaked, Wanted, run_soak, tables
from usbfuzz.jobs.bench.soak.killing import VICTIMS
from usbfuzz.jobs.bench.soak.roles import Role

pytestmark = [pytest.mark.guest, pytest.mark.timeout(900)]  # six campaigns' starts, on a machine that is busy

_SECONDS, _KILLS, _LANES = 12.0, 5, 1


def _seed() -> int:
    """The first seed whose kills are of each kind."""
    return next(
        seed
        for seed in range(1000)
        if {random.Random(f"{seed} {number}").choice(VICTIMS) for number in range(_KILLS)} == set(VICTIMS)
    )


@pytest.fixture(scope="module")
def soaked(guest: Callable[..., LaneConfig], tmp_path_factory: pytest.TempPathFactory) -> Soaked:
    guest(DEFAULT_KERNEL)
    out = tmp_path_factory.mktemp("soak")
    arguments = ("--unguided", "--no-minimize")
    return run_soak(Wanted(DEFAULT_KERNEL, _SECONDS, _KILLS, _LANES, _seed(), out, arguments), lambda _: None)


def test_nothing_grows_is_left_lost_or_done_twice(soaked: Soaked) -> None:
    assert soaked.findings == ()


def test_every_process_of_a_campaign_is_looked_at(soaked: Soaked) -> None:
    assert soaked.course is not None
    assert {row.name for row in soaked.course.rows} == {
        "supervisor",
        "worker of lane 0",
        "generator of lane 0",
        "QEMU of lane 0",
        "page",
    }
    assert all(row.looks for row in soaked.course.rows)


def test_each_kind_of_process_was_killed_and_rounds_went_on(soaked: Soaked) -> None:
    assert soaked.killed is not None
    assert {death.victim for death in soaked.killed.deaths} == {role.value for role in VICTIMS}
    assert Role.PAGE not in VICTIMS
    assert soaked.killed.audited.books[0].cases > 0


def test_what_was_done_is_in_files_and_is_not_done_again(soaked: Soaked) -> None:
    wanted = soaked.wanted
    again = run_soak(wanted, lambda _: None)
    assert again.killed is not None
    assert again.killed.deaths == soaked.killed.deaths if soaked.killed else False
    lines = wanted.looks.read_text().splitlines()
    assert json.loads(lines[0])["kernel"] == DEFAULT_KERNEL
    assert len(list(tables(again))) >= 6
    assert _size(wanted.looks) == _size(again.wanted.looks)


def _size(path: Path) -> int:
    return path.stat().st_size
