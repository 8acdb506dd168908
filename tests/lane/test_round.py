"""A round on a pretended guest: how it ends when the guest dies, and that it leaves the caller's task alone."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, cast

import pytest
from attrs import define, field

from harness.lane.round import Round
from harness.lane.verdicts import Ending
from usbfuzz.case import DeviceSpec
from usbfuzz.case.model import Action, Case, Event
from usbfuzz.errors import GuestError, QemuError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from harness.lane.guest import LaneGuest

CASE = Case((DeviceSpec("mouse", b""),), (Event(Action.PLUG, device=0),))
HERE = {0: 0}


@define
class Pretended:
    """A guest in real time, its configuration, its agent and its stage in one."""

    breaks: Exception | None = None  #: what playing a case ends with
    hang_after: float = 5.0
    warped: bool = False
    surveying: bool = False
    played: int = 0
    counted: int = 0
    validated: int = 0
    config: Any = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.config = self

    @property
    def timing(self) -> Pretended:
        return self

    @property
    def agent(self) -> Pretended:
        return self

    def stage(self) -> Pretended:
        return self

    async def play(self, case: Case, place: Mapping[int, int]) -> None:
        self.played += 1
        await asyncio.sleep(0)
        if self.breaks is not None:
            raise self.breaks

    def count_rest(self) -> None:
        self.counted += 1

    async def validate(self) -> int:
        self.validated += 1
        return 1


def _round(guest: Pretended, *, validate: bool = True) -> Round:
    return Round(cast("LaneGuest", guest), (), validate=validate)


def test_a_round_that_was_played_to_its_end_has_the_slabs_checked() -> None:
    guest = Pretended()
    assert asyncio.run(_round(guest).play([CASE, CASE], [HERE, {0: 1}])) == Ending(None)
    assert (guest.played, guest.counted, guest.validated) == (2, 1, 1)
    asyncio.run(_round(guest, validate=False).play([CASE], [HERE]))
    assert guest.validated == 1


def test_a_round_looks_from_user_space_only_when_told_to() -> None:
    for told in (True, False):
        guest = Pretended()
        Round(cast("LaneGuest", guest), (), survey=told)
        assert guest.surveying is told


@pytest.mark.parametrize("error", [QemuError("gone"), GuestError("nonsense"), TimeoutError("busy")])
def test_what_breaks_a_round_off_is_how_it_ended(error: Exception) -> None:
    guest = Pretended(error)
    assert asyncio.run(_round(guest).play([CASE], [HERE])) == Ending(error)
    assert (guest.counted, guest.validated) == (1, 0)


def test_another_failure_is_the_program_s_own() -> None:
    with pytest.raises(ExceptionGroup):
        asyncio.run(_round(Pretended(ValueError("a mistake"))).play([CASE], [HERE]))


def test_rounds_that_break_off_do_not_turn_the_caller_s_time_limit_into_a_cancellation() -> None:
    async def until_time_is_up() -> None:
        async with asyncio.timeout(0.05):
            while True:
                await _round(Pretended(QemuError("gone"))).play([CASE], [HERE])

    with pytest.raises(TimeoutError):
        asyncio.run(until_time_is_up())
