"""Runs every scenario of the benchmark, one after the other."""

from __future__ import annotations

import asyncio
import os
from functools import partial
from typing import TYPE_CHECKING

from attrs import frozen

from harness.guest.qemu import PORTS, Mode
from harness.lane.lane import Lane
from harness.lane.prepare import prepare
from harness.workers.policy import Policy
from harness.workers.pool import Pool
from harness.workers.worker import Worker, WorkerProgram
from usbfuzz.case import load
from usbfuzz.errors import InfraError, UsbfuzzError

from .cases import made_beforehand, mouse_case
from .figures import Figure, Table
from .messages import MESSAGES, Devices, Measured, Measurement, WorkerStart
from .prices import measure_prices

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

__all__ = ["Scenario", "run_bench"]

_REPEATS = 5
_PROGRAM = WorkerProgram.of("usbfuzz.jobs.bench.worker", MESSAGES)
#: Wall seconds beyond its own in which a measurement must have ended.
_GRACE = 600.0


@frozen
class Scenario:
    """One way to plug devices."""

    name: str
    mode: Mode
    ports: int
    lanes: int
    goal: float | None = None
    devices: Devices = Devices.MICE
    checked: bool = False  #: the guest is looked into, booted and validated as a campaign's


def scenarios(cores: int, ports: int = PORTS) -> tuple[Scenario, ...]:
    """What is measured, slowest way first."""
    return (
        Scenario("real time, 1 port, 1 core", Mode.REALTIME, 1, 1),
        Scenario("warp, 1 port, 1 core", Mode.WARP, 1, 1, goal=60.0),
        Scenario(f"warp, {ports} ports, 1 core", Mode.WARP, ports, 1, goal=80.0),
        Scenario(f"warp, {ports} ports, {cores} cores", Mode.WARP, ports, cores),
    )


def campaigns(ports: int = PORTS) -> tuple[Scenario, ...]:
    """A campaign's guest, given mice, a campaign's cases made beforehand, and the same made at the same time."""
    how = partial(Scenario, mode=Mode.WARP, ports=ports, lanes=1, checked=True)
    return (
        how("campaign's guest: mice, 1 core"),
        how("campaign's guest: its cases, made beforehand", devices=Devices.READY),
        how("campaign's guest: its cases, made meanwhile", devices=Devices.FRESH),
    )


async def run_bench(
    kernel: str, seconds: float, crash_case: Path | None, crash_kernel: str, on_progress: Callable[[str], None]
) -> Table:
    """Measure every scenario for ``seconds`` each, and how fast a lane is back after ``crash_case``.

    Raises what preparing a kernel raises; InfraError when a lane of the benchmark fails.
    """
    config = await prepare(kernel, mode=Mode.WARP, on_progress=on_progress)  # what is wrong shows here, not in a child
    cpus = sorted(os.sched_getaffinity(0))
    figures: list[Figure] = []
    for scenario in scenarios(len(cpus)):
        on_progress(f"measuring: {scenario.name}")
        figures.append(await _measure(scenario, kernel, seconds, cpus))
    one, all_ = figures[-2].value, figures[-1].value
    figures.append(Figure(f"{len(cpus)} cores against one", all_ / one if one else 0.0, "x", goal=0.9 * len(cpus)))
    for scenario in campaigns():
        on_progress(f"measuring: {scenario.name}")
        lasting = seconds if scenario.devices is Devices.MICE else 2 * seconds  # crashes come unevenly
        figures.append(await _measure(scenario, kernel, lasting, cpus))
    mice, ready, fresh = (figure.value for figure in figures[-3:])
    figures.append(Figure("made meanwhile against beforehand", fresh / ready if ready else 0.0, "x", goal=0.6))
    figures.append(Figure("made meanwhile against mice", fresh / mice if mice else 0.0, "x"))
    on_progress("measuring: what looking into a guest costs")
    figures += await measure_prices(config, made_beforehand(config), 2 * seconds)
    if crash_case is not None:
        on_progress(f"measuring: crash to next case on {crash_kernel}")
        figures.append(await _recovery(crash_case, crash_kernel))
    return Table(kernel, config.emulator.version, len(cpus), tuple(figures))


async def _measure(scenario: Scenario, kernel: str, seconds: float, cpus: list[int]) -> Figure:
    # In real time a device takes most of a second: twice as long gives enough of them for a figure.
    lasting = seconds * 2 if scenario.mode is Mode.REALTIME else seconds
    wanted = Measurement(kernel, scenario.mode, scenario.ports, lasting, scenario.devices, scenario.checked)
    results = await _run(wanted, cpus[: scenario.lanes])
    rate = sum(result.devices / result.seconds for result in results)
    return Figure(scenario.name, rate, "devices/s", scenario.goal, sum(result.devices for result in results))


async def _run(wanted: Measurement, cpus: list[int]) -> list[Measured]:
    """The same measurement on each of these cores at the same time; one that fails is not repeated."""
    policy = Policy(silence=wanted.seconds + _GRACE, deaths=1)
    pool = Pool(tuple(Worker("benchmark", _PROGRAM, WorkerStart(cpu), policy) for cpu in cpus), policy)
    try:
        return await asyncio.gather(*(pool.run(wanted) for _ in cpus))
    except UsbfuzzError as error:
        raise InfraError(f"a lane of the benchmark failed: {error}") from error
    finally:
        await pool.close()


async def _recovery(path: Path, kernel: str) -> Figure:
    """Wall seconds from the moment a crash breaks the channel until the next device has enumerated."""
    lane = await Lane.open(await prepare(kernel, mode=Mode.WARP))
    crash, mouse = load(path), mouse_case()
    waits: list[float] = []
    try:
        for _ in range(_REPEATS):
            outcome = await lane.run(crash)
            if not outcome.reports:
                raise InfraError(f"{path}: did not crash {kernel}; the benchmark needs a crash to recover from")
            after = await lane.run(mouse)
            waits.append(lane.recovery + after.seconds)
    finally:
        await lane.close()
    return Figure("crash to next case done", sorted(waits)[len(waits) // 2], "s", 1.0, len(waits))
