"""Many machines without a guest: do scheduler, relay and store keep up? ``python -m tests.cluster.simulation``.

A real scheduler, real dask workers (many in one process), a process for each lane, and a real campaign with its store;
only what runs in a guest is made up (:mod:`.chatter`). Prints for each number of workers: cases and sightings a second,
how long a sighting waited for its answer, how long lanes had nothing to do, and how busy campaign and scheduler were.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import tempfile
import time
from pathlib import Path
from typing import Any

import click
import psutil
from attrs import evolve

from harness.guest.emulators import Sight
from harness.lane.config import LaneConfig
from harness.lane.outcome import Verdict
from tests.campaign.pretend import MODULES, case, config, report
from tests.campaign.running import Listener
from usbfuzz.case.model import DeviceSpec
from usbfuzz.crashes.evidence import Evidence
from usbfuzz.jobs.campaign.messages import MESSAGES, Bound, RoundDone, Sighted
from usbfuzz.jobs.campaign.options import CampaignOptions
from usbfuzz.jobs.campaign.progress import Progress
from usbfuzz.jobs.campaign.start import run_campaign
from usbfuzz.jobs.cluster.program import lanes_at

from .chatter import LIKE, VARIABLE
from .lab import Lab

__all__ = ["like", "seeing"]

_TOGETHER = 20  #: dask workers in one process
#: What dask workers measure of themselves costs more than what lanes say, where hundreds share a machine.
_LIGHT = {
    "DASK_DISTRIBUTED__ADMIN__SYSTEM_MONITOR__INTERVAL": "60s",
    "DASK_DISTRIBUTED__WORKER__PROFILE__ENABLED": "False",
    "DASK_DISTRIBUTED__ADMIN__TICK__INTERVAL": "1s",
}
_CONSOLE = "simulated console\n" * 400  #: of a report: 7 kB, as real ones have


def like(*, rate: float, every: int, bugs: int, reached: float) -> dict[str, Any]:
    """How lanes are to behave, with messages for them to fill in."""
    ours = evolve(
        case(1), devices=(DeviceSpec("simulated", bytes.fromhex("1201abcdabcd")),)
    )  # another one for each bug
    sighted = Sighted(Evidence(report("TITLE"), ours, f"{_CONSOLE}TITLE\n", ("usbhid",)))
    done = RoundDone((), Verdict.CLEAN, 0, 8, 80, 0.0, 0, 0, 0.5, (Bound("usbhid"), Bound("wacom")), ())
    return {
        "rate": rate,
        "round": 8,
        "every": every,
        "bugs": bugs,
        "reached": reached,
        "evidence": json.loads(MESSAGES.replies.encode(sighted))["evidence"],
        "done": json.loads(MESSAGES.replies.encode(done)),
    }


def seeing() -> LaneConfig:
    """Guests that show what they execute, so that the campaign is guided."""
    return evolve(config(), emulator=evolve(config().emulator, sees=frozenset(Sight)))


async def _campaign(lab: Lab, workers: int, seconds: float, out: Path) -> tuple[Progress, float, float]:
    """A campaign that waits for so many lanes and then runs for so long; how busy it and the scheduler were."""
    assert lab.scheduler is not None
    processes = [psutil.Process(), psutil.Process(lab.scheduler.pid)]
    async with lanes_at(lab.address, print, None, "tests.cluster.chatter") as lanes:
        while lanes.places < workers:
            await asyncio.sleep(0.5)
        began, before = time.monotonic(), [sum(process.cpu_times()[:2]) for process in processes]
        options = CampaignOptions(out=out, lanes=workers, seed=7, minimize=False, confirm=False, seconds=seconds)
        campaign = await run_campaign(options, seeing(), MODULES, Listener(), elsewhere=lanes)
        took = time.monotonic() - began
        busy = [(sum(process.cpu_times()[:2]) - then) / took for process, then in zip(processes, before, strict=True)]
    return campaign.progress, busy[0], busy[1]


def _measure(workers: int, arguments: argparse.Namespace) -> str:
    """One line of the table."""
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        wanted = like(rate=arguments.rate, every=arguments.every, bugs=arguments.bugs, reached=arguments.reached)
        (directory / LIKE).write_text(json.dumps(wanted))
        with Lab(directory, {VARIABLE: name, **_LIGHT}) as lab:
            lab.start()
            for begun in range(0, workers, _TOGETHER):
                lab.join(min(_TOGETHER, workers - begun))
            progress, busy, scheduler = asyncio.run(_campaign(lab, workers, arguments.seconds, directory / "out"))
        measured = [json.loads(path.read_text()) for path in directory.glob("*.measured")]
    lags = sorted(lag for lane in measured for lag in lane["lags"]) or [0.0]
    spent = progress.elapsed(progress.ended or time.monotonic())
    seen = sum(crash.total for crash in progress.crashes.values())
    starved = sum(lane["starved"] for lane in measured) / (sum(lane["seconds"] for lane in measured) or 1.0)
    lost = sum(lane.deaths for lane in progress.lanes)
    cases = progress.session.cases
    return (
        f"{workers:7} {arguments.rate * workers:9.0f} {cases / spent:8.0f} {seen / spent:11.1f} "
        f"{1000 * lags[len(lags) // 2]:8.0f} {1000 * lags[int(len(lags) * 0.95)]:8.0f} {1000 * lags[-1]:8.0f} "
        f"{100 * starved:7.1f} % {100 * busy:7.0f} % {100 * scheduler:8.0f} % {lost:5}"
    )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("workers", type=int, nargs="*", default=[10, 50, 200])
    parser.add_argument("--seconds", type=float, default=30.0, help="of the campaign")
    parser.add_argument("--rate", type=float, default=20.0, help="cases a second of a lane")
    parser.add_argument("--every", type=int, default=400, help="how many cases there are for one that shows a bug")
    parser.add_argument("--bugs", type=int, default=40, help="how many there are to be found")
    parser.add_argument("--reached", type=float, default=0.02, help="share of the rounds that reach new code")
    arguments = parser.parse_args()
    click.echo("                             sightings    lag of an answer, ms      lanes  campaign  scheduler lanes")
    click.echo("workers   offered  cases/s          /s   median     95 %      max      idle      busy       busy  lost")
    for workers in arguments.workers:
        click.echo(_measure(workers, arguments))


if __name__ == "__main__":
    main()
