"""Crash directories are whole or absent, are never overwritten by less, and survive restarts."""

from __future__ import annotations

import errno
import json
import os
import re
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path
from typing import Any

import pytest
import tomlkit
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from harness.guest.qemu import Timing
from tests.campaign.pretend import case, report
from usbfuzz.case import load
from usbfuzz.crashes.evidence import Evidence
from usbfuzz.crashes.minimized import Mark, Minimized, load_result
from usbfuzz.crashes.record import How, read_crashes, slug_of
from usbfuzz.crashes.store import CrashStore
from usbfuzz.crashes.suppress import read_suppressed
from usbfuzz.errors import StorageError
from usbfuzz.report import render as render_module

_KERNEL = "debian:5.10.223-1"
_TITLE = "KASAN: use-after-free in wacom_remove"


def _store(directory: Path, kernel: str = _KERNEL) -> CrashStore:
    return CrashStore(directory, kernel=kernel, timing=Timing.WARP, render=render_module.render)


def _evidence(title: str = _TITLE, *alt_titles: str, **changes: Any) -> Evidence:
    return evolve(Evidence(report(title, *alt_titles), case(5), "the console\n", ("usbhid",)), **changes)


@given(st.text())
def test_a_slug_is_a_safe_short_directory_name(title: str) -> None:
    slug = slug_of(title)
    assert re.fullmatch(r"[A-Za-z0-9_.-]{9,79}", slug)
    assert slug[0] not in "-."
    assert slug == slug_of(title)


@given(st.sets(st.text(), min_size=2))
def test_two_titles_never_share_a_slug(titles: set[str]) -> None:
    assert len({slug_of(title).lower() for title in titles}) == len(titles)


def test_a_slug_can_be_read() -> None:
    assert slug_of(_TITLE).startswith("KASAN-use-after-free-in-wacom_remove-")


def test_a_new_crash_is_a_directory_with_all_its_files(tmp_path: Path) -> None:
    crash, new = _store(tmp_path).sighted(_evidence())
    assert new
    directory = tmp_path / crash.slug
    assert {path.name for path in directory.iterdir()} == {
        *("case.toml", "console.log", "crash.toml"),
        *("report.txt", "lsusb.txt", "repro.py", "repro.c"),
    }
    assert (directory / "console.log").read_text() == "the console\n"
    saved = load(directory / "case.toml")
    assert saved.devices == case(5).devices
    assert [(row.kernel, row.title) for row in saved.expect] == [(_KERNEL, _TITLE)]
    meta = tomllib.loads((directory / "crash.toml").read_text())
    assert (meta["title"], meta["driver"], meta["hits"]) == (_TITLE, "wacom, usbhid", {_KERNEL: 1})


def test_the_report_says_what_it_is_how_sure_it_is_and_how_to_see_it_again(tmp_path: Path) -> None:
    store = _store(tmp_path)
    crash, _ = store.sighted(_evidence())
    path = tmp_path / crash.slug / "report.txt"
    assert "not tried" in path.read_text()
    store.attributed(crash.slug, _evidence(how=How.ALONE, hits=2, runs=3))
    text = path.read_text()
    assert text.startswith(f"{_TITLE}\n====")
    assert f"usbfuzz replay case.toml --kernel {_KERNEL}" in text
    assert "2 of 3, with one case alone" in text
    assert "warped clock" in text
    assert "the console" in text


@pytest.mark.parametrize("timing", Timing)
def test_the_record_says_how_time_passed_in_the_words_of_a_guests_timing(tmp_path: Path, timing: Timing) -> None:
    store = CrashStore(tmp_path, kernel=_KERNEL, timing=timing, render=render_module.render)
    crash, _ = store.sighted(_evidence())
    assert read_crashes(tmp_path)[crash.slug].clock == timing.value
    assert ("warped clock" in (tmp_path / crash.slug / "report.txt").read_text()) is timing.warped


def _minimized(index: int = 3) -> Minimized:
    one = case(index)
    return Minimized(one, hits=9, runs=10, tried=50, seconds=12.0, before=300, after=3, complete=True, marks=(_MARK,))


_MARK = Mark(device=0, part="device", offset=2, length=1)


