"""What a page says of campaigns in every state, of every version, whole or not."""

from __future__ import annotations

import json
import shutil
import sqlite3
from pathlib import Path

import pytest
from attrs import evolve

from tests import ROOT
from usbfuzz.crashes.lock import DirectoryLock
from usbfuzz.crashes.manifestation import Manifestation, Where
from usbfuzz.crashes.record import Crash
from usbfuzz.errors import InputError
from usbfuzz.jobs.page.export import to_json
from usbfuzz.jobs.page.page import Place, render_page
from usbfuzz.jobs.page.read import read_account
from usbfuzz.jobs.page.write import Report

from .made import KERNEL, campaign, crashes

OLD = ROOT / "tests" / "crashes" / "old"


def _page(out: Path) -> str:
    return render_page(read_account(out), Place(out / "page.html", out)).decode()


def test_the_numbers_of_a_campaign_are_read_as_they_were_written(tmp_path: Path) -> None:
    campaign(tmp_path)
    crashes(tmp_path, "wacom_probe", "wacom_open")
    account = read_account(tmp_path).account
    (course,) = account.courses
    assert (account.state, account.notes) == ("ended", ("No coverage was kept: blocks of code are not known.",))
    assert (course.kernel, course.modules, course.totals["plugs"]) == (KERNEL, 4, 40)
    assert course.last is not None
    assert (course.last.wall, course.last.guest, course.last.devices) == (1140.0, 600.0, 190)
    by_name = {driver.module: driver for driver in course.drivers}
    assert [by_name[name].standing for name in ("wacom", "asix", "yurex")] == ["bound", "gave up", "never reached"]
    assert (by_name["wacom"].bound, by_name["wacom"].first) == (40, 0.0)
    assert (by_name["asix"].gave_up[0].request, by_name["asix"].given_up) == ("vendor request 0x2d IN", 60)
    assert [(source.name, source.sweep, source.cases, source.bugs) for source in course.sources] == [
        ("vendor", False, 150, 2),
        ("hid field sweep", True, 50, 0),
    ]
    assert [(each.source, each.cases, each.rate, each.bugs) for each in course.yields] == [
        ("fresh", 150, 150.0, 2),
        ("havoc", 50, 50.0, 0),
    ]
    assert [(bug.standing, bug.reproduced, bug.runs) for bug in account.bugs] == [("confirmed", 3, 3)] * 2


def test_the_json_has_the_numbers_of_the_page(tmp_path: Path) -> None:
    campaign(tmp_path)
    crashes(tmp_path, "wacom_probe")
    told = json.loads(to_json(read_account(tmp_path).account))
    assert told["counts"] == {"confirmed": 1, "seen": 0, "evidence": 0}
    assert told["courses"][0]["samples"][-1]["devices"] == 190
    assert told["courses"][0]["seconds_since_bug"] == 1020.0
    assert told["against"] is None
    page = _page(tmp_path)
    assert "What each source is worth" in page
    assert all(sentence in page for sentence in told["words"]["headline"])


def test_every_point_of_a_bug_is_on_the_page(tmp_path: Path) -> None:
    campaign(tmp_path)
    (slug,) = crashes(tmp_path, "wacom_probe")
    crash = Crash.read(tmp_path / slug)
    assert crash is not None
    also = Manifestation("WARNING in another_function", (), "wacom", 7, Where.OWN_RUNS.value)
    (tmp_path / slug / "crash.toml").write_text(
        evolve(crash, manifestations=(also,), confirmed=2, confirmations=3).to_toml()
    )
    (tmp_path / slug / "also").mkdir()
    page = _page(tmp_path)
    for shown in ("WARNING in another_function", "its own runs", "2 of 3", f'href="{slug}/also"',
                  "3 of 3", "wacom_probe+0x12/0x90", "Device descriptor, 18 bytes", "vendor request 0x2d IN",
                  "the last answer before the guest died is marked", f"usbfuzz replay {tmp_path}/{slug}",
                  f'href="{slug}/usb.pcapng"', "as lsusb -v shows it", "A processor", "0123456789abcdef",
                  "QEMU emulator version 10.0", "slub_debug=FZ", "What each source brought"):  # fmt: skip
        assert shown in page


def test_a_campaign_that_runs_is_read_while_it_writes(tmp_path: Path) -> None:
    campaign(tmp_path, ended=False)
    writer = sqlite3.connect(tmp_path / "campaign.sqlite", isolation_level=None)
    writer.execute("BEGIN IMMEDIATE")
    with DirectoryLock.acquire(tmp_path):
        account = read_account(tmp_path).account
        assert (account.state, account.process is not None) == ("running", True)
        assert "The campaign still runs" in _page(tmp_path)
    writer.close()


