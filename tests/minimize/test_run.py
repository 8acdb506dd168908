"""A minimization goes on where it was interrupted, and never loses the best case it had."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from attrs import define, evolve

from harness.guest.qemu import Timing
from harness.lane.config import LaneConfig
from tests import KNOWN_BUGS
from tests.campaign.pretend import config, report
from usbfuzz.case import load, save
from usbfuzz.case.model import Case
from usbfuzz.case.parts import digest, parts, weight
from usbfuzz.crashes.evidence import Evidence
from usbfuzz.crashes.minimization_files import MinimizationFiles
from usbfuzz.crashes.minimized import Minimized, load_result
from usbfuzz.crashes.record import read_crashes
from usbfuzz.crashes.store import CrashStore
from usbfuzz.crashes.verdicts import Verdicts
from usbfuzz.errors import CaseError, QemuError, StorageError
from usbfuzz.jobs.minimize.oracle import CandidateRun
from usbfuzz.jobs.minimize.run import Minimization
from usbfuzz.report.render import render

from .bloat import bloat, interfaces, scripts, strings
from .pretend import PretendGuests

EXAMPLE = KNOWN_BUGS / "quatech2-bulk-null.toml"
NEEDLES = (b"\x1d\x06\x20\xc1", b"\x1b\x1b\x03\x01")


def _rule(case: Case) -> bool:
    return all(any(needle in raw for device in case.devices for _, raw in parts(device)) for needle in NEEDLES)


@define
class PretendPool(PretendGuests):
    """Guests that are gone after ``lives`` runs."""

    lives: int = 1_000_000

    async def run(self, case: Case, *, fresh: bool) -> CandidateRun:
        self.lives -= 1
        if self.lives < 0:
            raise QemuError("gone")
        return await super().run(case, fresh=fresh)

    async def close(self) -> None:
        pass


def _run(
    path: Path, out: Path | None = None, lives: int = 1_000_000, seconds: float = 60.0
) -> tuple[Minimized | None, Minimization, PretendPool]:
    pool = PretendPool(_rule, width=2, lives=lives)

    def pool_of(_config: LaneConfig, _names: frozenset[str], _lanes: int) -> Any:
        return pool

    job = Minimization(MinimizationFiles.of(path, out), config(), 2, seconds, pool_of=pool_of)
    return asyncio.run(job.run()), job, pool


@pytest.fixture
def fat() -> Case:
    return bloat(load(EXAMPLE), 1, (interfaces, strings, scripts))


@pytest.fixture
def crash(tmp_path: Path, fat: Case) -> Path:
    """A crash directory."""
    directory = tmp_path / "crash"
    directory.mkdir()
    save(directory / "case.toml", fat)
    return directory


def test_a_case_file_gets_a_small_one_beside_it(tmp_path: Path, fat: Case) -> None:
    save(tmp_path / "fat.toml", fat)
    found, _, _ = _run(tmp_path / "fat.toml")
    assert found is not None
    assert load(tmp_path / "fat.toml") == fat
    assert load(tmp_path / "fat.min.toml") == found.case
    assert sorted(path.name for path in tmp_path.iterdir()) == ["fat.min.toml", "fat.toml"]


def test_the_small_case_goes_where_the_user_says(tmp_path: Path) -> None:
    found, _, _ = _run(EXAMPLE, tmp_path / "small.toml")
    assert found is not None
    assert load(tmp_path / "small.toml") == found.case


def test_a_place_that_is_no_case_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CaseError, match=r"small\.txt: is not a \.toml file"):
        MinimizationFiles.of(EXAMPLE, tmp_path / "small.txt")


def test_in_a_crash_directory_the_first_case_stays_as_original(crash: Path, fat: Case) -> None:
    found, _, _ = _run(crash)
    assert found is not None
    assert load(crash / "case.toml") == found.case
    assert load(crash / "original.toml") == fat
    again, _, _ = _run(crash)
    assert again is not None
    assert (again.case, again.before) == (found.case, weight(fat))
    assert load(crash / "original.toml") == fat


def test_in_a_saved_crash_record_and_texts_follow_from_the_small_case(tmp_path: Path, fat: Case) -> None:
    store = CrashStore(tmp_path, kernel="old kernel", timing=Timing.KVM, render=render)
    saved, _ = store.sighted(Evidence(report("oops in a"), fat, "console of the fat case\n", ()))
    directory = tmp_path / saved.slug
    found, _, _ = _run(directory)
    assert found is not None
    result, crash = load_result(directory), read_crashes(tmp_path)[saved.slug]
    assert result is not None
    assert digest(result.case) == digest(found.case) == digest(load(directory / "case.toml"))
    assert (crash.reproduced, crash.runs, crash.size) == (found.hits, found.runs, found.after)
    assert (crash.kernel, crash.clock) == (config().kernel.name, "warp")
    assert digest(load(directory / "original.toml")) == digest(fat)
    assert f"minimized from {found.before} to {found.after}" in " ".join((directory / "report.txt").read_text().split())
    assert not [path for path in directory.iterdir() if path.name.startswith(".")]


def test_what_does_not_show_the_bug_leaves_everything_as_it_is(crash: Path, fat: Case) -> None:
    other = evolve(fat, devices=(evolve(fat.devices[0], endpoints=()),))
    save(crash / "case.toml", other)
    found, _, _ = _run(crash)
    assert found is None
    assert [path.name for path in crash.iterdir()] == ["case.toml"]
    assert load(crash / "case.toml") == other


@pytest.mark.parametrize("lives", [4, 6, 9, 17, 30, 60])
def test_whenever_it_ends_the_best_case_is_there_and_the_next_run_goes_on(crash: Path, fat: Case, lives: int) -> None:
    _, _, whole = _run(crash)
    expected = load(crash / "case.toml")
    for path in crash.iterdir():
        path.unlink()
    save(crash / "case.toml", fat)
    with pytest.raises(QemuError):
        _run(crash, lives=lives)
    best = load(crash / "case.toml")
    assert _rule(best)
    assert best == fat or load(crash / "original.toml") == fat
    found, job, rest = _run(crash)
    assert found is not None
    assert job.resumed
    assert found.case == load(crash / "case.toml") == expected
    assert found.before == weight(fat)
    assert len(rest.ran) <= len(whole.ran) + 6


def test_a_finished_minimization_leaves_no_state(crash: Path) -> None:
    found, _, _ = _run(crash)
    assert found is not None
    assert found.complete
    assert sorted(path.name for path in crash.iterdir()) == ["case.toml", "minimized.toml", "original.toml"]


def test_no_budget_still_tells_whether_the_crash_comes_and_what_was_reached(crash: Path, fat: Case) -> None:
    found, _, pool = _run(crash, seconds=0.0)
    assert found is not None
    assert not found.complete
    assert (found.hits, len(pool.ran)) == (3, 3)
    assert load(crash / "case.toml") == fat


def test_a_torn_line_and_another_minimizations_state_are_no_memory(tmp_path: Path) -> None:
    path = tmp_path / "state"
    memory = Verdicts.open(path, "a")
    memory.add("1" * 64, True)
    memory.add("2" * 64, False)
    memory.close(done=False)
    path.write_text(path.read_text() + json.dumps({"case": "3" * 64, "shows": True})[:-3])
    again = Verdicts.open(path, "a")
    assert again.known == {"1" * 64: True, "2" * 64: False}
    again.add("4" * 64, True)
    again.close(done=False)
    third = Verdicts.open(path, "a")
    third.close(done=False)
    assert third.known == {"1" * 64: True, "2" * 64: False, "4" * 64: True}
    other = Verdicts.open(path, "b")
    assert (other.known, other.resumed) == ({}, False)
    other.close(done=True)
    assert not path.exists()


def test_state_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="cannot be written"):
        Verdicts.open(tmp_path / "missing" / "state", "a")
    (tmp_path / "link").symlink_to(tmp_path / "target")
    with pytest.raises(StorageError, match="cannot be written"):
        Verdicts.open(tmp_path / "link", "a")
    assert not (tmp_path / "target").exists()
