"""Crash directories are whole or absent, are never overwritten by less, and survive restarts."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
import tomlkit
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from harness.guest.qemu import Timing
from tests.campaign.pretend import case
from usbfuzz.case import load
from usbfuzz.coverage import Reached, reached_text
from usbfuzz.crashes.minimized import Mark, Minimized, load_result
from usbfuzz.crashes.record import How, read_crashes, slug_of
from usbfuzz.crashes.store import CrashStore
from usbfuzz.crashes.suppress import read_suppressed
from usbfuzz.report import render as render_module

from .saving import KERNEL, TITLE, evidence, store_in


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
    assert slug_of(TITLE).startswith("KASAN-use-after-free-in-wacom_remove-")


def test_a_new_crash_is_a_directory_with_all_its_files(tmp_path: Path) -> None:
    crash, new = store_in(tmp_path).sighted(evidence())
    assert new
    directory = tmp_path / crash.slug
    assert {path.name for path in directory.iterdir()} == {
        *("case.toml", "console.log", "crash.toml"),
        *("report.txt", "lsusb.txt", "repro.py", "repro.c", "repro.syz"),
    }
    assert (directory / "console.log").read_text() == "the console\n"
    saved = load(directory / "case.toml")
    assert saved.devices == case(5).devices
    assert [(row.kernel, row.title) for row in saved.expect] == [(KERNEL, TITLE)]
    meta = tomllib.loads((directory / "crash.toml").read_text())
    assert (meta["title"], meta["driver"], meta["hits"]) == (TITLE, "wacom, usbhid", {KERNEL: 1})


def test_a_crash_whose_texts_were_never_written_gets_them_when_it_is_opened(tmp_path: Path) -> None:
    crash, _ = store_in(tmp_path).sighted(evidence())
    directory = tmp_path / crash.slug
    texts = {path.name: path.read_bytes() for path in directory.iterdir() if path.suffix not in (".toml", ".log")}
    assert "report.txt" in texts
    for name in texts:
        (directory / name).unlink()
    store = store_in(tmp_path)
    assert list(store.crashes) == [crash.slug]
    assert {path.name: path.read_bytes() for path in directory.iterdir() if path.name in texts} == texts


def test_a_use_c_goes_when_the_case_has_no_programs_any_more(tmp_path: Path) -> None:
    store = store_in(tmp_path)
    path = tmp_path / store.sighted(evidence())[0].slug / "use.c"
    path.write_text("int main(void) { return 0; }")
    store.attributed(path.parent.name, evidence(how=How.ALONE, hits=2, runs=3))
    assert not path.exists()
    assert (path.parent / "repro.c").exists()


def test_the_report_says_what_it_is_how_sure_it_is_and_how_to_see_it_again(tmp_path: Path) -> None:
    store = store_in(tmp_path)
    crash, _ = store.sighted(evidence())
    path = tmp_path / crash.slug / "report.txt"
    assert "not tried" in path.read_text()
    store.attributed(crash.slug, evidence(how=How.ALONE, hits=2, runs=3))
    text = path.read_text()
    assert text.startswith(f"{TITLE}\n====")
    assert f"usbfuzz replay case.toml --kernel {KERNEL}" in text
    assert "2 of 3, with one case alone" in text
    assert "warped clock" in text
    assert "the console" in text


@pytest.mark.parametrize("timing", Timing)
def test_the_record_says_how_time_passed_in_the_words_of_a_guests_timing(tmp_path: Path, timing: Timing) -> None:
    store = CrashStore(tmp_path, kernel=KERNEL, timing=timing, render=render_module.render)
    crash, _ = store.sighted(evidence())
    assert read_crashes(tmp_path)[crash.slug].clock == timing.value
    assert ("warped clock" in (tmp_path / crash.slug / "report.txt").read_text()) is timing.warped


def _minimized(index: int = 3) -> Minimized:
    one = case(index)
    return Minimized(one, hits=9, runs=10, tried=50, seconds=12.0, before=300, after=3, complete=True, marks=(_MARK,))


_MARK = Mark(device=0, part="device", offset=2, length=1)


def test_a_minimized_case_takes_the_place_of_the_first_which_is_kept(tmp_path: Path) -> None:
    store = store_in(tmp_path)
    crash, _ = store.sighted(evidence(how=How.ALONE, hits=3, runs=3))
    directory = tmp_path / crash.slug
    first = (directory / "case.toml").read_bytes()
    small = store.minimized(crash.slug, _minimized(), "the small one\n")
    assert (small.reproduced, small.runs, small.size) == (9, 10, 3)
    assert (directory / "original.toml").read_bytes() == first
    kept = load_result(directory)
    assert kept is not None
    assert (kept.case.devices, kept.case.title, kept.marks) == (case(3).devices, TITLE, (_MARK,))
    assert (directory / "console.log").read_text() == "the small one\n"
    text = (directory / "report.txt").read_text()
    assert "9 of 10" in text
    assert "minimized from 300 to 3" in text
    assert "[03]" in text
    assert "original.toml" in text
    store.minimized(crash.slug, _minimized(4), "again\n")
    assert (directory / "original.toml").read_bytes() == first
    assert store_in(tmp_path).crashes[crash.slug].reproduced == 9


def test_a_real_time_confirmation_is_noted_and_told(tmp_path: Path) -> None:
    store = store_in(tmp_path)
    crash, _ = store.sighted(evidence())
    assert (crash.confirmed, crash.confirmations) == (-1, 0)
    store.confirmed(crash.slug, 2, 3)
    again = store_in(tmp_path).crashes[crash.slug]
    assert (again.confirmed, again.confirmations) == (2, 3)
    assert "In real time:  2 of 3" in (tmp_path / crash.slug / "report.txt").read_text()


def test_a_recording_is_kept_with_its_run_and_goes_with_it(tmp_path: Path) -> None:
    store = store_in(tmp_path)
    crash, _ = store.sighted(evidence())
    capture, coverage = (tmp_path / crash.slug / name for name in ("usb.pcapng", "coverage.tsv"))
    assert not capture.exists()
    assert not coverage.exists()
    reached = reached_text([Reached("wacom", "wacom_probe", 41, 1203, 4120)])
    store.attributed(crash.slug, evidence(how=How.ALONE, hits=3, runs=3, capture=b"packets", coverage=reached))
    assert capture.read_bytes() == b"packets"
    text = (tmp_path / crash.slug / "report.txt").read_text()
    assert "usb.pcapng" in text
    assert "wacom_probe                       41 blocks, 1,203 of 4,120 bytes" in text
    store.minimized(crash.slug, _minimized(), "")
    assert not capture.exists()
    assert not coverage.exists()
    assert "wacom_probe" not in (tmp_path / crash.slug / "report.txt").read_text()


def test_broken_coverage_costs_the_report_only_its_lines(tmp_path: Path) -> None:
    store = store_in(tmp_path)
    crash, _ = store.sighted(evidence())
    (tmp_path / crash.slug / "coverage.tsv").write_text("not what it was\n")
    store.confirmed(crash.slug, 2, 3)
    text = (tmp_path / crash.slug / "report.txt").read_text()
    assert "What ran of the driver" not in text
    assert "To reproduce" in text


def test_a_report_that_cannot_be_written_loses_neither_the_crash_nor_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_device: object) -> str:
        raise RuntimeError("no such word")

    monkeypatch.setattr(render_module, "render_lsusb", broken)
    crash, new = store_in(tmp_path).sighted(evidence())
    directory = tmp_path / crash.slug
    assert new
    assert load(directory / "case.toml").devices == case(5).devices
    assert not (directory / "lsusb.txt").exists()
    assert (directory / "repro.py").exists()
    assert "lsusb.txt: RuntimeError: no such word" in (directory / "report.txt").read_text()


def test_a_directory_of_an_earlier_version_is_read_and_written_anew(tmp_path: Path) -> None:
    store = store_in(tmp_path)
    crash, _ = store.sighted(evidence())
    directory = tmp_path / crash.slug
    meta = tomllib.loads((directory / "crash.toml").read_text())
    old = {key: value for key, value in meta.items() if key not in ("clock", "confirmed", "confirmations", "size")}
    (directory / "crash.toml").write_text(tomlkit.dumps(old))
    again = store_in(tmp_path)
    assert again.crashes[crash.slug] == evolve(crash, clock="", size=0)
    again.hit(crash.slug)
    again.flush()
    assert store_in(tmp_path).crashes[crash.slug].total == 2


@pytest.mark.parametrize("wrong", ["title = 3", "hits = 3", "alt_titles = [1]", 'hits = { k = "x" }', "runs = []"])
def test_a_crash_file_with_values_of_another_kind_is_no_crash(tmp_path: Path, wrong: str) -> None:
    crash, _ = store_in(tmp_path).sighted(evidence())
    path = tmp_path / crash.slug / "crash.toml"
    meta = {**tomllib.loads(path.read_text()), **tomllib.loads(wrong)}
    path.write_text(tomlkit.dumps(meta))
    assert store_in(tmp_path).ignored == (crash.slug,)


def test_suppressed_titles_are_counted_and_not_saved(tmp_path: Path) -> None:
    (tmp_path / "suppress.txt").write_text("# known\n\nKASAN: use-after-free in wacom_.*\n")
    for _ in range(2):
        store = CrashStore.open(tmp_path, kernel=KERNEL, timing=Timing.WARP, render=render_module.render)
        for _ in range(3):
            crash, new = store.sighted(evidence())
            assert (crash.suppressed, new) == (True, False)
        store.hit(crash.slug)
        store.flush()
        assert store.crashes == {}
    assert read_suppressed(tmp_path) == {TITLE: {KERNEL: 8}}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["suppress.txt", "suppressed.toml"]
    _, new = store.sighted(evidence("another"))
    assert new


def test_a_second_list_of_titles_counts_too(tmp_path: Path) -> None:
    listed = tmp_path / "known.txt"
    listed.write_text(f"{TITLE}\n")
    out = tmp_path / "out"
    out.mkdir()
    store = CrashStore.open(out, kernel=KERNEL, timing=Timing.WARP, render=render_module.render, suppress=listed)
    assert store.sighted(evidence())[0].suppressed
    assert not store.sighted(evidence(f"{TITLE}2"))[0].suppressed


def test_the_same_bug_is_counted_and_nothing_overwritten(tmp_path: Path) -> None:
    first = store_in(tmp_path)
    crash, _ = first.sighted(evidence(TITLE, "general protection fault in wacom_remove"))
    before = (tmp_path / crash.slug / "case.toml").read_bytes()
    again = store_in(tmp_path)
    known, new = again.sighted(evidence("general protection fault in wacom_remove", case=case(99)))
    again.flush()
    assert not new
    assert known.slug == crash.slug
    assert (tmp_path / crash.slug / "case.toml").read_bytes() == before
    assert store_in(tmp_path).crashes[crash.slug].total == 2


def test_hits_are_counted_by_kernel(tmp_path: Path) -> None:
    crash, _ = store_in(tmp_path).sighted(evidence())
    other = store_in(tmp_path, "debian:6.1.192-1")
    other.sighted(evidence())
    other.flush()
    assert store_in(tmp_path).crashes[crash.slug].hits == {KERNEL: 1, "debian:6.1.192-1": 1}
    assert store_in(tmp_path).crashes[crash.slug].kernel == KERNEL


def test_a_reproduced_case_replaces_the_first_sighting_and_is_kept_from_then_on(tmp_path: Path) -> None:
    store = store_in(tmp_path)
    crash, _ = store.sighted(evidence())
    better = store.attributed(crash.slug, evidence("oops", case=case(7), how=How.ALONE, hits=3, runs=3))
    assert (better.title, better.alt_titles, better.reproduced) == (TITLE, ("oops",), 3)
    assert load(tmp_path / crash.slug / "case.toml").devices[0].name == "case 7"
    store.attributed(crash.slug, evidence(case=case(8), hits=0, runs=4))
    assert load(tmp_path / crash.slug / "case.toml").devices[0].name == "case 7"
    assert store_in(tmp_path).crashes[crash.slug] == better


def test_attribution_cut_short_is_not_an_attempt(tmp_path: Path) -> None:
    store = store_in(tmp_path)
    crash, _ = store.sighted(evidence())
    assert store.attributed(crash.slug, evidence(hits=0, runs=0)).attempts == 0
    assert store.attributed(crash.slug, evidence(hits=0, runs=4)).attempts == 1


def test_directories_that_are_not_crashes_are_left_alone_and_named(tmp_path: Path) -> None:
    (tmp_path / "notes").mkdir()
    (tmp_path / "half").mkdir()
    (tmp_path / "half" / "case.toml").write_text("")
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "case.toml").write_text("")
    (tmp_path / "broken" / "crash.toml").write_text("title = 3\n[")
    (tmp_path / "README.md").write_text("")
    store = store_in(tmp_path)
    assert store.ignored == ("broken", "half", "notes")
    assert store.crashes == {}
    assert (tmp_path / "half" / "case.toml").exists()


def test_a_foreign_directory_with_the_slugs_name_is_not_touched(tmp_path: Path) -> None:
    foreign = tmp_path / slug_of(TITLE)
    foreign.mkdir()
    (foreign / "mine").write_text("precious")
    crash, _ = store_in(tmp_path).sighted(evidence())
    assert crash.slug == f"{slug_of(TITLE)}-2"
    assert [path.name for path in foreign.iterdir()] == ["mine"]
