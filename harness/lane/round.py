"""One round: cases side by side in one guest, watched while they are played, and what they left checked."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from attrs import define, field

from usbfuzz.errors import GuestError, QemuError, first_of

from .firmware import take_away
from .supply import Supply
from .verdicts import Ending
from .watch import Watch

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from usbfuzz.case.model import Case
    from usbfuzz.triage import Report

    from .guest import LaneGuest
    from .stage import Stage

__all__ = ["Round"]


@define
class Round:
    """Plays cases once. What the devices were asked and what the guest said of them is on the stage."""

    guest: LaneGuest
    known: Sequence[Report]  #: bugs after whose warnings the guest may run on
    validate: bool = True  #: have the allocator check its objects: an overwritten redzone stays silent until then
    survey: bool = False  #: look at each case's devices as a program would, before they are unplugged
    supply: Supply = field(factory=Supply)  #: of firmware
    stage: Stage = field(init=False)
    _watch: Watch = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.stage = self.guest.stage()
        self.stage.surveying = self.survey
        self._watch = Watch(self.guest, self.known, warped=self.guest.config.timing.warped)

    async def play(self, cases: Sequence[Case], placing: Sequence[Mapping[int, int]]) -> Ending:
        """Play ``cases`` at the same time, each with its ports where ``placing`` has them; says how that ended."""
        # In a task of its own: one whose TaskGroup fails while it waits stays "cancelling" for good (until Python
        # 3.13), and a caller's asyncio.timeout() would then end in CancelledError.
        task = asyncio.current_task()
        assert task is not None
        before = task.cancelling()
        failure = await asyncio.create_task(self._play(cases, placing))
        if task.cancelling() > before:  # the round broke off at the same moment, and its failure hid the cancellation
            raise asyncio.CancelledError
        self.stage.count_rest()
        return Ending(failure, reported=self._watch.reported, deaf=self._watch.deaf)

    async def _play(self, cases: Sequence[Case], placing: Sequence[Mapping[int, int]]) -> Exception | None:
        """What broke the round off, if anything."""
        failure: Exception | None = None
        config = self.guest.config
        try:
            async with (
                asyncio.timeout(None if config.timing.warped else config.hang_after) as limit,
                self._watch.over(limit),
                asyncio.TaskGroup() as group,
            ):
                given = await self.supply.give(self.guest.agent, cases)
                for case, place in zip(cases, placing, strict=True):
                    group.create_task(self.stage.play(case, place))
            if given:
                await take_away(self.guest.agent)
            if self.validate:
                await self.guest.agent.validate()
        except* (QemuError, GuestError, TimeoutError) as errors:
            failure = first_of(errors)
        return failure
