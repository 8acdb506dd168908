"""Does anything grow, or stay behind? Thousands of plug cycles in one guest, and QEMUs killed at any moment."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import re
import signal
from typing import TYPE_CHECKING

from attrs import evolve, frozen

from harness.guest.qemu import Mode
from harness.lane.lane import Lane
from harness.lane.prepare import prepare
from usbfuzz.errors import QemuError

from .cases import mouse_case
from .processes import children_of, descriptors_of, resident
from .slopes import Saw, typical_slope

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.lane.config import LaneConfig

__all__ = ["QEMU", "Course", "Endured", "Growth", "endure", "thrown_away"]

QEMU = "host: QEMU"  #: the row of its memory
#: Looks at the memory, after the first tenth of the cycles: until then caches fill up.
_LOOKS = 40
_WARM_UP = 0.1
#: MiB of translated code, of which a mouse's cycle needs 10. It grows with each deadline of a timer that falls into a
#: block of code, as that makes another, shorter block; so it is full some 600 cycles after the first, and then again.
_CODE_MIB = 16
#: The tables of a virtual CPU's TLB grow and shrink, to a megabyte each. From such a size on the C library is to take
#: memory from the system and give it back at once (mallopt(3)): by itself it sets the size up when one is freed, and
#: the tables leave holes in what it keeps, half a megabyte more or less each time one looks.
_GIVEN_BACK = ("MALLOC_MMAP_THRESHOLD_=32768", "MALLOC_TRIM_THRESHOLD_=131072")
#: QEMU's memory goes up until its translated code is thrown away, and is judged by what it was just before, where that
#: happened so many times from begin to end. What it was at most says more of two large tables at the same time.
_TEETH = 3
_THROWN_AWAY = re.compile(r"^TB flush count\s+(\d+)", re.MULTILINE)
#: Bytes a cycle that count as growth: less than the smallest object that a driver could leave behind in each.
_LEAK = {"guest": 32.0, "host": 32.0}
_LATEST_KILL_S = 2.0  #: wall seconds of a round after which QEMU is killed at the latest
_AGAIN_S = 0.01  #: wall seconds until it is tried again where no QEMU runs
_ROW = re.compile(r"^(\w+):\s+(\d+) kB$", re.MULTILINE)


@frozen
class Growth:
    """How much something grew over the cycles."""

    what: str
    first: int  #: bytes at the first look
    last: int
    per_cycle: float  #: bytes
    allowed: float

    @property
    def good(self) -> bool:
        """Whether that is no growth."""
        return self.per_cycle <= self.allowed


@frozen
class Endured:
    """What was done, and what it left behind."""

    cycles: int
    bound: int  #: devices whose driver was bound
    kills: int
    thrown_away: int  #: how often QEMU had translated as much code as it keeps, and threw it away
    growth: tuple[Growth, ...]
    left: tuple[str, ...]  #: processes, descriptors and directories that should be gone

    @property
    def good(self) -> bool:
        """Whether nothing grew and nothing is left."""
        return not self.left and all(each.good for each in self.growth)


async def endure(
    kernel: str,
    cycles: int,
    kills: int,
    *,
    processors: int | None = None,
    on_progress: Callable[[str], None] = lambda _: None,
) -> Endured:
    """Plug and unplug a mouse ``cycles`` times in one guest, then kill QEMU ``kills`` times while it does that.

    Raises what :func:`prepare` and lanes raise.
    """
    made = await prepare(kernel, mode=Mode.WARP, processors=processors, on_progress=on_progress)
    config = evolve(made, validate_every=0, leaks=False)
    before = _Held.now()
    course = await _cycles(_tidy(config), cycles, on_progress)
    await _kills(config, kills, on_progress)
    left = _Held.now().beyond(before)
    return Endured(cycles, course.bound, kills, course.qemu.teeth - 1, course.growth, left)


def _tidy(config: LaneConfig) -> LaneConfig:
    """The same with a QEMU that keeps little of what it does not need at the moment."""
    emulator = evolve(config.emulator, environment=(*config.emulator.environment, *_GIVEN_BACK))
    return evolve(config, emulator=emulator, code_mib=_CODE_MIB)


@frozen
class Course:
    """What was seen while mice were plugged."""

    bound: int
    looks: tuple[tuple[int, dict[str, int]], ...]  #: after so many cycles: bytes of each thing
    qemu: Saw  #: bytes of QEMU after so many cycles; a tooth ends when code is thrown away

    @property
    def growth(self) -> tuple[Growth, ...]:
        """How much each thing grew."""
        series = {what: [(at, sizes[what]) for at, sizes in self.looks] for what in self.looks[0][1]}
        if len(self.qemu.ends) >= _TEETH:
            series[QEMU] = list(self.qemu.ends)
        return tuple(_grew(what, looks) for what, looks in series.items())


async def _cycles(config: LaneConfig, cycles: int, on_progress: Callable[[str], None]) -> Course:
    lane = await Lane.open(config, on_progress)
    looks: list[tuple[int, dict[str, int]]] = []
    qemu = Saw()
    done = bound = 0
    try:
        while done < cycles:
            outcome = await lane.run_round([mouse_case()] * config.ports)
            done += outcome.plugs
            bound += sum(binding.driver == "hid-generic" for binding in outcome.bindings)
            qemu.add(await thrown_away(lane), done, resident(lane.pid))
            if done >= cycles * (_WARM_UP + len(looks) * (1 - _WARM_UP) / _LOOKS):
                looks.append((done, await _memory(lane)))
                on_progress(f"{done} of {cycles} cycles")
    finally:
        await lane.close()
    return Course(bound, tuple(looks), qemu)


async def thrown_away(lane: Lane) -> int:
    """How often QEMU has thrown its translated code away since it was started; 0 when it does not say."""
    said = await lane.guest.qemu.execute("human-monitor-command", **{"command-line": "info jit"})
    found = _THROWN_AWAY.search(said)
    return int(found[1]) if found else 0


async def _memory(lane: Lane) -> dict[str, int]:
    """Bytes that the guest's kernel has for itself and cannot give back, and that QEMU and this process have."""
    rows = {name: int(kib) << 10 for name, kib in _ROW.findall((await lane.agent.read("/proc/meminfo")).decode())}
    kernel = rows.get("SUnreclaim", 0) + rows.get("KernelStack", 0) + rows.get("PageTables", 0)
    return {
        "guest: kernel": kernel,
        "guest: not available": rows.get("MemTotal", 0) - rows.get("MemAvailable", 0),
        "host: this process": resident(os.getpid()),
        QEMU: resident(lane.pid),
    }


