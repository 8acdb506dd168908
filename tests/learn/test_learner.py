"""A learner finds out what a driver checks, whatever way that checks it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from strategies.devices import bare_device
from strategies.dice import Dice
from strategies.identities import CLASS_DRIVERS
from strategies.learning.draft import draft_of
from strategies.palette import Palette
from usbfuzz.case.model import Case
from usbfuzz.jobs.learn.desk import Seen
from usbfuzz.jobs.learn.learner import Learner, Limits

from .drivers import Kernel, runs


def big_endian_magic(kernel: Kernel) -> None:
    answer = kernel.read(1, 8)
    kernel.need(1, int.from_bytes(answer[2:6], "big"), 0xCAFE1234, 4)


def one_byte_after_another(kernel: Kernel) -> None:
    answer = kernel.read(1, 16)
    for place, wanted in enumerate(b"USBC"):
        kernel.need(place, answer[3 + place], wanted, 1)


def a_short_answer(kernel: Kernel) -> None:
    kernel.need(1, len(kernel.read(7, 64)), 12, 4)


def a_bit(kernel: Kernel) -> None:
    kernel.need(1, kernel.read(1, 1)[0], 0x40, 1, "test")
    kernel.need(2, kernel.read(2, 1)[0] & 0xFF, 0, 1, "zero")


def a_checksum_and_what_is_behind_it(kernel: Kernel) -> None:
    answer = kernel.read(1, 12)
    kernel.need(1, answer[11], sum(answer[:11]) & 0xFF, 1)
    kernel.need(2, int.from_bytes(kernel.read(2, 2), "little"), 0x8150, 2)


def nothing_is_wanted(kernel: Kernel) -> None:
    kernel.read(1, 8)


DRIVERS = (
    big_endian_magic, one_byte_after_another, a_short_answer, a_bit, a_checksum_and_what_is_behind_it,
    nothing_is_wanted,
)  # fmt: skip


def learner_of(run: Callable[[Case], Seen], runs_: int = 200) -> Learner:
    async def later(case: Case) -> Seen:
        return run(case)

    learner = Learner(later, Limits(runs=runs_))
    spec = bare_device(Dice(1), Palette(CLASS_DRIVERS), "printer")
    asyncio.run(learner.learn([draft_of(spec)]))
    return learner


@pytest.mark.parametrize("probe", DRIVERS, ids=lambda probe: probe.__name__)
def test_a_driver_binds_once_its_checks_are_known(probe: Callable[[Kernel], None]) -> None:
    learner = learner_of(runs(probe))
    assert learner.best is not None
    assert learner.best.seen.bound, [str(change) for change in learner.best.draft.changes]
    # Whatever the bytes are that were not learned: the driver binds again.
    assert all(runs(probe)(learner.best.draft.case(paint)).bound for paint in range(2, 7))


def test_what_was_learned_names_the_instruction() -> None:
    best = learner_of(runs(big_endian_magic)).best
    assert best is not None
    (change,) = best.draft.changes
    assert (change.because, change.offset, change.value.hex()) == ("probe+0x1", 2, "cafe1234")


def test_no_more_runs_than_allowed() -> None:
    assert learner_of(runs(one_byte_after_another), runs_=3).runs <= 4  # the one that is under way ends


def test_runs_that_crash_are_kept_and_end_it_when_they_are_many() -> None:
    learner = learner_of(lambda case: Seen(title="BUG: it fell over"))
    assert learner.best is None
    assert [title for title, _ in learner.crashes] == ["BUG: it fell over"]
