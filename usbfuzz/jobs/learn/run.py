"""Learns the drivers of one kernel, several at a time, and keeps what was learned as it comes."""

from __future__ import annotations

import asyncio
import difflib
from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from attrs import define, evolve, field, frozen

from harness.guest.kernels.modules import ModuleIndex
from harness.lane.config import LaneConfig
from harness.lane.lane import Lane
from strategies import Identities
from strategies.devices import bare_device
from strategies.dice import Dice
from strategies.learning.draft import Draft, draft_of
from strategies.learning.learned import Learned, LearnedDevice, dumps, load_all
from strategies.palette import Palette, kinds_of
from usbfuzz.case.files import write_file
from usbfuzz.crashes.layout import DEFAULT_DIRECTORY
from usbfuzz.crashes.lock import DirectoryLock
from usbfuzz.crashes.store import CrashStore
from usbfuzz.errors import InfraError, InputError, UsbfuzzError, first_of
from usbfuzz.report.render import render

from .desk import Crashed, Desk
from .found import Found
from .learner import Known, Learner, Limits

__all__ = ["Wanted", "learn"]

#: Drivers that one lane learns at a time: as many as fill its ports, and some that wait for a module others use.
_AT_ONCE = 12
_DRAFTS = 4  #: devices to begin with
#: A module that more drivers need than this is part of a subsystem, not of a driver.
_SHARED = 12
_DEVICES = 6  #: kept of one driver


@frozen
class Wanted:
    """What is to be learned."""

    drivers: tuple[str, ...]  #: modules; none: all of the kernel
    out: Path  #: directory of DRIVER.toml files
    lanes: int = 1
    crashes: Path = DEFAULT_DIRECTORY  #: where what crashes on the way is saved
    limits: Limits = field(factory=Limits)


@define(eq=False)
class _School:
    """All drivers of one kernel that are to be learned."""

    config: LaneConfig
    wanted: Wanted
    identities: Identities
    companions: Mapping[str, frozenset[str]]
    say: Callable[[str], None]
    crashed: Crashed
    _waiting: deque[str] = field(factory=deque, init=False)
    found: list[Learned] = field(factory=list, init=False)

    async def teach(self, known: Mapping[str, Learned]) -> None:
        """Learn every driver; raises what lanes do."""
        self._waiting.extend(self.wanted.drivers)
        async with asyncio.TaskGroup() as group:
            for _ in range(min(self.wanted.lanes, len(self._waiting))):
                group.create_task(self._lane(known))

    async def _lane(self, known: Mapping[str, Learned]) -> None:
        lane = await Lane.open(self.config, self.say)
        lane.recording = True
        desk = Desk(lane, min(_AT_ONCE, len(self._waiting)), self.crashed)
        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(desk.learners):
                    group.create_task(self._pupil(desk, known))
                group.create_task(desk.serve())
        finally:
            await lane.close()

    async def _pupil(self, desk: Desk, known: Mapping[str, Learned]) -> None:
        """Learn one driver after the other."""
        while self._waiting:
            driver = self._waiting.popleft()
            await self._learn(desk, driver, known.get(driver))
        desk.left()

    async def _learn(self, desk: Desk, driver: str, known: Learned | None) -> None:
        modules = self.companions.get(driver, frozenset()) | {driver}
        learner = Learner(lambda case: desk.run(driver, modules, case), self.wanted.limits)
        try:
            await learner.learn([*_drafts(self.identities, driver), *(device.draft for device in _devices(known))])
        finally:  # when the user ends it, too
            learned = _learned(driver, self.config.kernel.name, learner)
            self.found.append(learned)
            if any(device.because for device in learned.devices):
                write_file(self.wanted.out / f"{driver}.toml", dumps(learned).encode())
            self.say(_line(learned, learner))


