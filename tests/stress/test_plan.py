"""The list of moments: what is in it, and that a number means the same each time."""

from __future__ import annotations

from collections import Counter

import pytest

from harness.channel.metered import Packet
from usbfuzz.case import dumps, loads
from usbfuzz.case.model import Action, Case, DeviceSpec, Event
from usbfuzz.jobs.stress.plan import WAYS, Grain, Plan
from usbfuzz.wire import Setup

KEYBOARD = Case((DeviceSpec("keyboard", b"", model="boot-keyboard"),), (Event(Action.PLUG, device=0),))
PACKETS = (
    Packet(0, Setup(0x80, 6, 0x100, 0, 18), 18),
    Packet(0, Setup(0, 9, 1, 0, 0), 0),
    Packet(0x81, None, 8),
)
CHEAP, DEAR = sum(not way.dear for way in WAYS), sum(way.dear for way in WAYS)
CUTS = sum(way.cuts for way in WAYS)


def test_there_is_a_moment_for_each_way_before_and_after_each_packet_and_within_each_answer() -> None:
    between, asked, inside = 4, 3, 17 + 7
    assert len(Plan(KEYBOARD, PACKETS)) == (between + asked) * (CHEAP + DEAR) + inside * CUTS


def test_each_number_is_another_moment_and_its_case_survives_as_text() -> None:
    plan = Plan(KEYBOARD, PACKETS)
    cases = [plan.case_of(plan.moment(number)) for number in range(len(plan))]
    assert len({case.events for case in cases}) == len(plan)
    assert all(loads(dumps(case)).events == case.events for case in cases)
    with pytest.raises(IndexError):
        plan.moment(len(plan))


def test_moments_that_cost_a_fresh_guest_come_last() -> None:
    plan = Plan(KEYBOARD, PACKETS)
    dear = [plan.moment(number).way.dear for number in range(len(plan))]
    assert dear == sorted(dear)


def test_moments_of_some_ways_and_grains_keep_the_numbers_they_have_among_all() -> None:
    plan = Plan(KEYBOARD, PACKETS)
    numbers = plan.numbers(("unplug",), (Grain.BYTE,))
    moments = [plan.moment(number) for number in numbers]
    assert {moment.way.name for moment in moments} == {"unplug"}
    assert [(moment.mark.packets, moment.mark.into) for moment in moments] == [
        *((0, into) for into in range(1, 18)),
        *((2, into) for into in range(1, 8)),
    ]
    assert plan.numbers() == list(range(len(plan)))


def test_a_stream_is_cut_within_its_first_packet_of_each_length_unless_all_bytes_are_asked_for() -> None:
    stream = [Packet(0x81, None, length) for length in (4, 4, 4, 3, 4)]
    plan = Plan(KEYBOARD, (PACKETS[0], *stream, PACKETS[0]))
    cut = [plan.moment(number).mark for number in plan.numbers(("unplug",))]
    control = PACKETS[0].length - 1
    assert Counter(mark.packets for mark in cut if mark.into) == {0: control, 1: 3, 4: 2, 6: control}
    assert len(plan.numbers(("unplug",), tuple(Grain))) == len(cut) + 3 * 3


def test_a_device_that_answers_nothing_still_has_moments() -> None:
    plan = Plan(KEYBOARD, ())
    assert {plan.moment(number).mark.into for number in plan.numbers(("unplug",))} == {None, 0}


def test_a_moment_is_told_in_words() -> None:
    plan = Plan(KEYBOARD, PACKETS)
    unplugs = [plan.moment(number).where for number in plan.numbers(("unplug",))]
    assert unplugs[0] == "before the first packet"
    assert unplugs[1] == "after packet 1 (80 06 0100 0000 0012)"
    assert "at packet 3 (in 0x81)" in unplugs
    assert "after 5 of 8 bytes of packet 3 (in 0x81)" in unplugs
