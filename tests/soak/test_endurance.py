"""What of thousands of plug cycles counts as growth, on looks that were made up."""

from __future__ import annotations

from usbfuzz.jobs.bench.endurance import QEMU, Course
from usbfuzz.jobs.bench.slopes import Saw

CYCLES, STEP = 10_000, 50


def _qemu(each: int, leak: int) -> tuple[float, bool]:
    """The growth of a QEMU whose memory goes up by 1,000 bytes a cycle, and back after ``each``; whether it is good."""
    saw = Saw()
    looks = []
    for at in range(0, CYCLES, STEP):
        size = 100_000_000 + at % each * 1000 + at * leak
        saw.add(at // each, at, size)
        looks.append((at, {"guest: kernel": 5, QEMU: size}))
    growth = {row.what: row for row in Course(0, tuple(looks), saw).growth}
    assert growth["guest: kernel"].per_cycle == 0
    return growth[QEMU].per_cycle, growth[QEMU].good


def test_memory_that_comes_and_goes_with_translated_code_is_no_growth() -> None:
    assert _qemu(each=1500, leak=0) == (0, True)


def test_what_is_left_each_time_is_growth() -> None:
    per_cycle, good = _qemu(each=1500, leak=40)
    assert round(per_cycle) == 40
    assert not good


def test_a_qemu_that_does_not_get_to_throw_code_away_is_judged_by_all_looks() -> None:
    per_cycle, good = _qemu(each=CYCLES, leak=0)
    assert round(per_cycle) == 1000
    assert not good
