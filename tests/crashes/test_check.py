"""`usbfuzz crashes check` finds bugs that are not shown any more, and two that have one cause."""

from __future__ import annotations

from pathlib import Path

import pytest
from attrs import evolve
from click.testing import CliRunner

from tests import KNOWN_BUGS
from tests.campaign.pretend import report
from usbfuzz.case import load
from usbfuzz.cli.crashes import crashes
from usbfuzz.crashes.record import Crash, How
from usbfuzz.jobs.check import Checked, twins
from usbfuzz.triage import Report
from usbfuzz.triage.types import CrashType

from .saving import KERNEL, evidence, store_in


def _report(title: str, kind: CrashType | None = None) -> Report:
    return evolve(report(title), guilty="wacom", type=kind)


def _crash(directory: Path, title: str, kind: CrashType | None = None) -> Crash:
    return store_in(directory).sighted(evidence(report=_report(title, kind)))[0]


def test_a_bug_whose_case_shows_another_s_report_first_has_that_one_s_cause(tmp_path: Path) -> None:
    first, second = (_crash(tmp_path, title) for title in ("oops in a", "oops in b"))
    a, b = _report("oops in a"), _report("oops in b")
    found = list(twins([Checked(first, ((a,), (a,))), Checked(second, ((b,), (a, b)))]))
    assert [(bug.title, other.title, how) for bug, other, how in found] == [("oops in b", "oops in a", "before it")]
    assert [bug.title for bug, _, _ in twins([Checked(first, ((a,),)), Checked(second, ((b,), (a,)))])] == ["oops in b"]


def test_what_follows_a_bug_or_needs_no_cause_is_another_bug(tmp_path: Path) -> None:
    first, second = _crash(tmp_path, "oops in a"), _crash(tmp_path, "WARNING in w", CrashType.WARNING)
    a, warning = _report("oops in a"), _report("WARNING in w", CrashType.WARNING)
    assert not list(twins([Checked(first, ((warning, a), (a, warning))), Checked(second, ((warning,),))]))


def test_a_directory_without_confirmed_bugs_needs_no_guest(tmp_path: Path) -> None:
    _crash(tmp_path, "oops in a")
    done = CliRunner().invoke(crashes, ["check", str(tmp_path)], catch_exceptions=False, standalone_mode=False)
    assert (done.output, done.return_value) == (f"{tmp_path}: no confirmed bugs\n", 0)


@pytest.mark.guest
def test_the_command_runs_every_case_and_tells_the_pair_to_merge(tmp_path: Path) -> None:
    known = load(KNOWN_BUGS / "quatech2-bulk-null.toml")
    (title,) = {row.title for row in known.expect if row.kernel == KERNEL}
    store = store_in(tmp_path)
    for name in (title, "oops that it never shows"):
        shown = evolve(report(name), guilty="quatech2", type=CrashType.NULL_DEREFERENCE)
        found = evidence(report=shown, case=known, how=How.ALONE, hits=3, runs=3)
        store.attributed(store.sighted(found)[0].slug, found)
    done = CliRunner().invoke(
        crashes, ["check", str(tmp_path), "--times", "1"], catch_exceptions=False, standalone_mode=False
    )
    assert done.return_value == 1
    assert f"shown 1 of 1: {title}" in done.output
    assert "shown 0 of 1: oops that it never shows" in done.output
    assert f"shows {title} instead of it" in done.output
    assert "2 bugs, 1 shown, 1 pairs with one cause" in done.output
