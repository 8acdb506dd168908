"""Crash directories that earlier versions wrote (old/README.md) are read, listed, shown, run and counted as before."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

from harness.guest.qemu import Timing
from tests import TESTS
from tests.triage.golden_files import golden_log
from usbfuzz.case import load
from usbfuzz.case.parts import weight
from usbfuzz.cli.crashes import crashes
from usbfuzz.crashes.evidence import Evidence
from usbfuzz.crashes.layout import LOCK_FILE
from usbfuzz.crashes.minimization_files import MinimizationFiles
from usbfuzz.crashes.minimized import Mark, Minimized, load_result
from usbfuzz.crashes.record import Crash, How, find_crash, read_crashes
from usbfuzz.crashes.saved import SavedCrash
from usbfuzz.crashes.store import CrashStore
from usbfuzz.crashes.suppress import read_suppressed
from usbfuzz.jobs.regress.collect import collect
from usbfuzz.report.render import render
from usbfuzz.triage import extract

OLD = TESTS / "crashes" / "old"
KERNEL = "debian:5.10.223-1"
WARNING = "WARNING-in-cxacru_cm-usb_submit_urb-b230cd7f"
MINIMIZED = "BUG-unable-to-handle-kernel-NULL-pointer-dereference-in-qt2_read_bulk_-e1e9ba39"
REAL_TIME = "BUG-unable-to-handle-kernel-NULL-pointer-dereference-in-usb_hub_adjust-8af5fc69"
FIRST_FORMAT = "general-protection-fault-in-device_wakeup_disable-bdcaf0ad"
SLUGS = (MINIMIZED, REAL_TIME, WARNING, FIRST_FORMAT)


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """A copy that may be written to."""
    return Path(shutil.copytree(OLD, tmp_path / "crashes"))


def _store(directory: Path) -> CrashStore:
    return CrashStore.open(directory, kernel=KERNEL, timing=Timing.WARP, render=render)


def _run(*words: str) -> str:
    return CliRunner().invoke(crashes, list(words), catch_exceptions=False, standalone_mode=False).output


def test_every_record_is_read_with_all_it_says() -> None:
    found = read_crashes(OLD)
    assert tuple(found) == SLUGS
    assert found[MINIMIZED] == Crash(
        slug=MINIMIZED,
        title="BUG: unable to handle kernel NULL pointer dereference in qt2_read_bulk_callback",
        alt_titles=("bad-access in qt2_read_bulk_callback",),
        type="NULL-POINTER-DEREFERENCE",
        driver="quatech2",
        kernel=KERNEL,
        how="one case alone",
        reproduced=10,
        runs=10,
        attempts=1,
        first_seen="2026-03-02T08:02:00+00:00",
        last_seen="2026-03-02T08:02:00+00:00",
        hits={KERNEL: 1},
        clock="warp",
        confirmed=2,
        confirmations=2,
        size=55,
    )
    assert (found[REAL_TIME].clock, found[REAL_TIME].total) == ("real", 5)
    assert (found[WARNING].how, found[WARNING].runs, found[WARNING].hits) == ("not reproduced", 0, {KERNEL: 2})


def test_keys_that_came_later_have_a_default_and_unknown_ones_are_skipped() -> None:
    crash = read_crashes(OLD)[FIRST_FORMAT]
    assert (crash.clock, crash.confirmed, crash.confirmations, crash.size) == ("", -1, 0, 0)
    assert (crash.how, crash.reproduced, crash.runs) == ("the rounds since the last restore", 1, 3)


def test_the_command_lists_them() -> None:
    rows = [json.loads(line) for line in _run("list", "--json", str(OLD)).splitlines()]
    assert [(row["slug"], row["total"]) for row in rows] == [
        (REAL_TIME, 5),
        (WARNING, 2),
        (MINIMIZED, 1),
        (FIRST_FORMAT, 1),
    ]
    text = _run(str(OLD))
    assert "reproduced 10 of 10" in text
    assert "in real time 2 of 2" in text
    assert "suppressed: INFO: task hung in airspy_disconnect (1 x)" in text


@pytest.mark.parametrize("slug", SLUGS)
def test_the_command_shows_the_report_as_it_was_written(slug: str) -> None:
    assert _run("show", slug[:30] if slug in (WARNING, FIRST_FORMAT) else slug, "--in", str(OLD)) == (
        OLD / slug / "report.txt"
    ).read_text(encoding="utf-8")
    assert find_crash(str(OLD / slug), Path("elsewhere")) == OLD / slug


@pytest.mark.parametrize("slug", SLUGS)
def test_a_replay_finds_case_kernel_and_titles(slug: str) -> None:
    case, crash = load(OLD / slug), read_crashes(OLD)[slug]
    assert case.recorded_kernel == crash.kernel
    assert case.recorded_names == crash.names
    assert weight(case) == (crash.size or 80)


def test_a_minimization_begins_with_the_case_as_it_was_found() -> None:
    files = MinimizationFiles.of(OLD / MINIMIZED, None)
    assert files.source == OLD / MINIMIZED / "original.toml"
    assert len(files.first().devices) == 2
    assert files.best() == load(OLD / MINIMIZED)
    result = load_result(OLD / MINIMIZED)
    assert result is not None
    assert (result.hits, result.before, result.after, result.complete) == (10, 110, 55, True)
    assert result.marks == (Mark(0, "device", 8, 4), Mark(0, "configurations[0]", 14, 3))


def test_a_minimization_of_the_current_directory_keeps_its_result_in_the_crash(
    old: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(old / REAL_TIME)
    files = MinimizationFiles.of(Path(), None)
    small = Minimized(files.first(), hits=9, runs=10, tried=1, seconds=1, before=135, after=135, complete=True)
    with files.locked():
        files.keep(small, "console\n", "", kernel=KERNEL, timing=Timing.KVM, render=render)
        files.confirmed(1, 3, kernel=KERNEL, timing=Timing.KVM, render=render)
    crash = read_crashes(old)[REAL_TIME]
    assert (crash.reproduced, crash.runs, crash.confirmed, crash.clock) == (9, 10, 1, "kvm")
    assert (old / REAL_TIME / "original.toml").read_bytes() == (OLD / REAL_TIME / "case.toml").read_bytes()


def test_the_texts_of_the_current_directory_are_made_anew_under_the_lock_of_the_directory_above(
    old: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(old / REAL_TIME)
    assert _run("report", ".") == ".: done\n"
    assert (old / LOCK_FILE).exists()
    assert not (old / REAL_TIME / LOCK_FILE).exists()


def test_a_regression_run_collects_their_cases() -> None:
    entries = {entry.path.relative_to(OLD).as_posix(): entry for entry in collect([OLD])}
    assert set(entries) == {*(f"{slug}/case.toml" for slug in SLUGS), f"{MINIMIZED}/original.toml"}
    assert all(entry.error is None for entry in entries.values())


def test_the_store_knows_them_counts_and_keeps_what_it_does_not_change(old: Path) -> None:
    store = _store(old)
    assert store.ignored == ()
    before = read_crashes(old)
    assert store.crashes == before
    for slug in SLUGS:
        (report,) = extract((OLD / slug / "console.log").read_text())[:1]
        known = store.find(report)
        assert known is not None
        assert known.slug == slug
        store.hit(slug)
    store.flush()
    for slug, crash in read_crashes(old).items():
        assert crash.total == before[slug].total + 1
        assert crash.clock == before[slug].clock
        assert (crash.reproduced, crash.confirmed, crash.first_seen) == (
            before[slug].reproduced,
            before[slug].confirmed,
            before[slug].first_seen,
        )


def test_a_suppressed_title_stays_suppressed_and_is_counted_on(old: Path) -> None:
    title = "INFO: task hung in airspy_disconnect"
    assert read_suppressed(old) == {title: {KERNEL: 1}}
    store = _store(old)
    (report,) = extract(golden_log("003"))
    store.sighted(Evidence(report, load(old / WARNING), "console\n", ()))
    store.flush()
    assert read_suppressed(old) == {title: {KERNEL: 2}}


def test_a_case_that_was_reproduced_is_not_replaced_and_one_that_was_not_is(old: Path) -> None:
    store = _store(old)
    case = load(old / FIRST_FORMAT)
    for slug in (MINIMIZED, WARNING):
        kept = (old / slug / "case.toml").read_bytes()
        (report,) = extract((OLD / slug / "console.log").read_text())[:1]
        store.attributed(slug, Evidence(report, case, "console\n", (), How.ALONE, 3, 3))
        assert ((old / slug / "case.toml").read_bytes() == kept) is (slug == MINIMIZED)


@pytest.mark.parametrize(
    ("slug", "words"),
    [
        (MINIMIZED, ("minimized from 110 to 55", "Next to this file: original.toml, lsusb.txt, usb.pcapng")),
        (REAL_TIME, ("2 of 3, with one case alone", "5 x on debian:6.1.99-1")),
        (WARNING, ("not tried; case.toml holds the whole round", "a warped clock")),
        (FIRST_FORMAT, ("1 of 3, with the rounds since the last restore", "device_wakeup_disable")),
    ],
)
def test_their_texts_can_be_made_anew(old: Path, slug: str, words: tuple[str, ...]) -> None:
    assert SavedCrash.read(old / slug).report is not None
    assert _run("report", str(old / slug)) == f"{old / slug}: done\n"
    text = (old / slug / "report.txt").read_text(encoding="utf-8")
    assert all(word in text for word in words)
    assert ("a warped clock" in text) is (slug == WARNING)
    assert (old / slug / "repro.py").exists()
