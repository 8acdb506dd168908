"""What a worker was told and has not acted on yet."""

from __future__ import annotations

import asyncio
from collections import deque

from attrs import define, field

from harness.workers.procs import clean_exit_or_die

from .case_queue import CaseQueue
from .messages import Block, Lesson, Order, SightingSaved, Stop, ToShrink

__all__ = ["Inbox"]


@define
class Inbox:
    """Takes the campaign's orders as they come; the worker looks into it between two rounds."""

    cases: CaseQueue
    stop: asyncio.Event = field(factory=asyncio.Event)  #: end after the round that runs
    hurried: asyncio.Event = field(factory=asyncio.Event)  #: leave crashes as they are known so far
    saved: asyncio.Queue[SightingSaved] = field(factory=asyncio.Queue)  #: answers to sightings, in their order
    to_shrink: asyncio.Queue[ToShrink] = field(factory=asyncio.Queue)  #: answers to being free
    lessons: deque[str] = field(factory=deque)  #: drivers to learn
    learning: float = 0.0  #: the share of the lane's time for that

    def take(self, order: Order | None) -> None:
        """Take an order; ``None``: the campaign's process is gone, and little time is left to clean up."""
        match order:
            case Block():
                self.learning = order.plan.learning if order.plan is not None else 0.0
                self.cases.add(order)
            case Lesson(driver):
                self.lessons.append(driver)
            case SightingSaved():
                self.saved.put_nowait(order)
            case ToShrink():
                self.to_shrink.put_nowait(order)
            case Stop(hurry):
                if hurry:
                    self._hurry()
                self.stop.set()
            case None:
                clean_exit_or_die()
                self._hurry()
                self.saved.put_nowait(SightingSaved("", attribute=False))
                self.stop.set()

    @property
    def hurry(self) -> bool:
        """Start no further run to look into a crash."""
        return self.hurried.is_set()

    def _hurry(self) -> None:
        self.hurried.set()
        self.to_shrink.put_nowait(ToShrink())
