"""The process of one guest that plays moments.

Started as ``python -m usbfuzz.jobs.stress.worker PARENT``; ends when its standard input does.
"""

from __future__ import annotations

import gc
import sys
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

from harness.workers.entry import run_worker
from harness.workers.upstream import Upstream
from usbfuzz.jobs.campaign.attribute import bound_drivers, in_time
from usbfuzz.jobs.trials import GuestStart, trials
from usbfuzz.report.capture import render_capture
from usbfuzz.report.ran import coverage_text

from .messages import MESSAGES, Ran, Trial

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harness.lane.outcome import Outcome

__all__ = ["main"]


async def _work(start: GuestStart, upstream: Upstream[Trial, Ran], cleanup: AsyncExitStack) -> None:
    async for trial, held, lane in trials(start, upstream, cleanup):
        if trial.fresh and not held.fresh:
            await lane.restore()
        lane.metering, lane.recording = trial.packets, trial.recorded
        outcome = await (lane.run_cycles(trial.case) if trial.cycles else lane.run(trial.case))
        held.fresh = outcome.restored
        gc.collect(1)  # now, when no guest waits for an answer
        upstream.send(_ran(outcome, trial))


def _ran(outcome: Outcome, trial: Trial) -> Ran:
    reports = tuple(report for report in in_time(outcome) if not report.suppressed)
    return Ran(
        reports=reports,
        console=outcome.console if reports else "",
        drivers=bound_drivers(outcome.bindings),
        hitches=tuple(_hitches(outcome)),
        packets=next((played.packets for played in outcome.played), ()) if trial.packets else (),
        dilated=outcome.dilated,
        plugs=outcome.plugs,
        capture=render_capture(outcome.conversation) if reports and trial.recorded else b"",
        coverage=coverage_text(outcome, reports[0]) if reports else "",
    )


def _hitches(outcome: Outcome) -> Iterator[str]:
    yield from (hitch.reason for hitch in outcome.hitches)
    for played in outcome.played:
        yield from (f"the device's own code raised {error}" for error in played.errors[:1])


def main(argv: list[str]) -> int:
    """Run a worker until the command ends it; an exit status."""
    return run_worker(int(argv[1]), MESSAGES, _work)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv))
