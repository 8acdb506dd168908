"""Cases merged into one keep what each did, on ports and devices of their own."""

from __future__ import annotations

from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from usbfuzz.case.model import Action, Case, DeviceSpec, Event
from usbfuzz.jobs.campaign.merge import in_sequence, side_by_side

from .pretend import case

_EVENTS = st.lists(
    st.builds(
        Event,
        action=st.sampled_from(Action),
        port=st.integers(0, 2),
        device=st.just(0),
        after_ms=st.none() | st.integers(0, 500),
        after_requests=st.none() | st.integers(0, 9),
    ),
    min_size=1,
    max_size=6,
)
_CASES = st.lists(_EVENTS, min_size=1, max_size=4).map(
    lambda schedules: [
        Case((DeviceSpec(f"case {number}", b""),), tuple(events)) for number, events in enumerate(schedules)
    ]
)


def _first_ports(cases: list[Case]) -> list[int]:
    return [sum(case.ports for case in cases[:number]) for number in range(len(cases))]


def test_one_case_is_left_as_it_is() -> None:
    assert side_by_side([case(3)]) == case(3)
    assert in_sequence([[case(3)]]) == case(3)


@given(_CASES)
def test_side_by_side_each_case_keeps_its_own_schedule_in_order(cases: list[Case]) -> None:
    merged = side_by_side(cases)
    for part, first in zip(cases, _first_ports(cases), strict=True):
        mine = [event for event in merged.events if event.port in range(first, first + part.ports)]
        assert [(event.action, event.port - first) for event in mine] == [
            (event.action, event.port) for event in part.events
        ]
        plugged = {merged.devices[event.device].name for event in mine if event.device is not None}
        assert plugged == {part.devices[0].name}
    assert merged.ports == sum(case.ports for case in cases)


@given(_CASES)
def test_side_by_side_keeps_every_wait_that_a_case_names(cases: list[Case]) -> None:
    merged = side_by_side(cases)
    for part, first in zip(cases, _first_ports(cases), strict=True):
        mine = [event for event in merged.events if event.port in range(first, first + part.ports)]
        for old, new in zip(part.events, mine, strict=True):
            if old.after_ms is not None or old.after_requests is not None:
                assert (new.after_ms, new.after_requests) == (old.after_ms, old.after_requests)


def test_side_by_side_plugs_in_one_step_without_waiting_for_the_guest_to_settle_between() -> None:
    merged = side_by_side([case(0), case(1), case(2)])
    assert [event.after_ms for event in merged.events] == [None, 0, 0]


def test_in_sequence_unplugs_what_a_round_left_plugged_before_the_next_round() -> None:
    merged = in_sequence([[case(0), case(1)], [case(2)]])
    assert [(event.action, event.port) for event in merged.events] == [
        (Action.PLUG, 0),
        (Action.PLUG, 1),
        (Action.UNPLUG, 0),
        (Action.UNPLUG, 1),
        (Action.PLUG, 0),
        (Action.UNPLUG, 0),
    ]
    assert merged.devices[merged.events[4].device or 0].name == "case 2"


def test_a_merged_case_says_which_cases_it_came_from() -> None:
    merged = in_sequence([[case(4), case(5)], [case(9)]])
    assert "4, 5, 9" in merged.provenance.notes
    assert merged.provenance.index is None


def test_kernel_parameters_of_all_cases_are_kept_once() -> None:
    first = evolve(case(0), guest=evolve(case(0).guest, kernel_params=("a=1",)))
    second = evolve(case(1), guest=evolve(case(1).guest, kernel_params=("a=1", "b=2")))
    assert side_by_side([first, second]).guest.kernel_params == ("a=1", "b=2")
