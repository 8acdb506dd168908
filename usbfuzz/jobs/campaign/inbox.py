"""What a worker was told and has not acted on yet."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from attrs import define, field

from harness.workers.procs import clean_exit_or_die

from .case_queue import CaseQueue
from .messages import Block, Order, SightingSaved, Stop

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
    hurry: bool = False  #: start no further run to attribute a crash
    saved: asyncio.Queue[SightingSaved] = field(factory=asyncio.Queue)  #: answers to sightings, in their order

    def take(self, order: Order | None) -> None:
        """Take an order; ``None``: the campaign's process is gone, and little time is left to clean up."""
        match order:
            case Block():
                self.cases.add(order)
            case SightingSaved():
                self.saved.put_nowait(order)
            case Stop(hurry):
                self.hurry = self.hurry or hurry
                self.stop.set()
            case None:
                clean_exit_or_die()
                self.hurry = True
                self.saved.put_nowait(SightingSaved("", attribute=False))
                self.stop.set()
