"""The process of one guest: runs candidates one after another.

Started as ``python -m usbfuzz.jobs.minimize.worker PARENT``; ends when its standard input does.
"""

from __future__ import annotations

import sys
from contextlib import AsyncExitStack

from harness.workers.entry import run_worker
from harness.workers.upstream import Upstream
from usbfuzz.jobs.trials import trials

from .guests import OneGuest
from .messages import MESSAGES, Candidate, WorkerStart
from .oracle import CandidateRun

__all__ = ["main"]


async def _work(start: WorkerStart, upstream: Upstream[Candidate, CandidateRun], cleanup: AsyncExitStack) -> None:
    async for trial, held, lane in trials(start, upstream, cleanup):
        guest = OneGuest(lane, start.names, fresh=held.fresh)
        seen = await guest.run(trial.case, fresh=trial.fresh)
        held.fresh = guest.fresh
        upstream.send(seen)


def main(argv: list[str]) -> int:
    """Run a worker until the command ends it; an exit status."""
    return run_worker(int(argv[1]), MESSAGES, _work)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv))
