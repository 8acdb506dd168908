"""A lane looks into what its rounds reported: which bug it is, and which case shows it; within a share of its time."""

from __future__ import annotations

import asyncio
import math
import time
from collections import deque

from attrs import define, field, frozen

from harness.lane.outcome import Outcome
from harness.workers.upstream import Upstream
from harness.workers.waiting import unless_set
from usbfuzz.case.model import Case
from usbfuzz.triage import Report, leads_to, same_bug

from .attribute import Attributor, Suspicion, bound_drivers, in_time
from .inbox import Inbox
from .lanes import CampaignLane
from .messages import Attributed, Entered, Free, LaneState, Manifested, Order, Reply, Sighted
from .shrink import SECONDS, shrink

__all__ = ["LAST_SECONDS", "Looking"]

#: Wall seconds after the last round in which what had to wait is begun.
LAST_SECONDS = 18.0
#: Of the lane's time while cases are to be run: what looking into crashes may take, and what has to leave some of it to
#: others; and the seconds that a young campaign may take in advance.
_SHARE, _SMALL_SHARE, _ADVANCE = 0.2, 0.14, 4.0
#: Wall seconds that a search for a slow bug takes at least.
_SLOW_SECONDS = 15.0


@frozen
class _Open:
    """A saved sighting whose case is still to be found."""

    slug: str
    suspicion: Suspicion

    @property
    def rank(self) -> tuple[bool, bool]:
        """What is looked into first: what runs fast, and what is a bug of its own."""
        return self.suspicion.slow, bool(self.suspicion.doubt)