def test_a_campaign_that_was_killed_says_so(tmp_path: Path) -> None:
    campaign(tmp_path, ended=False)
    assert read_account(tmp_path).account.state == "killed"
    assert "The last run was killed" in _page(tmp_path)


def test_a_campaign_that_found_nothing_says_so(tmp_path: Path) -> None:
    campaign(tmp_path)
    assert "No bug was found." in _page(tmp_path)


def test_half_written_and_foreign_directories_are_left_out_and_named(tmp_path: Path) -> None:
    campaign(tmp_path)
    slugs = crashes(tmp_path, "wacom_probe", "wacom_open")
    (tmp_path / "holiday-pictures").mkdir()
    (tmp_path / ".saving-abc").mkdir()
    (tmp_path / slugs[0] / "case.toml").write_text("this is no case")
    (tmp_path / slugs[1] / "usb.pcapng").write_bytes(b"cut")
    account = read_account(tmp_path).account
    assert "holiday-pictures" in account.notes[-2]
    assert ".saving-abc" in account.notes[-1]
    assert len(account.bugs) == 2
    page = _page(tmp_path)
    assert "Not shown: " in page
    assert "usb.pcapng cannot be read" in page


def test_three_kernels_in_one_directory_have_their_sections(tmp_path: Path) -> None:
    for kernel in (KERNEL, "debian:6.1.1-1", "debian:6.12.1-1"):
        campaign(tmp_path, kernel=kernel)
    account = read_account(tmp_path).account
    assert len(account.courses) == 3
    page = _page(tmp_path)
    assert page.count(">Course <") + page.count(">Course<") == 3
    assert "debian:6.12.1-1 slub_debug=FZ" in page


def test_a_directory_of_version_0_1_is_shown_with_what_is_not_known(tmp_path: Path) -> None:
    out = tmp_path / "old"
    shutil.copytree(OLD, out)
    account = read_account(out).account
    assert len(account.bugs) == 4
    assert account.courses == ()
    assert "only the crashes are known" in account.notes[0]
    assert "Not recorded: there is no usb.pcapng" in _page(out)


def test_a_database_of_version_0_1_has_totals_and_no_course(tmp_path: Path) -> None:
    old = sqlite3.connect(tmp_path / "campaign.sqlite")
    old.executescript(
        "CREATE TABLE campaign (id INTEGER PRIMARY KEY, kernel TEXT, params TEXT, seed INTEGER, next INTEGER,"
        " unfinished TEXT, totals TEXT); CREATE TABLE driver (campaign INTEGER, name TEXT);"
        """INSERT INTO campaign VALUES (1, 'debian:5.10.1-1', '[]', 7, 64, '[]', '{"plugs": 5, "cases": 4}');"""
        "INSERT INTO driver VALUES (1, 'usbhid');"
    )
    old.close()
    account = read_account(tmp_path).account
    assert (account.state, account.courses[0].bound, account.courses[0].totals["plugs"]) == ("unknown", 1, 5)
    assert "a version that kept only totals" in account.notes[0]
    page = _page(tmp_path)
    assert "For a time that is not known" in page
    assert "Not recorded: there are no samples" in page


@pytest.mark.parametrize("content", [b"", b"garbage" * 1000])
def test_a_broken_database_costs_only_what_is_in_it(tmp_path: Path, content: bytes) -> None:
    crashes(tmp_path, "wacom_probe")
    (tmp_path / "campaign.sqlite").write_bytes(content)
    account = read_account(tmp_path).account
    assert (len(account.bugs), account.courses) == (1, ())
    assert "campaign.sqlite: cannot be read" in account.notes[0]


def test_what_is_no_campaign_is_one_clear_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"holds neither campaign\.sqlite nor a crash; give what"):
        read_account(tmp_path)
    with pytest.raises(InputError, match="is no directory; give what"):
        Report.read(tmp_path / "nowhere", None)


def test_links_lead_to_files_from_wherever_the_page_lies(tmp_path: Path) -> None:
    campaign(tmp_path / "a b")
    (slug,) = crashes(tmp_path / "a b", "wacom_probe")
    page = Report.read(tmp_path / "a b", None).html(tmp_path / "page.html").decode()
    assert f'href="a%20b/{slug}/console.log"' in page


def test_what_is_beyond_the_first_bugs_has_its_row_and_the_page_says_where_the_rest_is(tmp_path: Path) -> None:
    campaign(tmp_path)
    slugs = crashes(tmp_path, "wacom_probe")
    (tmp_path / slugs[0]).rename(tmp_path / "bug-0")
    for number in range(1, 203):
        shutil.copytree(tmp_path / "bug-0", tmp_path / f"bug-{number}")
    page = _page(tmp_path)
    assert "The first 200 are shown whole; what is known of the other 3 is in" in page
    assert page.count('<details class="bug"') == 200
