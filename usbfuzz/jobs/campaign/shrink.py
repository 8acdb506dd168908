"""Minimizing in a campaign: the case of a bug made small, in the guest of whichever lane has time for it."""

from __future__ import annotations

import time

from attrs import define, field

from harness.lane.outcome import Outcome
from usbfuzz.case.model import Case
from usbfuzz.case.parts import digest
from usbfuzz.crashes.companions import companions
from usbfuzz.jobs.minimize.guests import OneGuest
from usbfuzz.jobs.minimize.oracle import CandidateRun, Oracle
from usbfuzz.jobs.minimize.search import Search
from usbfuzz.report.capture import render_capture
from usbfuzz.triage import Report

from .attribute import in_time
from .lanes import CampaignLane, recorded
from .messages import Shrunk

__all__ = ["SECONDS", "shrink"]

#: Wall seconds for one bug; the figure of reliability at the end comes on top.
SECONDS = 20.0
_RECORDINGS = 3  #: runs of the small case until one shows the bug: races do not come every time


async def shrink(lane: CampaignLane, slug: str, case: Case, wanted: Report, seconds: float) -> Shrunk | None:
    """The smallest case that is found within ``seconds``; None when it does not show the bug any more.

    What the lane raises passes through. The guest is a fresh one afterwards.
    """
    shrinking = _Shrinking(lane, wanted)
    shrunk = await shrinking.run(slug, case, seconds)
    await shrinking.guest.refresh()
    return shrunk


@define
class _Shrinking:
    """One search, and what its runs showed besides the bug."""

    lane: CampaignLane
    wanted: Report
    guest: OneGuest = field(init=False)
    _shown: dict[str, list[tuple[Report, ...]]] = field(factory=dict, init=False)  #: by the digest of the case that ran

    def __attrs_post_init__(self) -> None:
        self.guest = OneGuest(self.lane, self.wanted.names, driver=self.wanted.guilty, on_outcome=self._note)

    async def run(self, slug: str, case: Case, seconds: float) -> Shrunk | None:
        search = Search(Oracle(self.guest, deadline=time.monotonic() + seconds))
        minimized = await search.run(case)
        if minimized is None:
            return None
        seen, capture = await self._recorded(minimized.case, search.example)
        found = companions(self.wanted, self._shown.get(digest(minimized.case), ()))
        console, coverage = (seen.console, seen.coverage) if seen else ("", "")
        return Shrunk(slug, minimized, console, capture, coverage, found)

    def _note(self, case: Case, outcome: Outcome) -> None:
        if outcome.reports:
            self._shown.setdefault(digest(case), []).append(in_time(outcome))

    async def _recorded(self, case: Case, example: CandidateRun | None) -> tuple[CandidateRun | None, bytes]:
        """A run that shows the bug, with its conversation; when none of a few does, what an earlier one printed."""
        for _ in range(_RECORDINGS):
            await self.guest.refresh()
            outcome = await recorded(self.lane, case)
            self.guest.fresh = outcome.restored
            self._note(case, outcome)
            report = outcome.report_of(self.wanted.names, self.wanted.guilty)
            if report is not None:
                return CandidateRun.of(outcome, report), render_capture(outcome.conversation, report.title)
        return example, b""
