"""One cause has one directory: what its case shows is listed inside it, and directories of one cause are joined."""

from __future__ import annotations

from pathlib import Path

import pytest
from attrs import evolve

from tests.campaign.pretend import case, report
from usbfuzz.crashes.causes import Causes
from usbfuzz.crashes.companions import Companion, Place, companions
from usbfuzz.crashes.joining import joined_in
from usbfuzz.crashes.record import Crash, How
from usbfuzz.crashes.store import CrashStore
from usbfuzz.triage import Report
from usbfuzz.triage.types import CrashType

from .saving import evidence, store_in


def _report(title: str, guilty: str = "uvcvideo", kind: CrashType | None = None) -> Report:
    return evolve(report(title, module=guilty), guilty=guilty, type=kind)


def _save(store: CrashStore, title: str, *, hits: int = 0, guilty: str = "uvcvideo") -> str:
    crash, _ = store.sighted(evidence(report=_report(title, guilty)))
    if hits:
        store.attributed(crash.slug, evidence(report=_report(title, guilty), how=How.ALONE, hits=hits, runs=3))
    return crash.slug


FAULT, OTHER, WARNING = _report("oops in a"), _report("oops in b"), _report("WARNING in c", kind=CrashType.WARNING)


@pytest.mark.parametrize(
    ("runs", "found"),
    [
        ([(FAULT, OTHER)], [(OTHER, Place.AFTER)]),
        ([(OTHER, FAULT), (FAULT,)], [(OTHER, Place.BEFORE)]),
        ([(FAULT,), (OTHER,)], [(OTHER, Place.INSTEAD)]),
        ([(WARNING, FAULT), (WARNING,)], []),
        ([(FAULT, WARNING)], [(WARNING, Place.AFTER)]),
        ([(FAULT, OTHER), (FAULT, OTHER)], [(OTHER, Place.AFTER)]),
        ([(_report("oops in b", "wacom"),)], []),
    ],
)
def test_what_a_case_shows_has_the_bug_s_cause_unless_it_would_have_come_without_it(
    runs: list[tuple[Report, ...]], found: list[tuple[Report, Place]]
) -> None:
    assert [(other.report, other.place) for other in companions(FAULT, runs)] == found


def test_a_new_title_of_a_bug_s_case_is_listed_and_no_bug(tmp_path: Path) -> None:
    store = store_in(tmp_path)
    slug = _save(store, "oops in a", hits=3)
    Causes(store).shown(slug, [Companion(OTHER, Place.INSTEAD)])
    assert [(row.title, row.where) for row in store.crashes[slug].manifestations] == [("oops in b", "its own runs")]
    known, new = store.sighted(evidence(report=OTHER))
    assert (known.slug, new) == (slug, False)
    assert [row.count for row in known.manifestations] == [2]


def test_a_report_without_a_driver_may_have_any_cause_even_if_a_bug_once_led_to_it(tmp_path: Path) -> None:
    store = store_in(tmp_path)
    slug = _save(store, "oops in a", hits=3)
    core = _report("oops in kfree", "")
    Causes(store).shown(slug, [Companion(core, Place.INSTEAD)])
    assert store.sighted(evidence(report=core))[1]


@pytest.mark.parametrize("place", [Place.BEFORE, Place.INSTEAD])
def test_a_bug_whose_case_shows_another_first_is_that_one_s(tmp_path: Path, place: Place) -> None:
    store = store_in(tmp_path)
    first, second = _save(store, "oops in a", hits=3), _save(store, "oops in b", hits=3)
    Causes(store).shown(second, [Companion(FAULT, place)])
    assert list(store.crashes) == [first]
    assert store.home_of(second) == first
    assert [(row.title, row.where) for row in store.crashes[first].manifestations] == [("oops in b", "its own runs")]
    (kept,) = joined_in(tmp_path / first)
    assert (kept.title, kept.reproduced) == ("oops in b", 3)
    assert store_in(tmp_path).crashes == store.crashes


def test_what_was_only_seen_becomes_a_part_of_what_leads_to_it(tmp_path: Path) -> None:
    store = store_in(tmp_path)
    seen, bug = _save(store, "oops in a"), _save(store, "oops in b", hits=3)
    Causes(store).shown(bug, [Companion(FAULT, Place.AFTER)])
    assert list(store.crashes) == [bug]
    store.hit(seen)
    store.flush()
    assert Crash.read(tmp_path / bug) == store.crashes[bug]
    assert [row.count for row in store.crashes[bug].manifestations] == [2]


def test_two_confirmed_bugs_of_which_one_may_follow_the_other_stay_two(tmp_path: Path) -> None:
    store = store_in(tmp_path)
    first, second = _save(store, "oops in a", hits=3), _save(store, "oops in b", hits=3)
    Causes(store).shown(second, [Companion(FAULT, Place.AFTER)])
    assert set(store.crashes) == {first, second}
    assert [row.where for row in store.crashes[second].manifestations] == ["after it, in the same guest"]


def test_two_bugs_with_the_same_case_are_one_unless_they_are_of_two_drivers(tmp_path: Path) -> None:
    store = store_in(tmp_path)
    causes = Causes(store)
    slugs = [_save(store, "oops in a", hits=3), _save(store, "oops in b", hits=3)]
    other = _save(store, "oops in c", hits=3, guilty="wacom")
    for slug in (*slugs, other):
        causes.shown(slug, [], case(5))
    assert set(store.crashes) == {slugs[0], other}


def test_what_comes_late_for_a_bug_that_was_joined_is_taken_for_the_bug(tmp_path: Path) -> None:
    store = store_in(tmp_path)
    first, second = _save(store, "oops in a", hits=3), _save(store, "oops in b", hits=3)
    Causes(store).shown(second, [Companion(FAULT, Place.BEFORE)])
    assert store.attributed(second, evidence(hits=3, runs=3)).slug == first


def test_a_directory_that_moved_before_the_campaign_was_killed_is_listed(tmp_path: Path) -> None:
    store = store_in(tmp_path)
    first, second = _save(store, "oops in a", hits=3), _save(store, "oops in b", hits=3)
    (tmp_path / first / "also").mkdir()
    (tmp_path / second).rename(tmp_path / first / "also" / second)
    assert [row.title for row in store_in(tmp_path).crashes[first].manifestations] == ["oops in b"]
