"""A worker without a guest, for the tests of the room: it does what its jobs say.

Run as a program it is the worker's process: ``pretend.py PARENT``.
"""

from __future__ import annotations

import asyncio
import os
import sys
from contextlib import AsyncExitStack

from attrs import frozen

import usbfuzz.errors
from harness.workers.entry import run_worker
from harness.workers.messages import Begun, Booting, WorkerMessages
from harness.workers.policy import Policy
from harness.workers.upstream import PipeUpstream, Upstream
from harness.workers.worker import Worker, WorkerProgram


@frozen
class Start:
    """The first line to a worker."""

    number: int


@frozen
class Job:
    """What to do: ``answer``, ``boot`` (slowly), ``die``, ``hang``, be ``rude``, ``end``; else an error to raise."""

    what: str


@frozen
class Answer:
    """Who did it, and what."""

    pid: int
    number: int
    what: str


MESSAGES: WorkerMessages[Start, Job, Answer] = WorkerMessages.of("pretended pipe", Start, Job, Answer)
PROGRAM = WorkerProgram((sys.executable, __file__), MESSAGES)


def worker(number: int = 0, policy: Policy | None = None) -> Worker[Start, Job, Answer]:
    return Worker(f"worker {number}", PROGRAM, Start(number), policy or Policy())


async def _work(start: Start, upstream: Upstream[Job, Answer], _: AsyncExitStack) -> None:
    while (job := await upstream.receive()) is not None:
        match job.what:
            case "answer":
                upstream.send(Begun())
                upstream.send(Answer(os.getpid(), start.number, job.what))
            case "boot":
                upstream.send(Booting("slowly"))
                await asyncio.sleep(0.4)
                upstream.send(Begun())
                upstream.send(Answer(os.getpid(), start.number, job.what))
            case "die":
                sys.stderr.write("something is wrong\n")
                sys.stderr.flush()
                os._exit(9)
            case "hang":
                upstream.send(Begun())
                await asyncio.sleep(60)
            case "rude":
                assert isinstance(upstream, PipeUpstream)
                os.write(upstream._channel, b"what?\n")
            case "end":
                return
            case name:
                raise getattr(usbfuzz.errors, name)("as it was told")


if __name__ == "__main__":
    raise SystemExit(run_worker(int(sys.argv[1]), MESSAGES, _work))
