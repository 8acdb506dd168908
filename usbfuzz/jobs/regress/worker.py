"""The process of one lane: runs cells one after another, in one guest as long as that is what they need.

Started by the command as ``python -m usbfuzz.jobs.regress.worker PARENT``; ends when its standard input does.
"""

from __future__ import annotations

import asyncio
import gc
import sys
import time
from contextlib import AsyncExitStack
from typing import Any

from attrs import define

from harness.lane.held import HeldGuest
from harness.lane.lane import Lane
from harness.workers.entry import run_worker
from harness.workers.messages import Begun, Booting
from harness.workers.procs import pin
from harness.workers.upstream import Upstream
from usbfuzz.errors import UsbfuzzError

from .judge import enough, enough_to_bless
from .matrix import Observation
from .messages import MESSAGES, Done, Job, Stuck, WorkerStart
from .observe import observe

__all__ = ["Cells", "main"]


@define
class Cells:
    """Runs cells on the guest it holds."""

    upstream: Upstream[Any, Done | Stuck]
    guest: HeldGuest

    async def run(self, job: Job) -> Done | Stuck:
        """Run one cell; what makes that impossible is an answer too."""
        try:
            lane = await self.guest.lane(job.config)
            self.upstream.send(Begun())
            return await self._runs(lane, job)
        except UsbfuzzError as error:
            await self.guest.close()
            return Stuck(type(error).__name__, str(error))

    async def _runs(self, lane: Lane, job: Job) -> Done:
        """Run the case until that tells enough; the first run takes the guest as it is, the others a fresh one."""
        started = time.monotonic()
        runs: list[Observation] = []
        late = False
        try:
            async with asyncio.timeout(job.seconds):
                while not runs or not self._enough(job, runs):
                    if not self.guest.fresh and (runs or job.bless):
                        await lane.restore()
                        self.guest.fresh = True
                    runs.append(await self._run(lane, job))
        except TimeoutError:
            late = True
            await self.guest.close()  # the guest may be stuck: do not wait for it
        gc.collect()
        return Done(tuple(runs), time.monotonic() - started, late)

    @staticmethod
    def _enough(job: Job, runs: list[Observation]) -> bool:
        return enough_to_bless(runs) if job.bless else enough(job.expected, runs)

    async def _run(self, lane: Lane, job: Job) -> Observation:
        fresh, self.guest.fresh = self.guest.fresh, False
        # A crash is known by its title alone, and a look from user space might bring another one.
        lane.surveying = job.expected is None or not job.expected.title
        outcome = await lane.run(job.case)
        self.guest.fresh = outcome.restored
        return observe(outcome, job.case, fresh=fresh)


async def _work(start: WorkerStart, upstream: Upstream[Job, Done | Stuck], cleanup: AsyncExitStack) -> None:
    pin(start.cpu)
    cells = Cells(upstream, HeldGuest(lambda note: upstream.send(Booting(note))))
    cleanup.push_async_callback(cells.guest.close)
    while (job := await upstream.receive()) is not None:
        upstream.send(await cells.run(job))


def main(argv: list[str]) -> int:
    """Run a worker until the command ends it; an exit status."""
    return run_worker(int(argv[1]), MESSAGES, _work)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv))
