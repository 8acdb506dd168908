"""How the cases of a lane are packed into rounds."""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from usbfuzz.jobs.campaign.case_queue import CaseQueue, ranges
from usbfuzz.jobs.campaign.messages import Block

from .pretend import config

if TYPE_CHECKING:
    from collections.abc import Sequence

#: Answers each range with as many empty mouse-like cases: only ports and indices matter here. The words after the
#: program say how many ports each case takes, the last one for all that follow.
_GENERATOR = """
import json, sys
from usbfuzz.jobs.campaign.messages import CASES, RANGES, Made
from usbfuzz.case.model import Action, Case, DeviceSpec, Event
def case(ports):
    return Case((DeviceSpec("d", b""),), tuple(Event(Action.PLUG, port=port, device=0) for port in range(ports)))
wide = [int(word) for word in sys.argv[1].split()]
for line in sys.stdin.buffer:
    wanted = RANGES.decode(line)
    for index in range(wanted.first, wanted.first + wanted.count):
        sys.stdout.buffer.write(CASES.encode(Made(index, case(wide[min(index, len(wide) - 1)]))))
        sys.stdout.buffer.flush()
"""


async def _widths(cases: int, quiet: Sequence[bool], wide: str = "1", alone: Sequence[int] = ()) -> list[int]:
    """Sizes of the first rounds, the outcome of each being as ``quiet`` says."""
    queue = await CaseQueue.start((sys.executable, "-c", _GENERATOR, wide), 0, config())
    queue.add(Block(tuple(range(cases)), tuple(alone)))
    sizes = []
    try:
        for good in quiet:
            sizes.append(len(await queue.round()))
            queue.learn(quiet=good)
    finally:
        await queue.close()
    return sizes


def test_rounds_halve_when_the_guest_dies_and_grow_again_one_by_one() -> None:
    sizes = asyncio.run(_widths(100, [True, False, False, False, True, True, True, False, True]))
    assert sizes == [8, 8, 4, 2, 1, 2, 3, 4, 2]


def test_rounds_are_never_wider_than_the_guest_has_ports() -> None:
    assert asyncio.run(_widths(100, [True] * 5)) == [8] * 5


def test_cases_of_several_ports_share_a_round_as_long_as_there_are_ports() -> None:
    assert asyncio.run(_widths(12, [True] * 4, "3 2 4 2 1 1 5 8 1")) == [2, 4, 1, 1]


def test_a_case_wider_than_the_round_still_runs() -> None:
    assert asyncio.run(_widths(5, [False] * 4, "4")) == [2, 1, 1, 1]


def test_a_suspect_runs_alone() -> None:
    assert asyncio.run(_widths(10, [True] * 4, alone=[0, 4])) == [1, 3, 1, 5]


@given(st.sets(st.integers(0, 60)))
def test_ranges_cover_exactly_the_indices_in_order(indices: set[int]) -> None:
    made = list(ranges(sorted(indices)))
    assert [n for part in made for n in range(part.first, part.first + part.count)] == sorted(indices)
