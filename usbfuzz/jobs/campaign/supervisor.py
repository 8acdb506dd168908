"""The campaign: case ledger, crash store and lanes together, until its time or its cases are used up."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Iterable, Sequence

from attrs import define, field

from harness.lane.config import LaneConfig
from usbfuzz.case.model import Case
from usbfuzz.crashes.causes import Causes
from usbfuzz.crashes.companions import Companion
from usbfuzz.crashes.layout import MINIMIZED_FILE
from usbfuzz.crashes.manifestation import Manifestation, Where
from usbfuzz.crashes.record import How
from usbfuzz.crashes.store import CrashStore
from usbfuzz.errors import UsbfuzzError, first_of
from usbfuzz.jobs.aim import Aim
from usbfuzz.triage import Report

from .assignment import LaneSupervisor
from .confirmation import confirm_new
from .crew import Crew
from .gathered import Gathered
from .guide import Guide
from .handout import Handout
from .interrupt import interrupted_by
from .ledger import CaseLedger
from .looking import LAST_SECONDS
from .messages import (
    Attributed,
    Block,
    Entered,
    Free,
    LaneState,
    Learnt,
    Lesson,
    Manifested,
    Reached,
    RoundDone,
    Shrunk,
    Sighted,
    SightingSaved,
    ToShrink,
)
from .options import CampaignOptions
from .progress import LaneProgress, Progress
from .state import CampaignState
from .view import View

__all__ = ["ATTEMPTS", "Campaign"]

#: Times the case of a crash that does not show again is searched for, over all sightings.
ATTEMPTS = 3

_TICK = 0.5  #: seconds between frames of the view, and between looks at the clock
_SAVE_EVERY = 2  #: ticks between writes of the campaign's state
_FLUSH_EVERY = 20  #: ticks between writes of crash counts
_REACHED_EVERY = 30.0  #: seconds between two looks at what the lanes have reached
_FINISH = LAST_SECONDS + 10.0  #: seconds for what runs, attribution and minimization, when the time is up
_HURRY = 10.0  #: seconds for the round that runs, from Ctrl-C on


@define
class Campaign:
    """One run of a campaign; as :class:`~usbfuzz.jobs.campaign.assignment.CampaignEvents` it is told what happens."""

    options: CampaignOptions
    progress: Progress
    state: CampaignState
    store: CrashStore
    ledger: CaseLedger
    view: View
    gathered: Gathered | None = None  #: what the cases reached; None: it is not kept
    guide: Guide | None = None  #: None: cases are what their numbers say
    aim: Aim | None = None  #: what the cases are for; None: everything
    killed: bool = False  #: ended by a second Ctrl-C
    _causes: Causes = field(init=False)
    _handout: Handout = field(init=False)
    _crew: Crew = field(init=False)
    _claims: dict[str, int] = field(factory=dict, init=False)  #: crash directory: lane that looks for its case
    _told: set[str] = field(factory=set, init=False)  #: what lanes have said of their guests
    _running: asyncio.Event = field(factory=asyncio.Event, init=False)  #: the first round began
    _stop: asyncio.Event = field(factory=asyncio.Event, init=False)
    _kill: asyncio.Event = field(factory=asyncio.Event, init=False)

    def __attrs_post_init__(self) -> None:
        self._causes = Causes(self.store)
        self._handout = Handout(self.options.lanes)
        self._crew = Crew(self._lane)

    def interrupt(self) -> None:
        """Ctrl-C: the first ends rounds and guests cleanly, the second kills them."""
        if self._stop.is_set():
            self._kill.set()
            return
        self._stop.set()
        self._running.set()
        self.view.say("stopping: the lanes finish what they run; Ctrl-C again kills them")

    async def run(self, supervisors: Sequence[LaneSupervisor]) -> None:
        """Run the lanes until time, cases or the user end it; raises the first error that ends a lane for good."""
        with interrupted_by(self.interrupt):
            try:
                async with asyncio.TaskGroup() as group:
                    ticking = group.create_task(self._tick())
                    looking = group.create_task(self._look_at_coverage())
                    self._crew.begin(group, supervisors)
                    await self._until_over()
                    ticking.cancel()
                    looking.cancel()
            except* UsbfuzzError as errors:
                raise first_of(errors) from None
            finally:
                self._save(every=True, last=True)
                self._gather()
                self._sample(last=True)

    @property
    def may_join(self) -> bool:
        """Whether there is work for further lanes."""
        return self._crew.working

    def join(self, supervisor: LaneSupervisor) -> None:
        """Another lane, which has the number behind the last."""
        self.progress.lanes.append(LaneProgress(len(self.progress.lanes)))
        self.ledger.lanes = self._handout.lanes = len(self.progress.lanes)
        self._crew.join(supervisor)

    async def _lane(self, number: int, supervisor: LaneSupervisor) -> None:
        """One lane, to its end."""
        self._handout.gone(number)  # until it has a process
        try:
            await supervisor.run()
        finally:
            self._handout.gone(number)

    def _gather(self) -> None:
        """Add up what the lanes have reached."""
        if self.gathered is None:
            return
        try:
            self.gathered.finish()
            self.progress.reached = self.gathered.everything()
            self.progress.extent = self.gathered.extent()
        except UsbfuzzError as error:  # the crashes that were found are what counts
            self.view.say(f"coverage: {error}")

    async def _look_at_coverage(self) -> None:
        """Count for the view what the lanes have reached so far."""
        while self.gathered is not None:
            await asyncio.sleep(_REACHED_EVERY)
            with contextlib.suppress(UsbfuzzError):
                self.progress.extent = await asyncio.to_thread(self.gathered.extent)

    async def confirm(self, config: LaneConfig) -> None:
        """Once the lanes have ended: see which new crashes happen in real time, say which are not minimized."""
        fresh = sorted(slug for slug in self.progress.fresh if self.store.crashes[slug].reproduced)
        if self.options.confirm:
            with interrupted_by(self.interrupt):
                await confirm_new(self.store, fresh, config, self._stop.is_set, self.view.say, self._shown)
        left = [slug for slug in fresh if not (self.options.out / slug / MINIMIZED_FILE).exists()]
        if left and self.options.minimize:
            self.view.say(f"not minimized: {len(left)}, such as: usbfuzz minimize {self.options.out / left[0]}")

    async def _until_over(self) -> None:
        crew = self._crew
        if await crew.over(self._running, None) or await crew.over(self._stop, self.options.seconds):
            return
        if not self._stop.is_set():
            crew.stop()
            self.view.say(f"the time is up: what was found is looked into for at most {_FINISH:.0f} s")
            if await crew.over(self._stop, _FINISH):
                return
        crew.stop(hurry=True)
        if await crew.over(self._kill, _HURRY):
            return
        self.killed = self._kill.is_set()
        await crew.kill()

    async def _tick(self) -> None:
        ticks = 0
        while True:
            await asyncio.sleep(_TICK)
            ticks += 1
            if ticks % _SAVE_EVERY == 0:
                self._save(every=ticks % _FLUSH_EVERY == 0)
            self.view.update(self.progress)

    def _save(self, *, every: bool, last: bool = False) -> None:
        self.state.save(self.ledger.next, self.ledger.unfinished)
        self._sample()
        if every:
            self.store.flush()
            if self.guide is not None:
                self.guide.flush(last=last)

    def _sample(self, *, last: bool = False) -> None:
        """Keep the figures of this moment, once rounds have begun."""
        if self.progress.started is not None:
            self.state.history.sample(self.progress.now(time.monotonic()), last=last)

    def entered(self, lane: int, message: Entered) -> None:
        """The lane changed its state; what it says of its guest is passed on, once for all lanes."""
        now = time.monotonic()
        if message.state is LaneState.BOOTING and message.note and message.note not in self._told:
            self._told.add(message.note)
            self.view.say(message.note)
        self.progress.lanes[lane].entered(message, now)
        if message.state is LaneState.RUNNING and not self._running.is_set():
            self.progress.started = now
            self._running.set()

    def sighted(self, lane: int, message: Sighted) -> SightingSaved:
        """Save a new crash as it was seen, before anything else happens to it; count a known one."""
        self._seen(message.evidence.report)
        crash, new = self.store.sighted(message.evidence)
        if new:
            self.progress.fresh.add(crash.slug)
            self.view.say(f"new crash: {crash.title} ({self.options.out / crash.slug})")
        known = crash.suppressed or crash.reproduced or not crash.is_bug_of(message.evidence.report)
        tried = crash.attempts >= (1 if crash.doubt else ATTEMPTS)
        open_question = not known and not tried and crash.slug not in self._claims
        if open_question:
            self._claims[crash.slug] = lane
        return SightingSaved(crash.slug, attribute=open_question)

    def _seen(self, report: Report) -> None:
        """Keep when it was, if it is the first time."""
        self.state.history.sighted(report, self.progress.elapsed(time.monotonic()))

    def manifested(self, message: Manifested) -> None:
        """Note what else a bug led to; what the user has parted from it is a bug of its own."""
        report = message.evidence.report
        self._seen(report)
        if self.store.by_hand.parted(message.slug, report.title, report.guilty):
            self.store.sighted(message.evidence)
        else:
            self.store.manifested(message.slug, Manifestation.of(report, Where.AFTER))

    def attributed(self, message: Attributed) -> None:
        """Keep the case that was found for a crash."""
        self._claims.pop(message.slug, None)
        crash = self.store.attributed(message.slug, message.evidence)
        if crash.runs:
            self.view.say(f"reproduced {crash.reproduced} of {crash.runs}: {crash.title} ({crash.how})")
        evidence = message.evidence
        if not evidence.hits or crash.slug != message.slug:
            return
        if self.options.minimize:
            self._handout.add(crash.slug, evidence.case, evidence.report, message.seconds)
        if self.guide is not None and crash.slug in self.progress.fresh and evidence.how is How.ALONE:
            self.guide.found(evidence.case)
        self._shown(crash.slug, message.companions, evidence.case if evidence.how is How.ALONE else None)

    def _shown(self, slug: str, found: Iterable[Companion], case: Case | None = None) -> None:
        """Runs of the bug's case showed others: directories of one cause become one."""
        found = tuple(found)
        for companion in found:
            self._seen(companion.report)
        before = dict(self.store.crashes)
        self._causes.shown(slug, found, case)
        for gone in before.keys() - self.store.crashes.keys():
            self.progress.fresh.discard(gone)
            self._handout.drop(gone)
            self.view.say(f"the same cause: {before[gone].title} ({self.store.home_of(gone)} lists it)")

    def free(self, lane: int, message: Free, send: Callable[[ToShrink], None]) -> None:
        """Give a lane that has time for it a case to be made small."""
        self._handout.ask(lane, send, last=message.last)

    def shrunk(self, message: Shrunk) -> None:
        """Keep the small case."""
        small = message.minimized
        crash = self.store.minimized(message.slug, small, message.console, message.capture, message.coverage)
        self.view.say(f"minimized {small.before:,} to {small.after:,} bytes: {crash.title}")
        if crash.slug == message.slug:
            self._shown(crash.slug, message.companions, small.case if len(small.case.devices) == 1 else None)

    def reached(self, message: Reached) -> None:
        """Keep a case that reached code which none had."""
        if self.guide is not None:
            self.guide.reached(message)

    def learnt(self, message: Learnt) -> None:
        """Keep what was learned of a driver."""
        if self.guide is not None and self.guide.learnt(message):
            self.view.say(f"learned {message.words}")

    def lessons(self, lane: int) -> Iterable[Lesson]:
        """What the lane is to learn now."""
        return self.guide.lessons(lane) if self.guide is not None else ()

    def planned(self, block: Block) -> Block:
        """What the cases of a block are to be."""
        return block if self.guide is None else self.guide.planned(block)

    def round_done(self, lane: int, message: RoundDone) -> None:
        """Add a round to totals, drivers and crash counts."""
        if self.guide is not None:
            self.guide.round_done(message)
        if self.ledger.exhausted:
            self._crew.let_go()
        self.progress.round_done(lane, message, time.monotonic())
        self.progress.newest += self.state.round_done(message, self.progress.elapsed(time.monotonic()))
        for slug in message.hits:
            self.store.hit(slug)

    def lane_begun(self, lane: int) -> None:
        """A lane has a new process, which may find something."""
        if self.guide is not None:
            self.guide.lane_begun(lane)
        self._handout.back(lane)

    def lane_lost(self, lane: int, why: str, given_up: list[int]) -> None:
        """Note a worker that died, and the cases that are not tried again."""
        self._claims = {slug: owner for slug, owner in self._claims.items() if owner != lane}
        self._handout.gone(lane)
        self.progress.lanes[lane].deaths += 1
        self.progress.notes.append(f"lane {lane} starts again: {why}")
        self.view.say(f"lane {lane} starts again: {why}")
        for index in given_up:
            self.state.skip(index, why)
            self.progress.skipped += 1
            self.view.say(f"case {index} is skipped: it took down its lane each time ({why})")
