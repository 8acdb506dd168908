"""The process of one lane: takes blocks of cases, runs them in rounds, says what happened.

Started by the supervisor as ``python -m usbfuzz.jobs.campaign.worker PARENT``; ends when its standard input does.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import signal
import sys

from harness.lane.lane import Lane
from harness.workers.child import Upstream
from harness.workers.entry import run_worker
from harness.workers.procs import clean_exit_or_die, pin
from usbfuzz.errors import UsbfuzzError

from .feed import Feed
from .lanes import OpenLane
from .messages import LINES, Entered, Failed, LaneState, Setup
from .rounds import Orders, Rounds, unless

__all__ = ["main", "serve"]


async def serve(channel: int, open_lane: OpenLane) -> int:
    """Talk to the supervisor over standard input and ``channel`` until either says it is over; an exit status."""
    upstream = await Upstream.open(channel, LINES)
    setup = await upstream.receive()
    if setup is None:
        return 0
    assert isinstance(setup, Setup)
    upstream.send(Entered(LaneState.BOOTING))
    try:
        await _serve(setup, upstream, open_lane)
    except UsbfuzzError as error:
        upstream.send(Failed(type(error).__name__, str(error)))
        return 1
    finally:
        clean_exit_or_die()  # a thread that waits for a lock or a disk must not keep the process
    upstream.send(Entered(LaneState.STOPPED))
    return 0


async def _serve(setup: Setup, upstream: Upstream, open_lane: OpenLane) -> None:
    async with contextlib.AsyncExitStack() as stack:
        feed = await Feed.start(setup)
        pin(setup.cpu)  # the generator, started before, is free to use an idle core
        stack.push_async_callback(feed.close)
        orders = Orders(feed)
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, orders.obey, None)
        listening = asyncio.create_task(_listen(upstream, orders))
        stack.callback(listening.cancel)
        lane = await unless(
            orders.stop,
            open_lane(setup.config, lambda note: upstream.send(Entered(LaneState.BOOTING, note=note))),
        )
        if lane is None:
            return
        stack.push_async_callback(lane.close)
        gc.freeze()
        gc.disable()
        await Rounds(setup, upstream, orders, lane).run()


async def _listen(upstream: Upstream, orders: Orders) -> None:
    while (message := await upstream.receive()) is not None:
        orders.obey(message)
    orders.obey(None)


def main(argv: list[str], open_lane: OpenLane = Lane.open) -> int:
    """Run a worker until its supervisor ends it; an exit status."""
    return run_worker(int(argv[1]), lambda channel: serve(channel, open_lane))


if __name__ == "__main__":
    raise SystemExit(main(sys.argv))
