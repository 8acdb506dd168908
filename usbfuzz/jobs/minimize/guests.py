"""One guest in this process that runs candidates one after another."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Callable
from typing import Protocol

from attrs import define, field

from harness.lane.outcome import Outcome
from usbfuzz.case.model import Case

from .oracle import CandidateRun

__all__ = ["OneGuest", "RunsCases"]


class RunsCases(Protocol):
    """What is needed of a :class:`harness.lane.lane.Lane`."""

    async def run(self, case: Case) -> Outcome:
        """Run one case alone."""

    async def restore(self) -> None:
        """Put the guest back to its snapshot."""


@define
class OneGuest:
    """A lane, and the bug that is looked for in its reports."""

    lane: RunsCases
    names: frozenset[str]  #: titles of the bug; empty when any crash will do
    driver: str = ""  #: the guilty driver of the bug; "": any
    on_outcome: Callable[[Case, Outcome], None] = lambda _case, _outcome: None  #: called with each run
    fresh: bool = False  #: the guest has run nothing since its snapshot
    _turn: asyncio.Lock = field(factory=asyncio.Lock, init=False)

    @property
    def width(self) -> int:
        """How many candidates run at the same time: one."""
        return 1

    async def refresh(self) -> None:
        """Put the guest back to its snapshot, unless it is as it was there."""
        if not self.fresh:
            await self.lane.restore()
            self.fresh = True

    async def run(self, case: Case, *, fresh: bool) -> CandidateRun:
        """Run ``case`` once; what the lane raises passes through."""
        async with self._turn:
            if fresh:
                await self.refresh()
            outcome = await self.lane.run(case)
            self.fresh = outcome.restored
            self.on_outcome(case, outcome)
            gc.collect(1)  # now, when no guest waits for an answer
        report = outcome.report_of(self.names, self.driver)
        if report is None:
            return CandidateRun(hit=False, dilated=outcome.dilated)
        return CandidateRun.of(outcome, report)
