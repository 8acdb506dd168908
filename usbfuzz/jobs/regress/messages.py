"""What the command and its workers say to each other: one JSON object a line."""

from __future__ import annotations

from attrs import frozen, resolve_types

from harness.lane.config import LaneConfig
from harness.lane.outcome import Verdict
from harness.workers.lines import Lines
from usbfuzz.case.model import Case, Expectation
from usbfuzz.triage import Report

from .matrix import Seen

__all__ = ["LINES", "Begun", "Booting", "Done", "Job", "Stuck", "decode", "encode"]


@frozen
class Job:
    """One cell to run, from the command."""

    number: int
    config: LaneConfig  #: the guest the case needs; the worker keeps the one it has when it is the same
    case: Case
    expected: Expectation | None
    seconds: float  #: wall time the runs may take together
    bless: bool  #: find out what to record, not only whether it differs


@frozen
class Booting:
    """The worker prepares another guest."""

    note: str


@frozen
class Begun:
    """The guest runs; the job's time begins."""

    number: int


@frozen
class Done:
    """The runs of a job; with ``late`` its time was up before they were enough."""

    number: int
    runs: tuple[Seen, ...]
    seconds: float
    late: bool = False


@frozen
class Stuck:
    """A job that cannot be run: the error's class name in :mod:`usbfuzz.errors` and its message."""

    number: int
    error: str
    message: str


resolve_types(Seen, localns={"Verdict": Verdict, "Report": Report})
LINES = Lines(Job | Booting | Begun | Done | Stuck, "regress pipe")

encode = LINES.encode
decode = LINES.decode
