"""The process of one guest that runs cases of a corpus one after another, and says which code they reach.

Started as ``python -m usbfuzz.jobs.corpus.worker PARENT``; ends when its standard input does.
"""

from __future__ import annotations

import gc
import sys
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

from harness.workers.entry import run_worker
from harness.workers.upstream import Upstream
from usbfuzz.case.model import Case
from usbfuzz.corpus.known import keys_of
from usbfuzz.jobs.trials import GuestStart, trials

from .messages import MESSAGES, Keys, Ran, Trial

if TYPE_CHECKING:
    from harness.lane.lane import Lane
    from harness.lane.outcome import Outcome
    from usbfuzz.coverage.blocks import Place

__all__ = ["main"]

#: A round without a device, and how many of them tell what code runs by itself.
_NOTHING, _IDLE_ROUNDS = Case((), ()), 2

_Reached = dict["Place", set[int]]


async def _work(start: GuestStart, upstream: Upstream[Trial, Ran], cleanup: AsyncExitStack) -> None:
    idle: _Reached = {}
    quiet: Lane | None = None  # the lane whose own code is known
    async for trial, held, lane in trials(start, upstream, cleanup):
        if lane is not quiet:
            idle, quiet = await _idle(lane), lane
            held.fresh = False
        if trial.fresh and not held.fresh:
            await lane.restore()
        outcome = await lane.run(trial.case)
        held.fresh = outcome.restored
        gc.collect(1)  # now, when no guest waits for an answer
        upstream.send(_ran(outcome, trial, idle))


async def _idle(lane: Lane) -> _Reached:
    found: _Reached = {}
    for _ in range(_IDLE_ROUNDS):
        for place, keys in _reached(await lane.run(_NOTHING)).items():
            found.setdefault(place, set()).update(keys)
    return found


def _reached(outcome: Outcome) -> _Reached:
    return {} if outcome.covered is None else {place: set(keys) for place, keys in keys_of(outcome.covered.blocks())}


def _ran(outcome: Outcome, trial: Trial, idle: _Reached) -> Ran:
    reached = {place: keys - idle.get(place, set()) for place, keys in _reached(outcome).items()}
    if trial.wanted:
        reached = {
            (module, section): set(keys) & reached.get((module, section), set())
            for module, section, keys in trial.wanted
        }
    told: Keys = tuple((*place, tuple(sorted(keys))) for place, keys in sorted(reached.items()) if keys)
    return Ran(told, bool(outcome.reports), outcome.dilated, seen=outcome.covered is not None)


def main(argv: list[str]) -> int:
    """Run a worker until the command ends it; an exit status."""
    return run_worker(int(argv[1]), MESSAGES, _work)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv))
