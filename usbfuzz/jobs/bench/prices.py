"""What looking into a guest costs: the same rounds in guests that are looked into differently, one after the other.

The processor time that QEMU takes is compared, not the wall's: that of a busy machine says little. A round in which any
of the guests was restored or had something to report counts in none.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterable, Sequence
from contextlib import AsyncExitStack
from pathlib import Path

from attrs import evolve

from harness.guest.probe.probing import Heap, Probing
from harness.lane.config import LaneConfig
from harness.lane.lane import Lane
from usbfuzz.case.model import Case
from usbfuzz.jobs.campaign.options import RED_ZONES

from .figures import Figure

__all__ = ["LOOKS", "measure_prices"]

#: Name, what is looked at, and the most per cent that it may cost; each against the first.
LOOKS: tuple[tuple[str, Probing, float | None], ...] = (
    ("nothing", Probing(coverage=False), None),
    ("coverage", Probing(), 3.0),
    ("coverage and heap", Probing(heap=Heap.WARN), 10.0),
)
_WARM_UP = 8  #: rounds that do not count: code is translated in them


async def measure_prices(config: LaneConfig, rounds: Iterable[Sequence[Case]], seconds: float) -> list[Figure]:
    """A row for each of :data:`LOOKS` but the first. Raises what opening a lane does."""
    spent = [0.0] * len(LOOKS)
    counted = 0
    async with AsyncExitStack() as stack:
        lanes = []
        for _, probing, _ in LOOKS:
            lane = await Lane.open(evolve(config, probing=probing, kernel_params=(RED_ZONES,), validate_every=0))
            stack.push_async_callback(lane.close)
            await lane.guest.qemu.execute("stop")
            lanes.append(lane)
        started = time.monotonic()
        for number, cases in enumerate(rounds):
            if time.monotonic() - started > seconds * len(LOOKS) and counted:
                break
            took = [await _round(lane, cases) for lane in lanes]
            if number >= _WARM_UP and all(took):
                counted += 1
                spent = [total + (each or 0.0) for total, each in zip(spent, took, strict=True)]
    return [
        Figure(f"price of {name}", 100 * (spent[index] / spent[0] - 1), "%", goal, counted)
        for index, (name, _, goal) in enumerate(LOOKS)
        if index and spent[0]
    ]


async def _round(lane: Lane, cases: Sequence[Case]) -> float | None:
    """Seconds of processor time that a round took; None when the guest did not come out of it as it went in.

    The guest stands still before and after: a warped guest that idles computes all the time.
    """
    if not lane.pid:
        await lane.restore()
    await lane.guest.qemu.execute("cont")
    restores, before = lane.restores, _computed(lane.pid)
    outcome = await lane.run_round(cases)
    took = _computed(lane.pid) - before
    if lane.pid:
        await lane.guest.qemu.execute("stop")
    lane.known += outcome.reports
    return took if lane.restores == restores and not outcome.reports and not outcome.dilated else None


def _computed(pid: int) -> float:
    """Seconds of processor time that all threads of a process took, to the nanosecond; 0.0 when it has ended."""
    nanoseconds = 0
    for path in Path(f"/proc/{pid}/task").glob("*/schedstat"):
        with contextlib.suppress(OSError):
            nanoseconds += int(path.read_text().split()[0])
    return nanoseconds / 1e9
