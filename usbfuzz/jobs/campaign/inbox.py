"""What a worker was told and has not acted on yet."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from attrs import define, field

from harness.workers.procs import clean_exit_or_die

from .case_queue import CaseQueue
from .messages import Block, Order, SightingSaved, Stop, ToShrink

__all__ = ["Inbox", "unless_set"]

T = TypeVar("T")


async def unless_set(event: asyncio.Event, work: Coroutine[Any, Any, T]) -> T | None:
    """The result of ``work``, or None when ``event`` was set first: then ``work`` is cancelled, and has ended."""
    working, waiting = asyncio.create_task(work), asyncio.create_task(event.wait())
    try:
        await asyncio.wait({working, waiting}, return_when=asyncio.FIRST_COMPLETED)
        if working.done():
            return await working
        return None
    finally:
        for task in (working, waiting):
            task.cancel()
        await asyncio.wait({working, waiting})


@define
class Inbox:
    """Takes the campaign's orders as they come; the worker looks into it between two rounds."""

    cases: CaseQueue
    stop: asyncio.Event = field(factory=asyncio.Event)  #: end after the round that runs
    hurried: asyncio.Event = field(factory=asyncio.Event)  #: leave crashes as they are known so far
    saved: asyncio.Queue[SightingSaved] = field(factory=asyncio.Queue)  #: answers to sightings, in their order
    to_shrink: asyncio.Queue[ToShrink] = field(factory=asyncio.Queue)  #: answers to being free

    def take(self, order: Order | None) -> None:
        """Take an order; ``None``: the campaign's process is gone, and little time is left to clean up."""
        match order:
            case Block():
                self.cases.add(order)
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
