"""What a lane learns of drivers between its rounds: one lesson a driver, several side by side."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Mapping

from attrs import define, evolve, field

from harness.guest.kernels.firmware import FirmwareNames
from harness.workers.upstream import Upstream
from strategies import Identities
from strategies.learning.learned import dumps
from strategies.learning.shelf import Shelf
from usbfuzz.jobs.engine.desk import Desk, Sitting
from usbfuzz.jobs.engine.learner import Learner, Limits
from usbfuzz.jobs.engine.lesson import companions_of, drafts_for, in_words, learned_by, learner_at, worth_keeping

from .inbox import Inbox
from .lanes import CampaignLane
from .messages import Entered, LaneState, Learnt, Order, Reply, WorkerStart

__all__ = ["Lessons"]

#: What a lesson may take; another one goes on from what it found.
_LIMITS = Limits(runs=120, seconds=math.inf, crashes=3)


@define(eq=False)
class Lessons:
    """The drivers that one lane learns, within the share of its time that the campaign's plans give."""

    start: WorkerStart
    upstream: Upstream[Order, Reply]
    inbox: Inbox
    lane: CampaignLane
    _identities: Identities = field(init=False)
    _companions: Mapping[str, frozenset[str]] = field(init=False)
    _desk: Desk = field(init=False)
    _running: dict[str, asyncio.Task[None]] = field(factory=dict, init=False)  #: by driver
    _started: float = field(factory=time.monotonic, init=False)
    _spent: float = field(default=0.0, init=False)  #: seconds

    def __attrs_post_init__(self) -> None:
        config = self.start.config
        found = Identities.parse(config.image.aliases.read_text())
        firmware = FirmwareNames(config.kernel.modules)
        self._identities = evolve(found, tables=self.start.making.tables, firmware=firmware)
        self._companions = companions_of(config.kernel.modules, self._identities)
        self._desk = Desk(self.lane)

    async def round(self) -> Sitting | None:
        """One round of what the lessons want; None when there is nothing to learn, or no time for it."""
        began = time.monotonic()
        if self._spent > self.inbox.learning * (began - self._started):
            return None
        while self.inbox.lessons:
            self._begin(self.inbox.lessons.popleft())
        if not await self._desk.settled():
            return None
        self.upstream.send(Entered(LaneState.LEARNING, note=", ".join(sorted(self._running))))
        self.lane.recording = True
        try:
            sitting = await self._desk.sit()
            await self._desk.settled()  # what learners work out must not delay the answers of the next round
        finally:
            self.lane.recording = False
            self.lane.arm(())
            self._spent += time.monotonic() - began
        return sitting

    async def close(self) -> None:
        """End the lessons; what they have found is kept."""
        running = tuple(self._running.values())
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)

    def _begin(self, driver: str) -> None:
        modules = self._companions.get(driver, frozenset()) | {driver}
        learner = learner_at(self._desk, driver, modules, _LIMITS, self._identities.firmware.get(driver, ()))
        self._desk.learners += 1
        self._running[driver] = asyncio.create_task(self._learn(driver, learner))

    async def _learn(self, driver: str, learner: Learner) -> None:
        known = Shelf(self.start.making.learned).of(driver)
        try:
            await learner.learn(drafts_for(driver, self._identities, known))
        finally:
            self._desk.left()
            del self._running[driver]
            learned = learned_by(driver, self.start.config.kernel.name, learner)
            kept = worth_keeping(learned, known)
            self.upstream.send(Learnt(driver, "" if kept is None else dumps(kept), in_words(learned, learner)))
