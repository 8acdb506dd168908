"""A number is a way for the guest's processors to take turns, and says so when a kernel has no such guest."""

from __future__ import annotations

from pathlib import Path

import pytest
from attrs import evolve

from harness.guest.kernels.model import Kernel
from usbfuzz.case import dumps, loads
from usbfuzz.case.model import Case, Schedule
from usbfuzz.jobs.bench.cases import mouse_case
from usbfuzz.jobs.races.way import Way, schedule_of, schedules, way

SEEDS = range(1, 49)


@pytest.fixture
def kernel(tmp_path: Path) -> Kernel:
    return Kernel("debian:6.1.1-1", "6.1.0-1", tmp_path / "vmlinuz", tmp_path, "0" * 16)


def config(kernel: Kernel, *lines: str) -> None:
    (kernel.vmlinuz.parent / "config").write_text("\n".join(lines))


def two() -> Case:
    case = mouse_case()
    return evolve(case, guest=evolve(case.guest, processors=2))


def test_a_number_brings_its_way_back_and_another_one_another() -> None:
    ways = [way(mouse_case(), seed) for seed in SEEDS]
    assert ways == [way(mouse_case(), seed) for seed in SEEDS]
    assert len({str(each) for each in ways}) > len(SEEDS) * 3 / 4


def test_way_0_is_the_case_as_it_is() -> None:
    assert way(two(), 0).of(two()) == two()


def test_a_case_file_keeps_the_way() -> None:
    for seed in SEEDS:
        case = way(mouse_case(), seed).of(mouse_case())
        assert loads(dumps(case)).guest == case.guest


def test_there_are_guests_with_one_two_and_four_processors_and_instructions_of_other_lengths() -> None:
    ways = [way(mouse_case(), seed) for seed in SEEDS]
    assert {each.processors for each in ways} == {1, 2, 4}
    assert len({each.schedule.shift for each in ways}) == 3


def test_what_the_user_asks_for_holds_for_all_ways() -> None:
    assert {way(mouse_case(), seed, 4).processors for seed in SEEDS} == {4}


def test_a_kernel_that_cannot_be_preempted_anywhere_makes_those_ways_impossible(kernel: Kernel) -> None:
    preempted = next(each for each in (way(two(), seed) for seed in SEEDS) if each.preempted)
    assert "no .config" in preempted.impossible(kernel)
    config(kernel, "# CONFIG_PREEMPT is not set", "CONFIG_PREEMPT_VOLUNTARY=y")
    assert preempted.impossible(kernel) == "preempt=full: debian:6.1.1-1 was built without PREEMPT_DYNAMIC"
    config(kernel, "CONFIG_PREEMPT_DYNAMIC=y")
    assert not preempted.impossible(kernel)


def test_one_processor_takes_no_turns(kernel: Kernel) -> None:
    turning = Way(1, evolve(two().guest, processors=1, schedule=Schedule(turn_us=50)))
    assert turning.impossible(kernel) == "turn_us: one processor takes no turns"
    assert not any(schedule_of(seed, 1).turn_us for seed in SEEDS)


def test_schedules_of_a_case_need_no_other_guest_than_it_has() -> None:
    made = schedules(two(), 12)
    assert {case.guest.processors for case in made} == {2}
    assert {case.guest.schedule.shift for case in made} == {two().guest.schedule.shift}
    assert len({case.guest.schedule for case in made}) > 9
