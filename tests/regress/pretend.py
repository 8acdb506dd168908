"""A pretended worker for the tests of regression: what happens to a cell is in the title of its case.

Run as a program it is the worker's process: ``pretend.py PARENT``.
"""

from __future__ import annotations

import os
import sys
from contextlib import AsyncExitStack

from harness.lane.outcome import Verdict
from harness.workers.entry import run_worker
from harness.workers.messages import Begun, Booting
from harness.workers.upstream import Upstream
from harness.workers.worker import WorkerProgram
from usbfuzz.jobs.regress.matrix import Observation
from usbfuzz.jobs.regress.messages import MESSAGES, Done, Job, Stuck, WorkerStart

PROGRAM = WorkerProgram((sys.executable, __file__), MESSAGES)
DIES, BOOTS_NOT, LATE = "dies", "does not boot", "late"

_SEEN = Observation(Verdict.CLEAN, (), (), (), None, seconds=0.1, fresh=True, trusted=True)


async def _work(_: WorkerStart, upstream: Upstream[Job, Done | Stuck], __: AsyncExitStack) -> None:
    guest = None
    while (job := await upstream.receive()) is not None:
        if job.config != guest:
            guest = job.config
            upstream.send(Booting("booting a pretended kernel"))
        if job.case.title == DIES:
            sys.stderr.write("no memory left\n")
            sys.stderr.flush()
            os._exit(1)
        if job.case.title == BOOTS_NOT:
            upstream.send(Stuck("BootError", "the kernel panicked"))
            continue
        upstream.send(Begun())
        upstream.send(Done((_SEEN,), 0.1, late=job.case.title == LATE))


if __name__ == "__main__":
    raise SystemExit(run_worker(int(sys.argv[1]), MESSAGES, _work))
