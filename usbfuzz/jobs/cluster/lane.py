"""The process of a lane on another machine: prepares its guest there, then does what a campaign's worker does.

Started by a dask worker as ``python -m usbfuzz.jobs.cluster.lane PARENT``; ends when its standard input does.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Coroutine
from contextlib import AsyncExitStack
from functools import partial
from typing import Any

from attrs import define

from harness.guest.rundir import RunDir
from harness.lane.config import LaneConfig
from harness.lane.lane import Lane
from harness.workers.entry import run_worker
from harness.workers.messages import Begun, Status
from harness.workers.procs import core_of
from harness.workers.upstream import Upstream
from usbfuzz.jobs.campaign.case_queue import GENERATOR
from usbfuzz.jobs.campaign.lanes import CampaignLane, OpenLane
from usbfuzz.jobs.campaign.messages import (
    Entered,
    GeneratorStart,
    LaneState,
    Order,
    Reply,
    RoundDone,
    WorkerStart,
)
from usbfuzz.jobs.campaign.worker import work

from .guests import Guests
from .messages import MESSAGES, CaseFile, LearnedFile, RemoteOrder, RemoteReply, RemoteStart
from .private import Private

__all__ = ["main"]

Prepare = Callable[[Guests, Callable[[str], None]], Coroutine[Any, Any, LaneConfig]]


@define
class _Filed:
    """The campaign, without the files that come and go: those are kept, and sent, between rounds."""

    _upstream: Upstream[RemoteOrder, RemoteReply]
    _files: Private

    async def receive(self) -> Order | None:
        """The next order that is no file."""
        while True:
            match await self._upstream.receive():
                case CaseFile() | LearnedFile() as sent:
                    self._files.keep(sent)
                case order:
                    return order

    def send(self, reply: Reply | Status) -> None:
        """Give a reply; behind a round with what its cases and those before it reached, now and then."""
        if isinstance(reply, RoundDone):
            self.tell()
        self._upstream.send(reply)

    def tell(self, *, last: bool = False) -> None:
        """Tell what was reached."""
        for message in self._files.reached(last=last):
            self._upstream.send(message)


async def _work(
    start: RemoteStart,
    upstream: Upstream[RemoteOrder, RemoteReply],
    cleanup: AsyncExitStack,
    *,
    prepare: Prepare,
    open_lane: OpenLane,
    generator: tuple[str, ...],
) -> None:
    """Prepare, then work for the campaign."""
    upstream.send(Entered(LaneState.BOOTING, note="preparing"))
    files = Private(cleanup.enter_context(RunDir()).path, start.shelves)
    config = await prepare(start.guests, lambda note: upstream.send(Entered(LaneState.BOOTING, note=note)))

    async def opened(config: LaneConfig, say: Callable[[str], None]) -> CampaignLane:
        lane = await open_lane(config, say)
        upstream.send(Begun())
        return lane

    filed = _Filed(upstream, files)
    await work(_start_here(start, config, files, generator), filed, cleanup, open_lane=opened)
    filed.tell(last=True)


def _start_here(start: RemoteStart, config: LaneConfig, files: Private, generator: tuple[str, ...]) -> WorkerStart:
    """What a lane on the campaign's own machine is told."""
    making = GeneratorStart(
        start.seed,
        config.image.aliases,
        config.kernel.modules,
        config.kernel.arch,
        learned=files.learned,
        tables=start.tables,
        corpus=files.corpus if start.guided else None,
        aim=start.aim,
    )
    coverage = str(files.coverage) if start.covered else ""
    return WorkerStart(start.lane, core_of(start.place), generator, making, config, start.minimize, coverage)


def main(
    argv: list[str],
    prepare: Prepare = Guests.prepare,
    open_lane: OpenLane = Lane.open,
    generator: tuple[str, ...] = GENERATOR,
) -> int:
    """Run a lane until its campaign ends it; an exit status."""
    work_here = partial(_work, prepare=prepare, open_lane=open_lane, generator=generator)
    return run_worker(int(argv[1]), MESSAGES, work_here)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv))
