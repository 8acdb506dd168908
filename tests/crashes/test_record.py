"""`usbfuzz crashes`: listing, showing and rendering again; the list of suppressed titles."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from harness.guest.qemu import Timing
from tests.campaign.pretend import case, report
from usbfuzz.cli.crashes import crashes
from usbfuzz.crashes.evidence import Evidence
from usbfuzz.crashes.lock import DirectoryLock
from usbfuzz.crashes.record import How, find_crash, read_crashes
from usbfuzz.crashes.store import CrashStore
from usbfuzz.crashes.suppress import Suppressions, read_suppressed
from usbfuzz.errors import InputError, StorageError
from usbfuzz.report.render import render

_KERNEL = "debian:5.10.223-1"


@pytest.fixture
def found(tmp_path: Path) -> Path:
    """A directory with two crashes, one of them reproduced, and a suppressed title."""
    (tmp_path / "suppress.txt").write_text("known\n")
    store = CrashStore.open(tmp_path, kernel=_KERNEL, timing=Timing.WARP, render=render)
    for title in ("oops in a", "oops in b", "oops in b", "known"):
        store.sighted(Evidence(report(title), case(1), "console\n", ("usbhid",)))
    crash = store.find(report("oops in a"))
    assert crash is not None
    store.attributed(crash.slug, Evidence(report("oops in a"), case(2), "c\n", (), How.ALONE, 2, 3))
    store.flush()
    return tmp_path


def _run(*words: str) -> str:
    done = CliRunner().invoke(crashes, list(words), catch_exceptions=False, standalone_mode=False)
    return done.output


def test_the_list_has_bugs_that_were_confirmed_before_those_that_were_only_seen(found: Path) -> None:
    text = _run(str(found))
    assert "1 bugs confirmed, 1 seen, 0 evidence" in text
    assert text.index("oops in a") < text.index("bugs seen, not reproduced yet (1)") < text.index("oops in b")
    assert "reproduced 2 of 3" in text
    assert "wacom" in text
    assert "suppressed: known (1 x)" in text


def test_the_list_as_json_has_what_crash_toml_has(found: Path) -> None:
    rows = [json.loads(line) for line in _run("list", "--json", str(found)).splitlines()]
    assert [(row["title"], row["total"], row["hits"], row["standing"]) for row in rows] == [
        ("oops in b", 2, {_KERNEL: 2}, "seen"),
        ("oops in a", 1, {_KERNEL: 1}, "confirmed"),
    ]
    assert Path(rows[0]["directory"], "case.toml").exists()


def test_a_directory_without_crashes_says_so_and_one_that_is_not_there_is_wrong_input(tmp_path: Path) -> None:
    assert _run(str(tmp_path)) == f"{tmp_path}: no crashes\n"
    with pytest.raises(InputError, match="give the directory a campaign saved crashes in"):
        _run(str(tmp_path / "no"))


def test_a_report_is_shown_by_slug_by_its_beginning_and_by_path(found: Path) -> None:
    slug = next(slug for slug in read_crashes(found) if slug.startswith("oops-in-a"))
    shown = _run("show", slug, "--in", str(found))
    assert shown.startswith("oops in a\n=========\n")
    assert _run("show", "oops-in-a", "--in", str(found)) == shown
    assert _run("show", str(found / slug)) == shown


def test_a_name_that_fits_none_or_several_is_wrong_input(found: Path) -> None:
    with pytest.raises(InputError, match=r"2 crashes in .* begin so"):
        find_crash("oops", found)
    with pytest.raises(InputError, match=r"no such crash; `usbfuzz crashes "):
        find_crash("nothing", found)


def test_texts_are_made_anew_of_one_crash_or_of_all(found: Path) -> None:
    paths = [found / slug for slug in read_crashes(found)]
    _run("report", str(found))
    before = {path: (path / "report.txt").read_text() for path in paths}
    for path in paths:
        for name in ("report.txt", "repro.py", "lsusb.txt"):
            (path / name).unlink()
    assert _run("report", str(found)).count(": done") == 2
    assert {path: (path / "report.txt").read_text() for path in paths} == before
    (paths[0] / "console.log").unlink()
    assert _run("report", str(paths[0])) == f"{paths[0]}: done\n"


def test_texts_are_not_made_while_a_campaign_runs_there(found: Path) -> None:
    lock = DirectoryLock.acquire(found)
    try:
        with pytest.raises(StorageError, match="a campaign is running"):
            _run("report", str(found))
    finally:
        lock.release()


def test_a_link_is_no_crash_directory_and_a_file_outside_is_not_followed(found: Path, tmp_path: Path) -> None:
    slug = next(iter(read_crashes(found)))
    (found / "link").symlink_to(found / slug)
    assert "link" not in read_crashes(found)


# Suppressed titles


def test_a_line_is_a_title_or_a_pattern_of_whole_titles(tmp_path: Path) -> None:
    path = tmp_path / "suppress.txt"
    path.write_text("# comment\n\nWARNING in f[0-9]+\n  oops (a+b) in c  \n")
    known = Suppressions.load(path)
    assert known.match(["WARNING in f12"])
    assert known.match(["x", "oops (a+b) in c"])
    assert not known.match(["WARNING in f12x", "oops", "# comment", ""])
    assert not Suppressions().match(["x"])


def test_a_broken_pattern_names_file_and_line(tmp_path: Path) -> None:
    path = tmp_path / "suppress.txt"
    path.write_text("fine\nnot ( fine\n")
    with pytest.raises(InputError, match=rf"{path}:2: not a regular expression"):
        Suppressions.load(path)


@pytest.mark.parametrize(
    ("raw", "words"), [(b"\xff\xfe", "is not UTF-8"), (b"x" * (1 << 20) + b"x", "is larger than 1 MiB")]
)
def test_a_file_that_is_no_list_is_wrong_input(tmp_path: Path, raw: bytes, words: str) -> None:
    path = tmp_path / "suppress.txt"
    path.write_bytes(raw)
    with pytest.raises(InputError, match=words):
        Suppressions.load(path)
    with pytest.raises(InputError, match="cannot be read"):
        Suppressions.load(tmp_path / "no")


def test_a_broken_tally_counts_for_nothing(tmp_path: Path) -> None:
    (tmp_path / "suppressed.toml").write_text("x = [")
    assert read_suppressed(tmp_path) == {}
