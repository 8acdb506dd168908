"""What a minimization and its workers say to each other: one JSON object a line."""

from __future__ import annotations

from attrs import frozen

from harness.lane.config import LaneConfig
from harness.workers.messages import WorkerMessages
from usbfuzz.case.model import Case

from .oracle import CandidateRun

__all__ = ["MESSAGES", "Candidate", "WorkerStart"]


@frozen
class WorkerStart:
    """The first line to a worker: the guest it runs candidates on, and the bug that is looked for."""

    config: LaneConfig
    names: frozenset[str]  #: titles of the bug; empty when any crash will do
    cpu: int  #: core to stay on


@frozen
class Candidate:
    """A case that may still show the bug, to be run; the answer is a CandidateRun (:mod:`.oracle`)."""

    case: Case
    fresh: bool  #: in a guest that has run nothing since its snapshot


MESSAGES: WorkerMessages[WorkerStart, Candidate, CandidateRun] = WorkerMessages.of(
    "minimize pipe", WorkerStart, Candidate, CandidateRun
)
