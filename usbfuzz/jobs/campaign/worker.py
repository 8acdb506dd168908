"""The process of one lane: takes blocks of cases, runs them in rounds, says what happened.

Started by the supervisor as ``python -m usbfuzz.jobs.campaign.worker PARENT``; ends when its standard input does.
"""

from __future__ import annotations

import asyncio
import gc
import signal
import sys
from contextlib import AsyncExitStack
from functools import partial

from harness.lane.lane import Lane
from harness.workers.entry import run_worker
from harness.workers.procs import pin
from harness.workers.upstream import Upstream
from harness.workers.waiting import unless_set

from .case_queue import CaseQueue
from .inbox import Inbox
from .lanes import OpenLane
from .messages import MESSAGES, Entered, LaneState, Order, Reply, WorkerStart
from .rounds import Rounds

__all__ = ["main", "work"]


async def work(
    start: WorkerStart, upstream: Upstream[Order, Reply], cleanup: AsyncExitStack, *, open_lane: OpenLane
) -> None:
    """Run cases until the campaign says that it is over, or its process is gone."""
    upstream.send(Entered(LaneState.BOOTING))
    cases = await CaseQueue.start(start.generator, start.making, start.config)
    pin(start.cpu)  # the generator, started before, is free to use an idle core
    cleanup.push_async_callback(cases.close)
    inbox = Inbox(cases)
    # Told to end by a signal: finish the round, save what was found.
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, inbox.take, None)
    listening = asyncio.create_task(_listen(upstream, inbox))
    cleanup.callback(listening.cancel)
    opening = open_lane(start.config, lambda note: upstream.send(Entered(LaneState.BOOTING, note=note)))
    lane = await unless_set(inbox.stop, opening)
    if lane is not None:
        cleanup.push_async_callback(lane.close)
        gc.freeze()
        await Rounds(start, upstream, inbox, lane).run()
    upstream.send(Entered(LaneState.STOPPED))


async def _listen(upstream: Upstream[Order, Reply], inbox: Inbox) -> None:
    while (order := await upstream.receive()) is not None:
        inbox.take(order)
    inbox.take(None)


def main(argv: list[str], open_lane: OpenLane = Lane.open) -> int:
    """Run a worker until its supervisor ends it; an exit status."""
    return run_worker(int(argv[1]), MESSAGES, partial(work, open_lane=open_lane))


if __name__ == "__main__":
    raise SystemExit(main(sys.argv))
