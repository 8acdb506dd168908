"""What a cluster costs: ``python -m tests.cluster.ratio [--time 3m] [--lanes 3] [--rounds 2]``.

The same campaign by numbers, once with lanes of its own and once with as many dask workers on this machine (commands of
docs/cluster.md), in turn, so that a machine that gets slower slows both. Prints the cases of each, and their ratio.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

import click

from harness.guest.kernels import DEFAULT_KERNEL
from usbfuzz.crashes.layout import CAMPAIGN_FILE

from .lab import Lab

_WORKER = ("worker", "--nthreads", "1", "--memory-limit", "0", "--no-dashboard")
_END_S = 60.0


@contextmanager
def _workers(directory: Path, count: int) -> Iterator[str]:
    """The address of a scheduler with workers that can each run a lane."""
    with ExitStack() as ends:
        lab = ends.enter_context(Lab(directory, dict(os.environ)))
        lab.start()
        for number in range(count):
            local = directory / f"worker-{number}"
            words = (sys.executable, "-m", "dask", *_WORKER, lab.address, "--local-directory", str(local))
            log = ends.enter_context((directory / f"worker-{number}.log").open("wb"))
            worker = subprocess.Popen(words, stdout=log, stderr=log)
            ends.callback(_end, worker)
        yield lab.address


def _end(worker: subprocess.Popen[bytes]) -> None:
    worker.send_signal(signal.SIGINT)
    try:
        worker.wait(_END_S)
    except subprocess.TimeoutExpired:
        worker.kill()
        worker.wait()


def _cases(out: Path, kernel: str, time: str, *further: str) -> int:
    """Run a campaign; how many cases it ran."""
    words = ("--kernel", kernel, "--time", time, "--seed", "7", "--unguided", "--no-minimize", "--no-confirm")
    with out.with_suffix(".log").open("wb") as log:
        subprocess.run(
            (sys.executable, "-m", "usbfuzz", "fuzz", "--out", str(out), *words, *further),
            check=True, stdout=log, stderr=log,
        )  # fmt: skip
    with closing(sqlite3.connect(out / CAMPAIGN_FILE)) as database:
        [totals] = database.execute("SELECT totals FROM campaign").fetchone()
    return int(json.loads(totals)["cases"])


def main() -> None:
    """Measure, and print a line for each round and the ratio of all."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kernel", default=DEFAULT_KERNEL)
    parser.add_argument("--time", default="3m", help="of each campaign")
    parser.add_argument("--lanes", type=int, default=3)
    parser.add_argument("--rounds", type=int, default=2)
    wanted = parser.parse_args()
    sums = [0, 0]
    with tempfile.TemporaryDirectory(prefix="usbfuzz-ratio-") as name:
        for number in range(wanted.rounds):
            directory = Path(name) / str(number)
            directory.mkdir()
            plain = _cases(directory / "plain", wanted.kernel, wanted.time, "--lanes", str(wanted.lanes))
            with _workers(directory, wanted.lanes) as address:
                cluster = _cases(directory / "cluster", wanted.kernel, wanted.time, "--cluster", address)
            sums = [sums[0] + plain, sums[1] + cluster]
            click.echo(f"{wanted.lanes} plain lanes: {plain} cases; {wanted.lanes} dask workers: {cluster}")
    click.echo(f"ratio {sums[1] / max(sums[0], 1):.2f}")


if __name__ == "__main__":
    main()
