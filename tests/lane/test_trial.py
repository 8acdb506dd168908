"""Reports count, a silence after a late answer does not: such a run is repeated, a few times."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from harness.lane.trial import TRIES, Trial, believable, run_believably


async def _tried(results: Iterator[int], *, tries: int = TRIES) -> tuple[Trial[int], list[int]]:
    """Runs whose even results are believed; also the results between which something was done."""
    between: list[int] = []

    async def run() -> int:
        return next(results)

    async def note(result: int) -> None:
        between.append(result)

    return await run_believably(run, lambda result: result % 2 == 0, tries=tries, between=note), between


@pytest.mark.parametrize(
    ("reported", "dilated", "believed"),
    [(True, False, True), (True, True, True), (False, False, True), (False, True, False)],
)
def test_only_a_silence_after_a_late_answer_is_not_believed(*, reported: bool, dilated: bool, believed: bool) -> None:
    assert believable(reported=reported, dilated=dilated) is believed


def test_the_first_run_that_may_be_believed_counts() -> None:
    assert asyncio.run(_tried(iter((4,)))) == (Trial(4, believed=True, doubted=0), [])
    assert asyncio.run(_tried(iter((1, 3, 8)))) == (Trial(8, believed=True, doubted=2), [1, 3])


def test_the_last_of_as_many_runs_as_allowed_is_what_remains() -> None:
    assert asyncio.run(_tried(iter((1, 3, 5, 8)))) == (Trial(5, believed=False, doubted=TRIES), [1, 3])
    assert asyncio.run(_tried(iter((1, 8)), tries=1)) == (Trial(1, believed=False, doubted=1), [])