def _grew(what: str, looks: list[tuple[int, int]]) -> Growth:
    slope = typical_slope(looks)
    return Growth(what, looks[0][1], looks[-1][1], slope, _LEAK[what.partition(":")[0]])


async def _kills(config: LaneConfig, kills: int, on_progress: Callable[[str], None]) -> None:
    if not kills:
        return
    lane = await Lane.open(config, on_progress)
    dice = random.Random(kills)
    try:
        for number in range(kills):
            killer = asyncio.create_task(_kill(lane, dice.uniform(0, _LATEST_KILL_S)))
            while not killer.done():
                with contextlib.suppress(QemuError):
                    await lane.run_round([mouse_case()] * config.ports)
            on_progress(f"{number + 1} of {kills} kills")
    finally:
        await lane.close()


async def _kill(lane: Lane, seconds: float) -> None:
    """Kill the QEMU that runs then, whatever it or its lane are doing."""
    await asyncio.sleep(seconds)
    while True:
        with contextlib.suppress(ProcessLookupError):  # the last one is dead, and no other runs yet
            if lane.pid:
                os.kill(lane.pid, signal.SIGKILL)
                return
        await asyncio.sleep(_AGAIN_S)


@frozen
class _Held:
    """What this process holds: its child processes, and how many open files."""

    children: frozenset[int]
    descriptors: int

    @classmethod
    def now(cls) -> _Held:
        return cls(children_of(os.getpid()), descriptors_of(os.getpid()))

    def beyond(self, before: _Held) -> tuple[str, ...]:
        """What there is now and was not before, in words."""
        found = [f"process {pid}" for pid in sorted(self.children - before.children)]
        found += [f"{more} descriptors"] if (more := self.descriptors - before.descriptors) > 0 else []
        return tuple(found)
