"""What ``usbfuzz regress`` and its workers say to each other: one JSON object a line."""

from __future__ import annotations

from attrs import frozen

from harness.lane.config import LaneConfig
from harness.workers.messages import WorkerMessages
from usbfuzz.case.model import Case, Expectation

from .matrix import Observation

__all__ = ["MESSAGES", "Done", "Job", "Stuck", "WorkerStart"]


@frozen
class WorkerStart:
    """The first line to a worker."""

    cpu: int  #: core to stay on


@frozen
class Job:
    """One cell to run, from the command."""

    config: LaneConfig  #: the guest the case needs; the worker keeps the one it has when it is the same
    case: Case
    expected: Expectation | None
    seconds: float  #: wall time the runs may take together
    bless: bool  #: find out what to record, not only whether it differs


@frozen
class Done:
    """The runs of a job; with ``late`` its time was up before they were enough."""

    runs: tuple[Observation, ...]
    seconds: float
    late: bool = False


@frozen
class Stuck:
    """A job that cannot be run: the error's class name in :mod:`usbfuzz.errors` and its message."""

    error: str
    message: str


MESSAGES: WorkerMessages[WorkerStart, Job, Done | Stuck]
MESSAGES = WorkerMessages.of("regress pipe", WorkerStart, Job, Done | Stuck)