def test_a_minimized_case_takes_the_place_of_the_first_which_is_kept(tmp_path: Path) -> None:
    store = _store(tmp_path)
    crash, _ = store.sighted(_evidence(how=How.ALONE, hits=3, runs=3))
    directory = tmp_path / crash.slug
    first = (directory / "case.toml").read_bytes()
    small = store.minimized(crash.slug, _minimized(), "the small one\n")
    assert (small.reproduced, small.runs, small.size) == (9, 10, 3)
    assert (directory / "original.toml").read_bytes() == first
    kept = load_result(directory)
    assert kept is not None
    assert (kept.case.devices, kept.case.title, kept.marks) == (case(3).devices, _TITLE, (_MARK,))
    assert (directory / "console.log").read_text() == "the small one\n"
    text = (directory / "report.txt").read_text()
    assert "9 of 10" in text
    assert "minimized from 300 to 3" in text
    assert "[03]" in text
    assert "original.toml" in text
    store.minimized(crash.slug, _minimized(4), "again\n")
    assert (directory / "original.toml").read_bytes() == first
    assert _store(tmp_path).crashes[crash.slug].reproduced == 9


def test_a_real_time_confirmation_is_noted_and_told(tmp_path: Path) -> None:
    store = _store(tmp_path)
    crash, _ = store.sighted(_evidence())
    assert (crash.confirmed, crash.confirmations) == (-1, 0)
    store.confirmed(crash.slug, 2, 3)
    again = _store(tmp_path).crashes[crash.slug]
    assert (again.confirmed, again.confirmations) == (2, 3)
    assert "In real time:  2 of 3" in (tmp_path / crash.slug / "report.txt").read_text()


def test_a_recording_is_kept_with_its_run_and_goes_with_it(tmp_path: Path) -> None:
    store = _store(tmp_path)
    crash, _ = store.sighted(_evidence())
    capture = tmp_path / crash.slug / "usb.pcapng"
    assert not capture.exists()
    store.attributed(crash.slug, _evidence(how=How.ALONE, hits=3, runs=3, capture=b"packets"))
    assert capture.read_bytes() == b"packets"
    assert "usb.pcapng" in (tmp_path / crash.slug / "report.txt").read_text()
    store.minimized(crash.slug, _minimized(), "")
    assert not capture.exists()


def test_a_report_that_cannot_be_written_loses_neither_the_crash_nor_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_device: object) -> str:
        raise RuntimeError("no such word")

    monkeypatch.setattr(render_module, "render_lsusb", broken)
    crash, new = _store(tmp_path).sighted(_evidence())
    directory = tmp_path / crash.slug
    assert new
    assert load(directory / "case.toml").devices == case(5).devices
    assert not (directory / "lsusb.txt").exists()
    assert (directory / "repro.py").exists()
    assert "lsusb.txt: RuntimeError: no such word" in (directory / "report.txt").read_text()


def test_a_directory_of_an_earlier_version_is_read_and_written_anew(tmp_path: Path) -> None:
    store = _store(tmp_path)
    crash, _ = store.sighted(_evidence())
    directory = tmp_path / crash.slug
    meta = tomllib.loads((directory / "crash.toml").read_text())
    old = {key: value for key, value in meta.items() if key not in ("clock", "confirmed", "confirmations", "size")}
    (directory / "crash.toml").write_text(tomlkit.dumps(old))
    again = _store(tmp_path)
    assert again.crashes[crash.slug] == evolve(crash, clock="", size=0)
    again.hit(crash.slug)
    again.flush()
    assert _store(tmp_path).crashes[crash.slug].total == 2


@pytest.mark.parametrize("wrong", ["title = 3", "hits = 3", "alt_titles = [1]", 'hits = { k = "x" }', "runs = []"])
def test_a_crash_file_with_values_of_another_kind_is_no_crash(tmp_path: Path, wrong: str) -> None:
    crash, _ = _store(tmp_path).sighted(_evidence())
    path = tmp_path / crash.slug / "crash.toml"
    meta = {**tomllib.loads(path.read_text()), **tomllib.loads(wrong)}
    path.write_text(tomlkit.dumps(meta))
    assert _store(tmp_path).ignored == (crash.slug,)


def test_suppressed_titles_are_counted_and_not_saved(tmp_path: Path) -> None:
    (tmp_path / "suppress.txt").write_text("# known\n\nKASAN: use-after-free in wacom_.*\n")
    for _ in range(2):
        store = CrashStore.open(tmp_path, kernel=_KERNEL, timing=Timing.WARP, render=render_module.render)
        for _ in range(3):
            crash, new = store.sighted(_evidence())
            assert (crash.suppressed, new) == (True, False)
        store.hit(crash.slug)
        store.flush()
        assert store.crashes == {}
    assert read_suppressed(tmp_path) == {_TITLE: {_KERNEL: 8}}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["suppress.txt", "suppressed.toml"]
    _, new = store.sighted(_evidence("another"))
    assert new


