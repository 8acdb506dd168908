"""Where the lanes of a campaign run when that is not this machine."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from harness.workers.worker import Program

from .messages import Order, Reply, WorkerStart

__all__ = ["Elsewhere"]


class Elsewhere(Protocol):
    """Other machines, which have places for lanes; they come and go."""

    @property
    def places(self) -> int:
        """How many lanes there is room for now."""

    def when_more(self, joined: Callable[[int], None]) -> None:
        """Have ``joined`` called, now and then, with how many places there are."""

    def program(self, start: WorkerStart) -> Program[WorkerStart, Order, Reply]:
        """How the processes of lanes are started there; ``start`` is how lane 0 begins, and the others likewise."""
