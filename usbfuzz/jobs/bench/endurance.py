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
from .slopes import typical_slope

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.lane.config import LaneConfig

__all__ = ["Endured", "Growth", "endure"]

#: Looks at the memory, after the first tenth of the cycles: until then caches fill up.
_LOOKS = 40
_WARM_UP = 0.1
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
    growth, bound = await _cycles(config, cycles, on_progress)
    await _kills(config, kills, on_progress)
    left = _Held.now().beyond(before)
    return Endured(cycles, bound, kills, growth, left)


async def _cycles(
    config: LaneConfig, cycles: int, on_progress: Callable[[str], None]
) -> tuple[tuple[Growth, ...], int]:
    lane = await Lane.open(config, on_progress)
    looks: list[tuple[int, dict[str, int]]] = []
    done = bound = 0
    try:
        while done < cycles:
            outcome = await lane.run_round([mouse_case()] * config.ports)
            done += outcome.plugs
            bound += sum(binding.driver == "hid-generic" for binding in outcome.bindings)
            if done >= cycles * (_WARM_UP + len(looks) * (1 - _WARM_UP) / _LOOKS):
                looks.append((done, await _memory(lane)))
                on_progress(f"{done} of {cycles} cycles")
    finally:
        await lane.close()
    return tuple(_grew(what, [(at, sizes[what]) for at, sizes in looks]) for what in looks[0][1]), bound


async def _memory(lane: Lane) -> dict[str, int]:
    """Bytes that the guest's kernel has for itself and cannot give back, and that QEMU and this process have."""
    rows = {name: int(kib) << 10 for name, kib in _ROW.findall((await lane.agent.read("/proc/meminfo")).decode())}
    kernel = rows.get("SUnreclaim", 0) + rows.get("KernelStack", 0) + rows.get("PageTables", 0)
    return {
        "guest: kernel": kernel,
        "guest: not available": rows.get("MemTotal", 0) - rows.get("MemAvailable", 0),
        "host: this process": resident(os.getpid()),
        "host: QEMU": resident(lane.pid),
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
