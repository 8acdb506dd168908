"""The campaign: case ledger, crash store and lanes together, until its time or its cases are used up."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence

from attrs import define, field

from harness.guest.rundir import sweep
from harness.lane.config import LaneConfig
from harness.workers.procs import core_of
from harness.workers.worker import Worker, WorkerProgram
from usbfuzz.crashes.layout import MINIMIZED_FILE
from usbfuzz.crashes.lock import DirectoryLock
from usbfuzz.crashes.store import CrashStore
from usbfuzz.errors import InputError, UsbfuzzError, first_of
from usbfuzz.report.render import render

from .assignment import POLICY, LaneAssignment, LaneSupervisor
from .case_queue import GENERATOR
from .confirmation import confirm_new
from .facts import run_facts
from .gathered import Gathered
from .ledger import CaseLedger
from .messages import (
    MESSAGES,
    Attributed,
    Entered,
    LaneState,
    Manifested,
    RoundDone,
    Shrunk,
    Sighted,
    SightingSaved,
    Stop,
    WorkerStart,
)
from .options import CampaignOptions
from .progress import LaneProgress, Progress
from .shrink import LAST_SECONDS
from .state import CampaignState
from .view import View

__all__ = ["ATTEMPTS", "Campaign", "run_campaign"]

#: Times the case of a crash that does not show again is searched for, over all sightings.
ATTEMPTS = 3

_TICK = 0.5  #: seconds between frames of the view, and between looks at the clock
_SAVE_EVERY = 2  #: ticks between writes of the campaign's state
_FLUSH_EVERY = 20  #: ticks between writes of crash counts
_REACHED_EVERY = 30.0  #: seconds between two looks at what the lanes have reached
_FINISH = 30.0 + LAST_SECONDS + 60.0  #: seconds for what runs, attribution and minimization, when the time is up
_HURRY = 15.0  #: seconds for the round that runs, from Ctrl-C on
_SEED_BITS = 32


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
    killed: bool = False  #: ended by a second Ctrl-C
    _claims: dict[str, int] = field(factory=dict, init=False)  #: crash directory: lane that looks for its case
    _running: asyncio.Event = field(factory=asyncio.Event, init=False)  #: the first round began
    _stop: asyncio.Event = field(factory=asyncio.Event, init=False)
    _kill: asyncio.Event = field(factory=asyncio.Event, init=False)

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
        with _signals(self.interrupt):
            try:
                async with asyncio.TaskGroup() as group:
                    ticking = group.create_task(self._tick())
                    looking = group.create_task(self._look_at_coverage())
                    lanes = [group.create_task(supervisor.run()) for supervisor in supervisors]
                    await self._until_over(supervisors, lanes)
                    ticking.cancel()
                    looking.cancel()
            except* UsbfuzzError as errors:
                raise first_of(errors) from None
            finally:
                self._save(every=True)
                self._gather()
                self._sample(last=True)

    def _gather(self) -> None:
        """Add up what the lanes have reached."""
        if self.gathered is None:
            return
        try:
            self.gathered.finish()
            self.progress.reached = self.gathered.so_far()
        except UsbfuzzError as error:  # the crashes that were found are what counts
            self.view.say(f"coverage: {error}")

    async def _look_at_coverage(self) -> None:
        """Count for the view what the lanes have reached so far."""
        while self.gathered is not None:
            await asyncio.sleep(_REACHED_EVERY)
            with contextlib.suppress(UsbfuzzError):
                self.progress.reached = await asyncio.to_thread(self.gathered.so_far)

    async def confirm(self, config: LaneConfig) -> None:
        """Once the lanes have ended: see which new crashes happen in real time, say which are not minimized."""
        fresh = sorted(slug for slug in self.progress.fresh if self.store.crashes[slug].reproduced)
        if self.options.confirm:
            with _signals(self.interrupt):
                await confirm_new(self.store, fresh, config, self._stop.is_set, self.view.say)
        left = [slug for slug in fresh if not (self.options.out / slug / MINIMIZED_FILE).exists()]
        if left and self.options.minimize:
            self.view.say(f"not minimized: {len(left)}, such as: usbfuzz minimize {self.options.out / left[0]}")

    async def _until_over(self, supervisors: Sequence[LaneSupervisor], lanes: Sequence[asyncio.Task[None]]) -> None:
        if await self._over(lanes, self._running, None) or await self._over(lanes, self._stop, self.options.seconds):
            return
        if not self._stop.is_set():
            for supervisor in supervisors:
                supervisor.stop(Stop())
            if await self._over(lanes, self._stop, _FINISH):
                return
        self._stop.set()
        for supervisor in supervisors:
            supervisor.stop(Stop(hurry=True))
        if await self._over(lanes, self._kill, _HURRY):
            return
        self.killed = self._kill.is_set()
        for lane in lanes:
            lane.cancel()
        await asyncio.wait(lanes)

    @staticmethod
    async def _over(lanes: Sequence[asyncio.Task[None]], event: asyncio.Event, seconds: float | None) -> bool:
        """Wait for all lanes to end; False when ``event`` or the end of ``seconds`` comes first."""
        waiting = asyncio.create_task(event.wait())
        deadline = None if seconds is None else time.monotonic() + seconds
        pending: set[asyncio.Task[object]] = set(lanes)
        while pending and not waiting.done():
            left = None if deadline is None else deadline - time.monotonic()
            if left is not None and left <= 0:
                break
            _, rest = await asyncio.wait({*pending, waiting}, timeout=left, return_when=asyncio.FIRST_COMPLETED)
            pending = rest - {waiting}
        waiting.cancel()
        return not pending

    async def _tick(self) -> None:
        ticks = 0
        while True:
            await asyncio.sleep(_TICK)
            ticks += 1
            if ticks % _SAVE_EVERY == 0:
                self._save(every=ticks % _FLUSH_EVERY == 0)
            self.view.update(self.progress)

    def _save(self, *, every: bool) -> None:
        self.state.save(self.ledger.next, self.ledger.unfinished)
        self._sample()
        if every:
            self.store.flush()

    def _sample(self, *, last: bool = False) -> None:
        """Keep the figures of this moment, once rounds have begun."""
        if self.progress.started is not None:
            self.state.history.sample(self.progress.now(time.monotonic()), last=last)

    def entered(self, lane: int, message: Entered) -> None:
        """The lane changed its state."""
        now = time.monotonic()
        self.progress.lanes[lane].entered(message, now)
        if message.state is LaneState.RUNNING and not self._running.is_set():
            self.progress.started = now
            self._running.set()

    def sighted(self, lane: int, message: Sighted) -> SightingSaved:
        """Save a new crash as it was seen, before anything else happens to it; count a known one."""
        crash, new = self.store.sighted(message.evidence)
        if new:
            self.progress.fresh.add(crash.slug)
            self.view.say(f"new crash: {crash.title} ({self.options.out / crash.slug})")
        known = crash.suppressed or crash.reproduced or crash.attempts >= ATTEMPTS
        open_question = not known and crash.slug not in self._claims
        if open_question:
            self._claims[crash.slug] = lane
        return SightingSaved(crash.slug, attribute=open_question)

    def manifested(self, message: Manifested) -> None:
        """Note what else a bug led to."""
        self.store.manifested(message.slug, message.manifestation)

    def attributed(self, message: Attributed) -> None:
        """Keep the case that was found for a crash."""
        self._claims.pop(message.slug, None)
        crash = self.store.attributed(message.slug, message.evidence)
        if crash.runs:
            self.view.say(f"reproduced {crash.reproduced} of {crash.runs}: {crash.title} ({crash.how})")

    def shrunk(self, message: Shrunk) -> None:
        """Keep the small case."""
        crash = self.store.minimized(message.slug, message.minimized, message.console, message.capture)
        small = message.minimized
        self.view.say(f"minimized {small.before:,} to {small.after:,} bytes: {crash.title}")

    def round_done(self, lane: int, message: RoundDone) -> None:
        """Add a round to totals, drivers and crash counts."""
        self.progress.round_done(lane, message, time.monotonic())
        self.progress.newest += self.state.round_done(message, self.progress.elapsed(time.monotonic()))
        for slug in message.hits:
            self.store.hit(slug)

    def lane_lost(self, lane: int, why: str, given_up: list[int]) -> None:
        """Note a worker that died, and the cases that are not tried again."""
        self._claims = {slug: owner for slug, owner in self._claims.items() if owner != lane}
        self.progress.lanes[lane].deaths += 1
        self.progress.notes.append(f"lane {lane} starts again: {why}")
        self.view.say(f"lane {lane} starts again: {why}")
        for index in given_up:
            self.state.skip(index, why)
            self.progress.skipped += 1
            self.view.say(f"case {index} is skipped: it took down its lane each time ({why})")


@contextlib.contextmanager
def _signals(handler: Callable[[], None]) -> Iterator[None]:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, handler)
    try:
        yield
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)


def _default_commands() -> tuple[tuple[str, ...], tuple[str, ...]]:
    return (sys.executable, "-m", "usbfuzz.jobs.campaign.worker"), GENERATOR


async def run_campaign(
    options: CampaignOptions,
    config: LaneConfig,
    modules: Sequence[str],
    view: View,
    commands: tuple[tuple[str, ...], tuple[str, ...]] | None = None,
) -> Campaign:
    """Run a campaign to its end and return it, for its numbers.

    ``modules`` are those of the guest that can bind; ``commands`` are those of worker and generator processes.
    Raises StorageError, InputError (another seed, nothing left to do), BootError, InfraError; what was found by then
    is saved.
    """
    worker, generator = commands or _default_commands()
    lock = DirectoryLock.acquire(options.out)
    try:
        campaign = _open(options, config, modules, view)
        try:
            await campaign.run(_supervisors(campaign, config, worker, generator))
            await campaign.confirm(config)
            campaign.state.history.end()
        finally:
            campaign.state.close()
            view.close()
    finally:
        lock.release()
        sweep()
    return campaign


def _open(options: CampaignOptions, config: LaneConfig, modules: Sequence[str], view: View) -> Campaign:
    kernel = config.kernel.name
    state = CampaignState.open(
        options.out,
        kernel=kernel,
        params=config.kernel_params,
        seed=options.seed,
        new_seed=secrets.randbits(_SEED_BITS),
    )
    state.history.begin(run_facts(options, config, modules))
    ledger = CaseLedger(next=state.next, limit=options.cases, lanes=options.lanes, returned=list(state.unfinished))
    if ledger.exhausted:
        state.close()
        raise InputError(
            f"{options.out}: all {options.cases} cases of seed {state.seed} were run on {kernel}; "
            "raise --cases to go on, or give another --out"
        )
    store = CrashStore.open(options.out, kernel=kernel, timing=config.timing, render=render, suppress=options.suppress)
    if store.ignored:
        view.say(f"{options.out}: not crash directories, left alone: {', '.join(store.ignored)}")
    progress = Progress(
        kernel=kernel,
        seed=state.seed,
        lanes=[LaneProgress(number) for number in range(options.lanes)],
        totals=state.totals,
        modules=len(modules),
        seconds=options.seconds,
        limit=options.cases,
        drivers=state.drivers,
        crashes=store.crashes,
    )
    gathered = Gathered.open(options.out, config, view.say) if config.probing.coverage else None
    return Campaign(options, progress=progress, state=state, store=store, ledger=ledger, view=view, gathered=gathered)


def _supervisors(
    campaign: Campaign, config: LaneConfig, worker: tuple[str, ...], generator: tuple[str, ...]
) -> list[LaneSupervisor]:
    program, options = WorkerProgram(worker, MESSAGES), campaign.options
    supervisors = []
    for lane in range(options.lanes):
        reached = str(campaign.gathered.directory.resolve()) if campaign.gathered else ""
        start = WorkerStart(lane, campaign.state.seed, core_of(lane), generator, config, options.minimize, reached)
        assignment = LaneAssignment(lane, campaign.ledger, campaign)
        supervisors.append(LaneSupervisor(Worker(f"lane {lane}", program, start, POLICY), assignment))
    return supervisors