def _drafts(identities: Identities, driver: str) -> list[Draft]:
    """Plausible devices for a driver, to begin with."""
    ids = identities.of(driver)
    palette, kinds = Palette(Identities({driver: ids})), kinds_of(driver, ids)
    made = (bare_device(Dice(number), palette, kinds[number % len(kinds)]) for number in range(_DRAFTS))
    return [draft_of(spec) for spec in made]


def _devices(known: Learned | None) -> Sequence[LearnedDevice]:
    return () if known is None else known.devices


def _learned(driver: str, kernel: str, learner: Learner) -> Learned:
    """The drafts that together reached all that was reached, the best first."""
    left = set(learner.reached)
    chosen: list[Known] = []
    pool = sorted(learner.known, key=lambda known: known.worth, reverse=True)
    while pool and left and len(chosen) < _DEVICES:
        best = max(pool, key=lambda known: (len(known.seen.blocks & left), known.worth)) if chosen else pool[0]
        pool.remove(best)
        if not best.seen.blocks & left:
            break
        chosen.append(best)
        left -= best.seen.blocks
    devices = tuple(
        LearnedDevice(
            known.draft,
            known.seen.bound,
            len(known.seen.blocks),
            tuple(f"{change.because}: {change}" for change in known.draft.changes),
        )
        for known in chosen
    )
    return Learned(driver, kernel, learner.first, len(learner.reached), devices)


def _line(learned: Learned, learner: Learner) -> str:
    bound = "bound" if any(device.bound for device in learned.devices) else "never bound"
    changes = len({text for device in learned.devices for text in device.because})
    crashes = f", {len(learner.crashes)} runs crashed" if learner.crashes else ""
    return (
        f"{learned.driver}: {learned.before} to {learned.reached} blocks, {bound}, "
        f"{changes} answers learned in {learner.runs} runs{crashes}"
    )


def _companions(config: LaneConfig, identities: Identities) -> dict[str, frozenset[str]]:
    """The modules that belong to each driver besides its own: those it needs and few others do."""
    needs = ModuleIndex.read(config.kernel.modules).dependencies
    users = Counter(module for driver in identities.modules for module in needs.get(driver, ()))
    return {
        driver: frozenset(module for module in needs.get(driver, ()) if users[module] <= _SHARED)
        for driver in identities.modules
    }


async def learn(config: LaneConfig, wanted: Wanted, say: Callable[[str], None]) -> list[Learned]:
    """Learn the drivers that are wanted on one kernel and write a file for each; goes on from files that are there.

    ``config`` must ask the probe for comparisons. Raises InputError (no such driver), InfraError (an emulator that does
    not show comparisons), StorageError, BootError; what was learned by then is kept.
    """
    identities = Identities.parse(config.image.aliases.read_text())
    drivers = tuple(name.replace("-", "_") for name in wanted.drivers) or identities.modules
    for driver in drivers:
        if not identities.of(driver):
            close = difflib.get_close_matches(driver, identities.modules, n=3, cutoff=0.5)
            meant = f"did you mean {' or '.join(close)}?" if close else "name a module"
            raise InputError(f"{driver}: {config.kernel.name} has no such USB or HID driver; {meant}")
    _check(config)
    problems: list[str] = []
    known = load_all(wanted.out, problems)
    for problem in problems:
        say(problem)
    wanted.out.mkdir(parents=True, exist_ok=True)
    companions = _companions(config, identities)
    with DirectoryLock.acquire(wanted.crashes):
        store = CrashStore.open(wanted.crashes, kernel=config.kernel.name, timing=config.timing, render=render)
        keep = Found(store).keep
        school = _School(config, evolve(wanted, drivers=drivers), identities, companions, say, keep)
        try:
            await school.teach(known)
        except* UsbfuzzError as errors:
            raise first_of(errors) from None
    return school.found


def _check(config: LaneConfig) -> None:
    if not config.probing.compare or config.emulator.blindness:
        raise InfraError(
            f"QEMU {config.emulator.number} does not show what drivers compare; `usbfuzz emulator add "
            "debian:bookworm-backports` fetches one that does"
        )
