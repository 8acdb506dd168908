"""Attribution keeps the smallest input that shows the same bug again."""

from __future__ import annotations

import asyncio
from typing import Any

from attrs import evolve

from harness.lane.trial import TRIES
from usbfuzz.case import spec_of
from usbfuzz.case.model import Case
from usbfuzz.crashes.evidence import Evidence
from usbfuzz.crashes.record import How
from usbfuzz.jobs.campaign.attribute import CONFIRMATIONS, ENOUGH, Attributor, Suspicion, suspects
from usbfuzz.models.hid.pointers import BootMouse

from .pretend import PretendLane, case, report

MOUSE = spec_of(BootMouse())


def _attribute(
    lane: PretendLane, numbers: list[int], *, history: tuple[tuple[Case, ...], ...] = (), title: str = "oops"
) -> tuple[Evidence, Attributor]:
    suspicion = Suspicion(
        report(title), tuple(case(number) for number in numbers), history, "first console", ("wacom",)
    )
    attributor = Attributor(lane, lambda: False)
    return asyncio.run(attributor.attribute(suspicion)).evidence, attributor


def _lane(*crashes: dict[str, Any], **script: Any) -> PretendLane:
    return PretendLane({"crashes": list(crashes), **script})


def test_the_one_case_of_a_round_that_crashes_alone_is_kept() -> None:
    lane = _lane({"needs": [6], "title": "oops"})
    found, _ = _attribute(lane, [5, 6, 7])
    assert (found.how, found.case, found.hits, found.runs) == (How.ALONE, case(6), ENOUGH, ENOUGH)
    assert found.console == "oops\n"
    assert lane.runs == [[5], [6], *([[6]] * ENOUGH)]
    assert lane.restores == 1 + 1 + ENOUGH


def test_a_case_made_for_a_driver_on_the_stack_is_suspected_first() -> None:
    stack = (
        "usb_probe_interface+0xe3/0x2b0 [usbcore]\nuvc_probe+0x1c/0x90 [uvcvideo]\nModules linked in: hid_sony wacom\n"
    )
    cases = tuple(
        evolve(case(n), devices=(evolve(MOUSE, name=name),))
        for n, name in enumerate(("hid_sony 1:2", "uvcvideo 3:4", "wacom 5:6"))
    )
    order = suspects(Suspicion(evolve(report("oops"), text=stack), cases, (), "", ()))
    assert [run for how, run in order if how is How.ALONE] == [cases[1], cases[0], cases[2]]


def test_of_cases_made_for_the_guilty_driver_none_else_is_tried_and_these_more_often() -> None:
    made = tuple(
        evolve(case(n), devices=(evolve(MOUSE, name=name),)) for n, name in enumerate(("wacom 5:6", "ntrig 1:2"))
    )
    order = list(suspects(Suspicion(evolve(report("oops"), guilty="wacom"), made, (), "", ())))
    assert [how for how, _ in order] == [How.ALONE, How.ROUND, How.ALONE, How.ALONE]
    assert all(run == made[0] for how, run in order if how is How.ALONE)


def test_the_cases_of_a_round_share_a_guest_and_what_shows_the_bug_there_is_tried_on_fresh_ones() -> None:
    lane = _lane({"needs": [5, 7], "title": "oops", "history": True})
    found, _ = _attribute(lane, [5, 6, 7])
    assert lane.runs[: 3 + ENOUGH] == [[5], [6], [7], *([[7]] * ENOUGH)]
    assert (found.how, found.hits) == (How.ROUND, ENOUGH)


def test_a_guest_that_has_reported_something_is_used_no_more() -> None:
    lane = _lane({"needs": [5], "title": "known", "kept": True}, {"needs": [5, 6], "title": "oops", "history": True})
    found, _ = _attribute(lane, [5, 6])
    assert lane.runs[:3] == [[5], [6], [5, 6]]
    assert found.how is How.ROUND


def test_a_stray_comes_with_what_had_run_in_its_guest() -> None:
    lane = _lane({"needs": [6], "title": "another"}, {"needs": [5, 6, 7], "title": "oops"})
    _, attributor = _attribute(lane, [5, 6, 7])
    assert [stray.history for stray in attributor.strays[:1]] == [((case(5),),)]


def test_a_crash_that_needs_two_cases_keeps_the_whole_round() -> None:
    found, _ = _attribute(_lane({"needs": [5, 7], "title": "oops"}), [5, 6, 7])
    assert (found.how, found.hits) == (How.ROUND, ENOUGH)
    assert [device.name for device in found.case.devices] == ["case 5", "case 6", "case 7"]


def test_a_crash_that_needs_an_earlier_round_keeps_the_history() -> None:
    found, _ = _attribute(_lane({"needs": [1, 6], "title": "oops"}), [5, 6], history=((case(1), case(2)), (case(3),)))
    assert (found.how, found.hits) == (How.HISTORY, ENOUGH)
    assert [device.name for device in found.case.devices] == [f"case {n}" for n in (1, 2, 3, 5, 6)]


def test_what_never_shows_again_is_kept_all_the_same_as_not_reproduced() -> None:
    found, _ = _attribute(_lane(), [5, 6], history=((case(1),),))
    assert (found.how, found.hits, found.runs) == (How.NOT, 0, 4)
    assert found.console == "first console"
    assert found.drivers == ("wacom",)
    assert len(found.case.devices) == 2


def test_a_single_case_gets_a_second_chance() -> None:
    lane = _lane()
    found, _ = _attribute(lane, [5])
    assert lane.runs == [[5], [5]]
    assert found.runs == 2


def test_a_flaky_crash_says_how_often_it_came() -> None:
    found, _ = _attribute(_lane({"needs": [6], "title": "oops", "times": 1}), [6])
    assert (found.hits, found.runs) == (1, CONFIRMATIONS)


def test_another_name_of_the_same_bug_counts() -> None:
    suspicion = Suspicion(report("general protection fault in x", "oops"), (case(6),), (), "", ())
    lane = _lane({"needs": [6], "title": "oops"})
    found = asyncio.run(Attributor(lane, lambda: False).attribute(suspicion)).evidence
    assert found.hits == ENOUGH


def test_another_bug_met_on_the_way_is_handed_on_with_its_exact_case() -> None:
    lane = _lane({"needs": [5], "title": "another"}, {"needs": [5, 6], "title": "oops"})
    found, attributor = _attribute(lane, [5, 6])
    assert found.how is How.ROUND
    assert attributor.strays[0].report.title == "another"
    assert attributor.strays[0].cases == (case(5),)


def test_the_silence_of_a_dilated_run_is_not_believed() -> None:
    lane = _lane({"needs": [6], "title": "oops"}, dilated=2)
    found, attributor = _attribute(lane, [5, 6])
    assert lane.runs[:4] == [[5], [5], [5], [6]]
    assert attributor.dilated == 2
    assert found.hits == ENOUGH


def test_always_dilated_runs_come_to_an_end() -> None:
    lane = _lane(dilated=99)
    found, _ = _attribute(lane, [5])
    assert (found.hits, found.runs) == (0, 2)
    assert len(lane.runs) == 2 * TRIES


def test_in_a_hurry_no_further_run_is_started() -> None:
    lane = _lane({"needs": [6], "title": "oops"})
    suspicion = Suspicion(report("oops"), (case(6),), (), "console", ())
    found = asyncio.run(Attributor(lane, lambda: True).attribute(suspicion)).evidence
    assert lane.runs == []
    assert (found.how, found.runs, found.console) == (How.NOT, 0, "console")
