"""The process of one lane: runs cells one after another, in one guest as long as it stays clean.

Started by the command as ``python -m usbfuzz.jobs.regress.worker PARENT CPU``; ends when its standard input does.
"""

from __future__ import annotations

import asyncio
import gc
import sys
import time
from typing import TYPE_CHECKING

from attrs import define, field

from harness.lane.config import LaneConfig
from harness.lane.lane import Lane
from harness.workers.child import Upstream
from harness.workers.entry import run_worker, until_over
from harness.workers.procs import pin
from usbfuzz.errors import UsbfuzzError

from .judge import enough, enough_to_bless
from .messages import LINES, Begun, Booting, Done, Job, Stuck
from .observe import observe

if TYPE_CHECKING:
    from collections.abc import Callable

    from .matrix import Seen

__all__ = ["Bench", "main"]


@define
class Bench:
    """The guest a worker has, which is another one when a job needs it."""

    say: Callable[[object], None]
    _lane: Lane | None = field(default=None, init=False)
    _fresh: bool = field(default=False, init=False)  #: the guest has run nothing since its snapshot

    async def do(self, job: Job) -> Done | Stuck:
        """Run one cell; what makes that impossible is an answer too."""
        try:
            lane = await self._guest_for(job.config)
            self.say(Begun(job.number))
            return await self._runs(lane, job)
        except UsbfuzzError as error:
            await self.close()
            return Stuck(job.number, type(error).__name__, str(error))

    async def close(self) -> None:
        """End the guest."""
        lane, self._lane = self._lane, None
        if lane is not None:
            await lane.close()

    async def _guest_for(self, config: LaneConfig) -> Lane:
        if self._lane is None or self._lane.config != config:
            await self.close()
            self._lane = await Lane.open(config, lambda note: self.say(Booting(note)))
            self._fresh = True
        return self._lane

    async def _runs(self, lane: Lane, job: Job) -> Done:
        """Run the case until that tells enough; the first run takes the guest as it is, the others a fresh one."""
        started = time.monotonic()
        runs: list[Seen] = []
        late = False
        try:
            async with asyncio.timeout(job.seconds):
                while not runs or not self._enough(job, runs):
                    if not self._fresh and (runs or job.bless):
                        await lane.restore()
                        self._fresh = True
                    runs.append(await self._run(lane, job))
        except TimeoutError:
            late = True
            await self.close()  # whatever the guest was doing, it is not waited for
        gc.collect()
        return Done(job.number, tuple(runs), time.monotonic() - started, late)

    @staticmethod
    def _enough(job: Job, runs: list[Seen]) -> bool:
        return enough_to_bless(runs) if job.bless else enough(job.expected, runs)

    async def _run(self, lane: Lane, job: Job) -> Seen:
        fresh, self._fresh = self._fresh, False
        outcome = await lane.run(job.case)
        self._fresh = outcome.restored
        return observe(outcome, job.case, fresh=fresh)


async def _serve(channel: int) -> int:
    upstream = await Upstream.open(channel, LINES)
    bench = Bench(upstream.send)
    return await until_over(_jobs(upstream, bench), bench.close)


async def _jobs(upstream: Upstream, bench: Bench) -> int:
    while (job := await upstream.receive()) is not None:
        upstream.send(await bench.do(job))
    return 0


def main(argv: list[str]) -> int:
    """Run a worker until the command ends it; an exit status."""
    pin(int(argv[2]))
    return run_worker(int(argv[1]), _serve)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv))
