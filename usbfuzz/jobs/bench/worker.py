"""The process of one pinned lane of the benchmark.

Started by the command as ``python -m usbfuzz.jobs.bench.worker PARENT``; ends when its standard input does.
"""

from __future__ import annotations

import gc
import sys
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack

from attrs import evolve

from harness.guest.probe.probing import Probing
from harness.lane.config import LaneConfig
from harness.lane.lane import Lane
from harness.lane.outcome import Outcome
from harness.lane.prepare import prepare
from harness.workers.entry import run_worker
from harness.workers.messages import Begun
from harness.workers.procs import pin
from harness.workers.upstream import Upstream
from usbfuzz.case.model import Case
from usbfuzz.jobs.campaign.case_queue import GENERATOR, CaseQueue
from usbfuzz.jobs.campaign.messages import GeneratorStart
from usbfuzz.jobs.campaign.options import HEAP, for_campaign

from .cases import SEED, endless, from_queue, made_beforehand, mouse_case
from .messages import MESSAGES, Devices, Measured, Measurement, WorkerStart

__all__ = ["main"]


async def _work(start: WorkerStart, upstream: Upstream[Measurement, Measured], cleanup: AsyncExitStack) -> None:
    pin(start.cpu)
    while (wanted := await upstream.receive()) is not None:
        lane = await _open(wanted)
        cleanup.push_async_callback(lane.close)
        upstream.send(Begun())
        upstream.send(await _measure(lane, wanted))
        await lane.close()


async def _open(wanted: Measurement) -> Lane:
    return await Lane.open(evolve(await _config(wanted), ports=wanted.ports))


async def _config(wanted: Measurement) -> LaneConfig:
    if wanted.checked:
        return for_campaign(await prepare(wanted.kernel, mode=wanted.mode, probing=Probing(heap=HEAP)))
    return evolve(await prepare(wanted.kernel, mode=wanted.mode), validate_every=0)


async def _measure(lane: Lane, wanted: Measurement) -> Measured:
    """Plug devices into every port, over and over, for ``wanted.seconds``.

    Mice count when their HID driver has bound. A campaign's cases cost what crashes and restores cost; what
    attributing a crash seen for the first time takes is left out.
    """
    await lane.run(mouse_case())
    gc.collect()
    gc.freeze()
    match wanted.devices:
        case Devices.MICE:
            return await _timed(lane, wanted, endless([[mouse_case()] * wanted.ports]), _bound)
        case Devices.READY:
            return await _timed(lane, wanted, endless(made_beforehand(lane.config)), _plugged)
        case Devices.FRESH:
            queue = await CaseQueue.start(GENERATOR, GeneratorStart(SEED, lane.config.image.aliases), lane.config)
            try:
                return await _timed(lane, wanted, from_queue(queue), _plugged)
            finally:
                await queue.close()


async def _timed(
    lane: Lane, wanted: Measurement, rounds: AsyncIterator[Sequence[Case]], count: Callable[[Outcome], int]
) -> Measured:
    devices = dilated = 0
    worst = started = 0.0
    async for cases in rounds:
        started = started or time.monotonic()  # a generator's start, like a guest's, is not what is measured
        outcome = await lane.run_round(cases)
        lane.known += outcome.reports  # as a campaign, once it has attributed them
        devices += count(outcome)
        dilated += outcome.dilated
        worst = max(worst, outcome.worst_reply_ms)
        if time.monotonic() - started >= wanted.seconds:
            break
    return Measured(devices, time.monotonic() - started, dilated, worst)


def _plugged(outcome: Outcome) -> int:
    return outcome.plugs


def _bound(outcome: Outcome) -> int:
    return sum(binding.driver == "hid-generic" for binding in outcome.bindings)


def main(argv: list[str]) -> int:
    """Run a worker until the command ends it; an exit status."""
    return run_worker(int(argv[1]), MESSAGES, _work)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv))
