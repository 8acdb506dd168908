"""Dask workers, forked from a process that has imported everything, so that they are there at once.

Run as ``python -m tests.cluster.machines ADDRESS DIRECTORY``. Each line on standard input is a JSON object about a
process to be made, whose process id is written to standard output.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from typing import Any

from distributed import Worker

from harness.cluster import admission, host
from harness.workers.procs import die_with_parent

__all__ = ["MODULE"]

MODULE = "tests.cluster.machines"


async def _workers(address: str, directory: str, count: int) -> None:
    """So many dask workers of one thread in this process, until it is killed or has lost its scheduler."""
    workers = [
        Worker(address, nthreads=1, memory_limit=0, dashboard=False, local_directory=directory) for _ in range(count)
    ]
    await asyncio.gather(*workers)
    for worker in workers:
        await worker.finished()


def _be(wanted: dict[str, Any], address: str, directory: str) -> None:
    """Be a machine."""
    os.environ.update(wanted["environment"])
    if wanted["version"]:
        said = (wanted["host"], wanted["version"], *admission.admission()[2:])
        vars(host)["admission"] = lambda: said
    asyncio.run(_workers(address, directory, wanted["count"]))


def main(address: str, directory: str) -> None:
    """Fork what is wanted."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # they are not waited for
    admission.sources()
    me = os.getpid()
    for line in sys.stdin:
        pid = os.fork()
        if not pid:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            die_with_parent(me, signal.SIGKILL)
            _be(json.loads(line), address, directory)
            os._exit(0)
        sys.stdout.write(f"{pid}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
