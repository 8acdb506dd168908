"""Learns the drivers of one kernel, several at a time, and keeps what was learned as it comes."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Mapping
from pathlib import Path

from attrs import define, evolve, field, frozen

from harness.guest.kernels.firmware import FirmwareNames
from harness.lane.config import LaneConfig
from harness.lane.lane import Lane
from strategies import Identities
from strategies.learning.learned import Learned, dumps, load_all
from usbfuzz.case.files import write_file
from usbfuzz.crashes.layout import DEFAULT_DIRECTORY
from usbfuzz.crashes.lock import DirectoryLock
from usbfuzz.crashes.store import CrashStore
from usbfuzz.errors import InfraError, UsbfuzzError, first_of
from usbfuzz.jobs.aim.naming import known_drivers
from usbfuzz.jobs.engine.desk import Crashed, Desk
from usbfuzz.jobs.engine.learner import Limits
from usbfuzz.jobs.engine.lesson import companions_of, drafts_for, in_words, learned_by, learner_at, worth_keeping
from usbfuzz.report.render import render

from .found import Found

__all__ = ["Wanted", "learn"]

#: Drivers that one lane learns at a time: as many as fill its ports, and some that wait for a module others use.
_AT_ONCE = 12


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
        desk = Desk(lane, min(_AT_ONCE, len(self._waiting)))
        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(desk.learners):
                    group.create_task(self._pupil(desk, known))
                group.create_task(desk.serve(self.crashed))
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
        learner = learner_at(desk, driver, modules, self.wanted.limits, self.identities.firmware.get(driver, ()))
        try:
            await learner.learn(drafts_for(driver, self.identities, known))
        finally:  # when the user ends it, too
            learned = learned_by(driver, self.config.kernel.name, learner)
            self.found.append(learned)
            if (kept := worth_keeping(learned, known)) is not None:
                write_file(self.wanted.out / f"{driver}.toml", dumps(kept).encode())
            self.say(in_words(learned, learner))


async def learn(config: LaneConfig, wanted: Wanted, say: Callable[[str], None]) -> list[Learned]:
    """Learn the drivers that are wanted on one kernel and write a file for each; goes on from files that are there.

    ``config`` must ask the probe for comparisons. Raises InputError (no such driver), InfraError (an emulator that does
    not show comparisons), StorageError, BootError; what was learned by then is kept.
    """
    found = Identities.parse(config.image.aliases.read_text())
    identities = evolve(found, firmware=FirmwareNames(config.kernel.modules))
    drivers = known_drivers(wanted.drivers, identities.modules, config.kernel.name) or identities.modules
    _check(config)
    problems: list[str] = []
    known = load_all(wanted.out, problems)
    for problem in problems:
        say(problem)
    wanted.out.mkdir(parents=True, exist_ok=True)
    companions = companions_of(config.kernel.modules, identities)
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
