"""What a minimization and its workers say to each other: one JSON object a line."""

from __future__ import annotations

from attrs import frozen

from harness.lane.config import LaneConfig
from harness.workers.lines import Lines
from usbfuzz.case.model import Case

from .oracle import Seen

__all__ = ["LINES", "Booting", "Failed", "Setup", "Trial", "Tried"]


@frozen
class Setup:
    """First line to a worker: the guest it runs candidates on, and the bug that is looked for."""

    config: LaneConfig
    names: frozenset[str]
    cpu: int | None


@frozen
class Trial:
    """A candidate to run."""

    case: Case
    fresh: bool


@frozen
class Tried:
    """What came of it."""

    seen: Seen


@frozen
class Booting:
    """The worker prepares a guest."""

    note: str


@frozen
class Failed:
    """Last line of a worker that cannot go on: the error's class name in :mod:`usbfuzz.errors` and its message."""

    error: str
    message: str


LINES = Lines(Setup | Trial | Tried | Booting | Failed, "minimize pipe")
