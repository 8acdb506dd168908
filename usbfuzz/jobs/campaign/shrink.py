"""Minimizing in a campaign: each new bug once its case is known, in a share of the lane's time."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable

from attrs import define, field, frozen

from usbfuzz.case.model import Case
from usbfuzz.jobs.minimize.guests import OneGuest
from usbfuzz.jobs.minimize.oracle import CandidateRun, Oracle
from usbfuzz.jobs.minimize.search import Search
from usbfuzz.report.capture import render_capture
from usbfuzz.triage import Report

from .lanes import CampaignLane, recorded
from .messages import Shrunk

__all__ = ["LAST_SECONDS", "Found", "Shrinker"]

#: Wall seconds for one bug; the figure of reliability at the end comes on top.
_SECONDS = 20.0
#: Share of the lane's time, as long as there are cases to run.
_SHARE = 0.25
#: Wall seconds after the last round for bugs that are still to be minimized.
LAST_SECONDS = 60.0
#: Wall seconds that a run may take, else the bug is not minimized here: a hang is certain after half a minute only.
_QUICK = 5.0


@frozen
class Found:
    """A bug whose case is known."""

    slug: str
    case: Case
    report: Report
    seconds: float  #: wall time a run of it takes


@define
class Shrinker:
    """The bugs of one lane that wait to be minimized, oldest first."""

    lane: CampaignLane
    hurry: Callable[[], bool]  #: true once no further search may start
    _waiting: deque[Found] = field(factory=deque, init=False)
    _started: float = field(factory=time.monotonic, init=False)
    _spent: float = field(default=0.0, init=False)

    def add(self, found: Found) -> None:
        """Minimize this one when there is time; what takes long to run is left to ``usbfuzz minimize``."""
        if found.seconds <= _QUICK:
            self._waiting.append(found)

    def next(self) -> Found | None:
        """The next to be minimized between two rounds, once its time fits into the lane's share; else None."""
        age = time.monotonic() - self._started
        return self._pop() if self._spent + _SECONDS <= _SHARE * age else None

    def last(self, deadline: float) -> Found | None:
        """The next to be minimized when the rounds are over, until ``deadline`` (monotonic)."""
        return self._pop() if time.monotonic() < deadline else None

    def _pop(self) -> Found | None:
        return self._waiting.popleft() if self._waiting and not self.hurry() else None

    async def shrink(self, found: Found) -> Shrunk | None:
        """The smallest case within the time for one bug; None when it does not show the bug any more.

        What the lane raises passes through. The guest is a fresh one afterwards.
        """
        started = time.monotonic()
        guest = OneGuest(self.lane, found.report.names)
        try:
            shrunk = await self._shrunk(found, guest, started + _SECONDS)
            await guest.refresh()
        finally:
            self._spent += time.monotonic() - started
        return shrunk

    async def _shrunk(self, found: Found, guest: OneGuest, deadline: float) -> Shrunk | None:
        search = Search(Oracle(guest, deadline=deadline))
        minimized = await search.run(found.case)
        if minimized is None:
            return None
        seen, capture = await self._recorded(guest, minimized.case, found.report, search.example)
        return Shrunk(found.slug, minimized, seen.console if seen else "", capture)

    async def _recorded(
        self, guest: OneGuest, case: Case, wanted: Report, example: CandidateRun | None
    ) -> tuple[CandidateRun | None, bytes]:
        """One more run, whose conversation is kept; when it does not show the bug, what an earlier one printed."""
        await guest.refresh()
        outcome = await recorded(self.lane, case)
        guest.fresh = outcome.restored
        report = outcome.report_of(wanted.names)
        if report is None:
            return example, b""
        capture = render_capture(outcome.conversation, report.title)
        return CandidateRun(hit=True, report=report, console=outcome.console), capture
