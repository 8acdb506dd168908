"""How the cases of a lane are packed into rounds."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from hypothesis import given, settings
from hypothesis import strategies as st

from usbfuzz.jobs.campaign.case_queue import CaseQueue, ranges
from usbfuzz.jobs.campaign.messages import Block, GeneratorStart

from .pretend import config

if TYPE_CHECKING:
    from collections.abc import Sequence

#: Answers each range with as many empty mouse-like cases: only ports and indices matter here. The words after the
#: program say how many ports each case takes, the last one for all that follow, and for which drivers they are made, in
#: turn.
_START = GeneratorStart(0, Path("modules.alias"))
_GENERATOR = """
import json, sys
from usbfuzz.jobs.campaign.messages import CASES, RANGES, Made
from usbfuzz.case.model import Action, Case, DeviceSpec, Event
def case(ports):
    return Case((DeviceSpec("d", b""),), tuple(Event(Action.PLUG, port=port, device=0) for port in range(ports)))
wide, modules = [int(word) for word in sys.argv[1].split()], sys.argv[2].replace("-", "").split(" ")
for line in sys.stdin.buffer:
    wanted = RANGES.decode(line)
    for index in range(wanted.first, wanted.first + wanted.count):
        made = case(wide[min(index, len(wide) - 1)])
        sys.stdout.buffer.write(CASES.encode(Made(index, made, module=modules[index % len(modules)])))
        sys.stdout.buffer.flush()
"""


async def _rounds(
    cases: int, crashes: Sequence[str | None], wide: str = "1", alone: Sequence[int] = (), modules: str = "-"
) -> list[list[int]]:
    """The cases of the first rounds, each of which ended its guest, or not (None), and was blamed on a driver."""
    queue = await CaseQueue.start((sys.executable, "-c", _GENERATOR, wide, modules), _START, config())
    queue.add(Block(tuple(range(cases)), tuple(alone)))
    rounds = []
    try:
        for blamed in crashes:
            made = await queue.round()
            rounds.append([case.index for case in made])
            queue.learn(made, blamed=None if blamed is None else {blamed})
    finally:
        await queue.close()
    return rounds


def _widths(cases: int, crashes: Sequence[str | None], wide: str = "1", alone: Sequence[int] = ()) -> list[int]:
    return list(map(len, asyncio.run(_rounds(cases, crashes, wide, alone))))


def test_rounds_become_narrow_when_guests_die_and_wide_again_when_they_live() -> None:
    sizes = _widths(200, ["", *[None] * 60])
    assert sizes[0] == 8
    assert max(sizes[1:6]) == 1
    assert sizes[-1] > 1
    assert sorted(sizes[1:]) == sizes[1:]


def test_only_the_driver_to_blame_is_kept_apart() -> None:
    names = " ".join(f"driver{number}" for number in range(7))
    rounds = asyncio.run(_rounds(140, ["driver3", *[None] * 8], modules=names))
    assert len(rounds[0]) == 7
    later = rounds[1:3]
    assert all(len(indices) == 1 or all(index % 7 != 3 for index in indices) for indices in later)
    assert sum(len(indices) == 6 for indices in later) >= 1


def test_no_two_cases_of_a_round_are_made_for_one_driver() -> None:
    rounds = asyncio.run(_rounds(24, [None] * 6, modules="usbhid usbhid uvcvideo cdc_acm"))
    assert all(len({_DRIVERS[index % 4] for index in indices}) == len(indices) for indices in rounds)
    assert rounds[0] == [0, 2, 3]


_DRIVERS = ("usbhid", "usbhid", "uvcvideo", "cdc_acm")


@given(
    st.integers(1, 60),
    st.lists(st.sampled_from(["usbhid", "uvcvideo", "cdc_acm", ""]), min_size=1, max_size=6),
    st.sets(st.integers(0, 59), max_size=4),
    st.lists(st.sampled_from([None, "usbhid", "cdc_acm"]), min_size=1, max_size=5),
)
@settings(max_examples=15, deadline=None)
def test_every_case_runs_exactly_once_whatever_crashes(
    cases: int, modules: list[str], alone: set[int], crashes: list[str | None]
) -> None:
    async def all_of_them() -> list[int]:
        words = " ".join(module or "-" for module in modules)
        queue = await CaseQueue.start((sys.executable, "-c", _GENERATOR, "1", words), _START, config())
        queue.add(Block(tuple(range(cases)), tuple(alone & set(range(cases)))))
        ran: list[int] = []
        try:
            while len(ran) < cases:
                made = await queue.round()
                assert len(made) == 1 or not {case.index for case in made} & alone
                ran += [case.index for case in made]
                blamed = crashes[len(ran) % len(crashes)]
                queue.learn(made, blamed=None if blamed is None else {blamed})
        finally:
            await queue.close()
        return ran

    assert sorted(asyncio.run(all_of_them())) == list(range(cases))


def test_rounds_are_never_wider_than_the_guest_has_ports() -> None:
    assert _widths(100, [None] * 5) == [8] * 5


def test_cases_of_several_ports_share_a_round_as_long_as_there_are_ports() -> None:
    rounds = asyncio.run(_rounds(12, [None] * 4, "3 2 4 2 1 1 5 8 1"))
    assert rounds == [[0, 1, 3, 4], [2, 5, 8, 9, 10], [6, 11], [7]]


def test_a_case_wider_than_the_round_still_runs() -> None:
    assert _widths(5, [""] * 4, "4") == [2, 1, 1, 1]


def test_a_suspect_runs_alone() -> None:
    rounds = asyncio.run(_rounds(10, [None] * 3, alone=[0, 4]))
    assert rounds == [[0], [1, 2, 3, 5, 6, 7, 8, 9], [4]]


@given(st.sets(st.integers(0, 60)))
def test_ranges_cover_exactly_the_indices_in_order(indices: set[int]) -> None:
    made = list(ranges(sorted(indices)))
    assert [n for part in made for n in range(part.first, part.first + part.count)] == sorted(indices)
