"""What grows in each of the later cycles is a leak; all else is not."""

from __future__ import annotations

from collections.abc import Sequence

from usbfuzz.leftovers import CYCLES, Counted, Grown, Sort, grown

OBJECT = Counted(Sort.MEMORY, chain=("kmalloc+0x1/0x2", "wacom_probe+0x3/0x4 [wacom]"), size=64)
THREAD = Counted(Sort.THREAD, "usb-storage")


def judged(*series: tuple[Counted, Sequence[int]]) -> tuple[Grown, ...]:
    return grown([{what: counts[cycle] for what, counts in series} for cycle in range(CYCLES)])


def test_what_each_cycle_leaves_is_a_leak_of_so_much() -> None:
    (leak,) = judged((OBJECT, [2 * cycle for cycle in range(CYCLES)]))
    assert (leak.what, leak.each, leak.bytes) == (OBJECT, 2, 128)
    assert leak.cycles < CYCLES


def test_what_is_there_for_the_first_time_in_a_late_cycle_is_counted_from_nothing() -> None:
    assert grown([{}] * 4 + [{OBJECT: 1}] * 6) == ()
    assert grown([{}] * 4 + [{OBJECT: number} for number in range(1, 7)]) == (Grown(OBJECT, 1, 6),)


def test_what_only_the_first_cycles_leave_is_kept_for_later_ones_and_no_leak() -> None:
    assert judged((OBJECT, [1, 5, 9, 12, *[12] * 6])) == ()


def test_one_cycle_that_leaves_nothing_is_enough_to_be_no_leak() -> None:
    assert judged((OBJECT, [0, 1, 2, 3, 4, 5, 6, 6, 7, 8])) == ()
    assert judged((OBJECT, [0, 1, 2, 3, 4, 5, 6, 7, 8, 2])) == ()


def test_a_run_that_ended_early_says_nothing() -> None:
    assert grown([]) == ()
    assert grown([{OBJECT: number} for number in range(4)]) == ()


def test_the_largest_comes_first() -> None:
    up = list(range(CYCLES))
    assert [leak.what for leak in judged((THREAD, up), (OBJECT, up))] == [OBJECT, THREAD]
