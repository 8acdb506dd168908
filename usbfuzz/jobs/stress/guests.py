"""The guests of a sweep: processes that run trials, one each at a time."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Protocol

from harness.lane.config import LaneConfig
from harness.workers.worker import WorkerProgram
from usbfuzz.jobs.trials import GuestStart, TrialGuests

from .messages import MESSAGES, Ran, Trial

__all__ = ["Guests", "guests_of"]

_PROGRAM = WorkerProgram.of("usbfuzz.jobs.stress.worker", MESSAGES)


class Guests(Protocol):
    """What runs trials."""

    @property
    def lanes(self) -> int:
        """How many run at the same time."""

    async def run(self, trial: Trial) -> Ran | None:
        """Run a trial once; None when guests fail at it. Raises what lanes raise."""

    async def close(self) -> None:
        """End the guests."""


def guests_of(config: LaneConfig, lanes: int, on_progress: Callable[[str], None]) -> Guests:
    """Worker processes, each with a guest."""
    return TrialGuests(_PROGRAM, partial(GuestStart, config), lanes, on_progress)