def test_a_second_list_of_titles_counts_too(tmp_path: Path) -> None:
    listed = tmp_path / "known.txt"
    listed.write_text(f"{_TITLE}\n")
    out = tmp_path / "out"
    out.mkdir()
    store = CrashStore.open(out, kernel=_KERNEL, timing=Timing.WARP, render=render_module.render, suppress=listed)
    assert store.sighted(_evidence())[0].suppressed
    assert not store.sighted(_evidence(f"{_TITLE}2"))[0].suppressed


def test_the_same_bug_is_counted_and_nothing_overwritten(tmp_path: Path) -> None:
    first = _store(tmp_path)
    crash, _ = first.sighted(_evidence(_TITLE, "general protection fault in wacom_remove"))
    before = (tmp_path / crash.slug / "case.toml").read_bytes()
    again = _store(tmp_path)
    known, new = again.sighted(_evidence("general protection fault in wacom_remove", case=case(99)))
    again.flush()
    assert not new
    assert known.slug == crash.slug
    assert (tmp_path / crash.slug / "case.toml").read_bytes() == before
    assert _store(tmp_path).crashes[crash.slug].total == 2


def test_hits_are_counted_by_kernel(tmp_path: Path) -> None:
    crash, _ = _store(tmp_path).sighted(_evidence())
    other = _store(tmp_path, "debian:6.1.192-1")
    other.sighted(_evidence())
    other.flush()
    assert _store(tmp_path).crashes[crash.slug].hits == {_KERNEL: 1, "debian:6.1.192-1": 1}
    assert _store(tmp_path).crashes[crash.slug].kernel == _KERNEL


def test_a_reproduced_case_replaces_the_first_sighting_and_is_kept_from_then_on(tmp_path: Path) -> None:
    store = _store(tmp_path)
    crash, _ = store.sighted(_evidence())
    better = store.attributed(crash.slug, _evidence("oops", case=case(7), how=How.ALONE, hits=3, runs=3))
    assert (better.title, better.alt_titles, better.reproduced) == (_TITLE, ("oops",), 3)
    assert load(tmp_path / crash.slug / "case.toml").devices[0].name == "case 7"
    store.attributed(crash.slug, _evidence(case=case(8), hits=0, runs=4))
    assert load(tmp_path / crash.slug / "case.toml").devices[0].name == "case 7"
    assert _store(tmp_path).crashes[crash.slug] == better


def test_attribution_cut_short_is_not_an_attempt(tmp_path: Path) -> None:
    store = _store(tmp_path)
    crash, _ = store.sighted(_evidence())
    assert store.attributed(crash.slug, _evidence(hits=0, runs=0)).attempts == 0
    assert store.attributed(crash.slug, _evidence(hits=0, runs=4)).attempts == 1


def test_directories_that_are_not_crashes_are_left_alone_and_named(tmp_path: Path) -> None:
    (tmp_path / "notes").mkdir()
    (tmp_path / "half").mkdir()
    (tmp_path / "half" / "case.toml").write_text("")
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "case.toml").write_text("")
    (tmp_path / "broken" / "crash.toml").write_text("title = 3\n[")
    (tmp_path / "README.md").write_text("")
    store = _store(tmp_path)
    assert store.ignored == ("broken", "half", "notes")
    assert store.crashes == {}
    assert (tmp_path / "half" / "case.toml").exists()


def test_a_foreign_directory_with_the_slugs_name_is_not_touched(tmp_path: Path) -> None:
    foreign = tmp_path / slug_of(_TITLE)
    foreign.mkdir()
    (foreign / "mine").write_text("precious")
    crash, _ = _store(tmp_path).sighted(_evidence())
    assert crash.slug == f"{slug_of(_TITLE)}-2"
    assert [path.name for path in foreign.iterdir()] == ["mine"]