@define
class Looking:
    """What one lane knows of crashes, and what it has still to find out."""

    lane: CampaignLane
    upstream: Upstream[Order, Reply]
    inbox: Inbox
    minimize: bool  #: make the cases of bugs small
    _saved: list[tuple[Report, str]] = field(factory=list, init=False)  #: reports and their crash directories
    _open: list[_Open] = field(factory=list, init=False)
    _past: list[Case] | None = field(default=None, init=False)  #: what the guest has run: see Attributor
    _unsolved: set[str] = field(factory=set, init=False)  #: crash directories whose case was not found here
    _started: float = field(factory=time.monotonic, init=False)
    _spent: float = field(default=0.0, init=False)

    async def look_into(
        self, outcome: Outcome, cases: tuple[Case, ...], history: tuple[tuple[Case, ...], ...]
    ) -> list[str]:
        """Have what a round reported counted or saved; the crash directory of each report that is known."""
        drivers, reports = bound_drivers(outcome.bindings), in_time(outcome)
        hits = []
        for nth, report in enumerate(reports):
            before, late = reports[:nth], outcome.dilated
            suspicion = Suspicion(report, cases, history, outcome.console, drivers, before, late)
            if (slug := await self._counted(suspicion)) is not None:
                hits.append(slug)
        self._past = [] if outcome.restored else None
        return hits

    async def between(self) -> bool:
        """Between two rounds: find the cases of what waits, if its time has come; whether the guest was used for it."""
        restores = self.lane.restores
        while self._open and not self.inbox.stop.is_set() and self._due(min(self._open, key=lambda one: one.rank)):
            await self._attribute(self._next())
        self._past = None
        idle = not self._open and not self.inbox.stop.is_set()
        if self.minimize and idle and self._may(_SMALL_SHARE, SECONDS):
            await self._shrink(SECONDS, last=False)
        return self.lane.restores != restores

    async def finish(self) -> None:
        """When the rounds are over: what waits, for a while, here and in other lanes."""
        deadline = time.monotonic() + LAST_SECONDS
        # What is slow and only a hang by our own clock would leave no time for the others.
        self._open = [todo for todo in self._open if not todo.suspicion.slow or not todo.suspicion.doubt]
        while self._open and not self.inbox.hurry and (left := deadline - time.monotonic()) > 0:
            await self._attribute(self._next(), left)
        while self.minimize and not self.inbox.hurry and (left := deadline - time.monotonic()) > 0:
            if not await self._shrink(left, last=True):
                return

    def _due(self, todo: _Open) -> bool:
        """Whether the lane's share of time allows for looking into this."""
        return self._may(_SMALL_SHARE, _SLOW_SECONDS) if todo.suspicion.slow else self._may(_SHARE, -_ADVANCE)

    def _may(self, share: float, seconds: float) -> bool:
        return self._spent + seconds <= share * (time.monotonic() - self._started)

    def _next(self) -> _Open:
        best = min(self._open, key=lambda one: one.rank)
        self._open.remove(best)
        return best

    async def _counted(self, suspicion: Suspicion) -> str | None:
        """The crash directory of a known bug. What is not known is saved; a consequence is noted with its bug."""
        report = suspicion.report
        if report.suppressed or self._is_consequence(suspicion):
            return None
        slug = self._slug_of(report)
        if slug is not None and slug not in self._unsolved:
            return slug
        await self._save(suspicion)
        return None

    def _is_consequence(self, suspicion: Suspicion) -> bool:
        """Whether an earlier report in the same guest explains this one, which is then noted with the earlier's bug."""
        for earlier in suspicion.before:
            slug = self._slug_of(earlier)
            if slug is not None and leads_to(earlier, suspicion.report):
                self.upstream.send(Manifested(slug, suspicion.evidence()))
                return True
        return False

    def _slug_of(self, report: Report) -> str | None:
        return next((slug for saved, slug in self._saved if same_bug(saved, report)), None)

    async def _save(self, suspicion: Suspicion) -> None:
        """Have the supervisor save the sighting before anything else; what is still open waits to be looked into."""
        self.upstream.send(Sighted(suspicion.evidence()))
        reply = await self.inbox.saved.get()
        if reply.slug not in self._unsolved:
            self._saved.append((suspicion.report, reply.slug))
            self.lane.known.append(suspicion.report)
        self._unsolved.discard(reply.slug)
        if reply.attribute:
            self._open.append(_Open(reply.slug, suspicion))

    async def _attribute(self, todo: _Open, seconds: float = math.inf) -> None:
        """Find the case of a sighting; what else shows on the way is counted or saved. The guest is fresh then."""
        started = time.monotonic()
        self.upstream.send(Entered(LaneState.ATTRIBUTING, note=todo.suspicion.report.title))
        attributor = Attributor(self.lane, lambda: self.inbox.hurry, past=self._past)
        self._past = None
        found = await unless_set(self.inbox.hurried, attributor.attribute(todo.suspicion, seconds))
        if found is None:
            return
        self.upstream.send(Attributed(todo.slug, found.evidence, found.companions, found.seconds))
        if not found.evidence.hits:
            self._unsolved.add(todo.slug)
        strays = deque(attributor.strays)
        while strays:
            await self._counted(strays.popleft())
        if attributor.runs and not attributor.fresh:
            await self.lane.restore()
        self._spent += time.monotonic() - started

    async def _shrink(self, seconds: float, *, last: bool) -> bool:
        """Minimize the case that the campaign gives, within ``seconds``; whether it gave one in that time.

        The guest is fresh afterwards.
        """
        started = time.monotonic()
        if last:
            self.upstream.send(Entered(LaneState.WAITING))
        self.upstream.send(Free(last))
        try:
            async with asyncio.timeout(seconds):
                wanted = await self.inbox.to_shrink.get()
        except TimeoutError:
            return False
        if wanted.case is None or wanted.report is None:
            return False
        seconds = min(SECONDS, started + seconds - time.monotonic())
        self.upstream.send(Entered(LaneState.MINIMIZING, note=wanted.report.title))
        work = shrink(self.lane, wanted.slug, wanted.case, wanted.report, seconds)
        shrunk = await unless_set(self.inbox.hurried, work)
        if shrunk is not None:
            self.upstream.send(shrunk)
        self._spent += time.monotonic() - started
        return True
