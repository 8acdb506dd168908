"""What the runs of a cell mean, and when there are enough of them."""

from __future__ import annotations

import pytest

from usbfuzz.case.model import Expectation
from usbfuzz.jobs.regress.judge import enough, enough_to_bless, judge, tries_for
from usbfuzz.jobs.regress.matrix import Status
from usbfuzz.jobs.regress.observe import stable_line
from usbfuzz.triage import CrashType

from .cells import OOPS, report, seen

HARMLESS = Expectation("k", "", drivers=("1.0 usbhid",), log=())
CRASHES = Expectation("k", OOPS, ("another name",))
CRASH, CLEAN = seen(report()), seen()


def test_the_recorded_crash_is_as_expected_under_any_of_its_names() -> None:
    assert judge(CRASHES, [CRASH]).status is Status.OK
    assert judge(CRASHES, [seen(report("another name"))]).status is Status.OK
    assert judge(CRASHES, [CLEAN, CLEAN, CRASH]).hits == 1


def test_a_recorded_crash_that_stays_away_is_gone_and_named() -> None:
    finding = judge(CRASHES, [CLEAN] * 3)
    assert (finding.status, finding.title) == (Status.GONE, OOPS)
    assert "3 runs" in finding.notes[0]


def test_another_crash_than_the_recorded_one_is_a_crash() -> None:
    finding = judge(CRASHES, [seen(report("KASAN: something else"))])
    assert (finding.status, finding.title) == (Status.CRASH, "KASAN: something else")
    assert OOPS in finding.notes[0]


@pytest.mark.parametrize("expected", [None, HARMLESS])
def test_a_crash_nobody_expects_is_a_crash_however_rare(expected: Expectation | None) -> None:
    finding = judge(expected, [CLEAN, CRASH, CLEAN])
    assert (finding.status, finding.hits) == (Status.CRASH, 1)
    assert any("in 1 of 3 runs" in note for note in finding.notes)


def test_a_kernel_that_warned_and_went_on_is_told_from_one_that_crashed() -> None:
    assert judge(None, [seen(report("WARNING in f", kind=CrashType.WARNING))]).status is Status.WARNING


def test_a_crash_on_a_used_guest_alone_may_be_an_earlier_cases() -> None:
    finding = judge(None, [seen(report(), fresh=False), CLEAN, CLEAN])
    assert finding.status is Status.CRASH
    assert "earlier case" in finding.notes[-1]
    assert not enough(None, [seen(report(), fresh=False)])
    assert enough(None, [CRASH])


def test_without_a_record_a_clean_run_passes() -> None:
    assert judge(None, [CLEAN]).status is Status.NEW
    assert enough(None, [CLEAN])


def test_other_drivers_and_other_words_are_a_changed_behaviour() -> None:
    finding = judge(HARMLESS, [seen(drivers=("1.0 -",), log=("usb 1-1: no",))] * 3)
    assert finding.status is Status.CHANGED
    assert finding.notes == ("drivers: - 1.0 usbhid", "drivers: + 1.0 -", "log: + usb 1-1: no")


def test_what_user_space_no_longer_sees_is_a_difference_in_the_kernel_s_words() -> None:
    expected = Expectation("k", "", userspace=("1.0 input 'M' keys: BTN_LEFT", "1.2 sound capture rates: 48000"))
    finding = judge(expected, [seen(userspace=("1.0 input 'M' keys: BTN_LEFT", "1.3 hwmon temp: 1"))] * 3)
    assert finding.status is Status.CHANGED
    assert finding.notes == (
        "userspace: 1.2 sound capture rates: 48000 → none",
        "userspace: 1.3 hwmon temp: none → 1",
    )


def test_a_sight_from_user_space_that_two_of_three_runs_miss_is_as_recorded() -> None:
    expected = Expectation("k", "", userspace=("1.0 net: up",))
    runs = [seen(userspace=()), seen(userspace=()), seen(userspace=("1.0 net: up",))]
    assert judge(expected, runs).status is Status.OK


def test_one_run_that_behaves_as_recorded_is_enough() -> None:
    runs = [seen(drivers=()), CLEAN]
    assert judge(HARMLESS, runs).status is Status.OK
    assert enough(HARMLESS, runs)
    assert not enough(HARMLESS, runs[:1])


def test_what_nobody_recorded_cannot_change() -> None:
    assert judge(Expectation("k", ""), [seen(drivers=("x",), log=("y",))]).status is Status.OK


def test_a_run_answered_too_late_counts_only_when_all_are() -> None:
    late = seen(drivers=(), trusted=False)
    assert judge(HARMLESS, [late, CLEAN]).status is Status.OK
    assert not enough(HARMLESS, [late])
    assert enough(HARMLESS, [late] * 3)
    assert judge(HARMLESS, [late] * 3).status is Status.CHANGED


@pytest.mark.parametrize(("reliability", "tries"), [(100, 3), (90, 3), (50, 7), (30, 13), (1, 20)])
def test_a_rare_crash_gets_as_many_tries_as_it_needs(reliability: int, tries: int) -> None:
    expected = Expectation("k", OOPS, reliability=reliability)
    assert tries_for(expected) == tries
    assert not enough(expected, [CLEAN] * (tries - 1))
    assert enough(expected, [CLEAN] * tries)
    assert enough(expected, [CRASH])


def test_what_to_record_needs_two_runs_that_agree_or_three_of_a_crash() -> None:
    assert not enough_to_bless([CLEAN])
    assert not enough_to_bless([CLEAN, seen(drivers=())])
    assert enough_to_bless([CLEAN, seen(drivers=()), CLEAN])
    assert not enough_to_bless([CLEAN, seen(userspace=())])
    assert enough_to_bless([CLEAN, seen(drivers=(), userspace=()), seen(userspace=())])
    assert not enough_to_bless([CRASH, CLEAN])
    assert enough_to_bless([CRASH, CLEAN, CRASH])


def test_lines_that_were_recorded_before_a_rule_about_chance_are_read_by_it() -> None:
    recorded = Expectation("k", "", log=("pl2303 ttyUSBN: failed: -32", "usb-serial (null): failed: -32"))
    assert judge(recorded, [seen(log=(stable_line("usb-serial ttyUSB4: failed: -32"),))]).status is Status.OK
    assert judge(recorded, [seen(log=())] * 3).status is Status.CHANGED