_KILLED_AT_EVERY_STEP = """
import json, os, signal, sys
from pathlib import Path
from tests.campaign.pretend import case, report
from usbfuzz.crashes.evidence import Evidence
from usbfuzz.crashes.record import How
from usbfuzz.crashes.store import CrashStore
from harness.guest.qemu import Timing
from usbfuzz.report.render import render

root, title = Path(sys.argv[1]), "oops in x"
states = []
for step in range(1, 80):
    out = root / str(step)
    out.mkdir()
    child = os.fork()
    if not child:
        left = step
        def dying(call):
            def wrapped(*arguments, **names):
                global left
                left -= 1
                if not left:
                    os.kill(os.getpid(), signal.SIGKILL)
                return call(*arguments, **names)
            return wrapped
        os.fsync, os.rename, os.replace, os.mkdir = map(dying, (os.fsync, os.rename, os.replace, os.mkdir))
        store = CrashStore(out, kernel="k", timing=Timing.WARP, render=render)
        crash, _ = store.sighted(Evidence(report(title), case(5), "first", ()))
        store.attributed(crash.slug, Evidence(report(title), case(7), "second", (), How.ALONE, 3, 3))
        os._exit(0)
    killed = os.waitpid(child, 0)[1] != 0
    store = CrashStore(out, kernel="k", timing=Timing.WARP, render=render)
    crash = store.find(report(title))
    leftovers = [path.name for path in out.rglob("*") if path.name.startswith(".")]
    states.append([killed, None if crash is None else crash.reproduced, list(store.ignored), leftovers])
    if not killed:
        break
print(json.dumps(states))
"""


def test_a_crash_directory_is_whole_or_absent_wherever_the_campaign_is_killed(tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(
        [sys.executable, "-c", _KILLED_AT_EVERY_STEP, str(tmp_path)],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    states = json.loads(done.stdout)
    assert len(states) > 12
    found = [reproduced for _, reproduced, _, _ in states]
    absent, provisional, final = found.count(None), found.count(0), found.count(3)
    assert found == [None] * absent + [0] * provisional + [3] * final
    assert min(absent, provisional, final) >= 1
    assert all(not ignored and not leftovers for _, _, ignored, leftovers in states)
    assert [killed for killed, *_ in states] == [True] * (len(states) - 1) + [False]


class _FullDisk:
    """Below ``directory`` no file can be synced any more."""

    def __init__(self, directory: Path) -> None:
        self._directory = str(directory)

    def __call__(self, handle: int) -> None:
        if Path(f"/proc/self/fd/{handle}").resolve().is_relative_to(self._directory):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_on_a_full_disk_a_new_crash_is_saved_elsewhere_and_the_error_says_where(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out, spare = tmp_path / "out", tmp_path / "spare"
    out.mkdir()
    spare.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(spare))
    monkeypatch.setattr(os, "fsync", _FullDisk(out))
    store = _store(out)
    with pytest.raises(StorageError, match=r"No space left on device; free some space.* was saved to ") as raised:
        store.sighted(_evidence())
    assert list(out.iterdir()) == []
    refuge = Path(str(raised.value).rpartition("saved to ")[2].removesuffix(" instead"))
    assert load(refuge / "case.toml").devices == case(5).devices
    assert (refuge / "crash.toml").exists()


def test_on_a_full_disk_an_old_crash_stays_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out, spare = tmp_path / "out", tmp_path / "spare"
    out.mkdir()
    spare.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(spare))
    store = _store(out)
    crash, _ = store.sighted(_evidence())
    monkeypatch.setattr(os, "fsync", _FullDisk(out))
    with pytest.raises(StorageError, match="was saved to"):
        store.attributed(crash.slug, _evidence(case=case(7), how=How.ALONE, hits=3, runs=3))
    store.hit(crash.slug)
    with pytest.raises(StorageError, match="free some space"):
        store.flush()
    monkeypatch.undo()
    again = _store(out).crashes[crash.slug]
    assert (again.reproduced, again.total) == (0, 1)
    assert load(out / crash.slug / "case.toml").devices == case(5).devices


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting a small tmpfs needs root")
def test_a_really_full_disk_is_a_storage_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out, spare = tmp_path / "out", tmp_path / "spare"
    out.mkdir()
    spare.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(spare))
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(out)], check=False).returncode:
        pytest.skip("this machine lets nobody mount a tmpfs")
    try:
        with pytest.raises(StorageError, match="No space left on device") as raised:
            _store(out).sighted(_evidence(console="x" * 200_000))
        assert list(out.iterdir()) == []
    finally:
        subprocess.run(["umount", str(out)], check=True)
    assert str(spare) in str(raised.value)
