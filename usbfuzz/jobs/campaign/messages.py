"""What supervisor, workers and generators say to each other: one JSON object a line.

::

    supervisor  Setup, Block, Stop, Settled          ─▶  worker     ─▶  Order  generator
                Entered, Sighted, Attributed,        ◀─             ◀─  Made
                Shrunk, RoundDone, Failed
"""

from __future__ import annotations

from enum import Enum

from attrs import frozen

from harness.lane.config import LaneConfig
from harness.lane.outcome import Verdict
from harness.workers.lines import Lines
from usbfuzz.case.model import Case
from usbfuzz.crashes.evidence import Evidence
from usbfuzz.crashes.minimized import Minimized

__all__ = [
    "LINES",
    "Attributed",
    "Block",
    "Entered",
    "Failed",
    "LaneState",
    "Made",
    "Order",
    "RoundDone",
    "Settled",
    "Setup",
    "Shrunk",
    "Sighted",
    "Stop",
    "decode",
    "encode",
]


class LaneState(Enum):
    """What a lane is busy with; values are the words of the live view."""

    BOOTING = "booting"
    WAITING = "waiting"  #: for the generator
    RUNNING = "running"
    ATTRIBUTING = "attributing"
    MINIMIZING = "minimizing"
    STOPPED = "stopped"


@frozen
class Setup:
    """First line to a worker: which lane it is and what it runs on."""

    lane: int
    seed: int
    cpu: int | None  #: core to stay on
    generator: tuple[str, ...]  #: command of the lane's generator, less seed and aliases
    config: LaneConfig
    minimize: bool = True  #: make the cases of new bugs small


@frozen
class Block:
    """Cases to run. Those in ``alone`` share their round with none: one of them may have killed a lane."""

    indices: tuple[int, ...]
    alone: tuple[int, ...] = ()


@frozen
class Stop:
    """Finish the round and end; in a ``hurry`` leave crashes as they are attributed so far."""

    hurry: bool = False


@frozen
class Settled:
    """The answer to :class:`Sighted`: the crash directory's name, and whether its case is still to be found."""

    slug: str
    attribute: bool


@frozen
class Entered:
    """The lane changed its state; ``indices`` are the cases in the guest, ``note`` says more for people."""

    state: LaneState
    indices: tuple[int, ...] = ()
    note: str = ""


@frozen
class Sighted:
    """A report this worker has not seen settled; the case of the evidence is the whole round it appeared in."""

    evidence: Evidence


@frozen
class Attributed:
    """What became of a sighting: the smallest input that showed it again."""

    slug: str
    evidence: Evidence


@frozen
class Shrunk:
    """The case of a bug made small, with the console and the conversation (may be empty) of a run of it."""

    slug: str
    minimized: Minimized
    console: str
    capture: bytes = b""


@frozen
class RoundDone:
    """A round is over, attribution included. Without a ``verdict`` no run of it could be believed."""

    indices: tuple[int, ...]
    verdict: Verdict | None
    plugs: int
    enumerated: int
    requests: int
    seconds: float  #: wall time of the lane: the round, its re-runs and attribution
    restores: int
    dilated: int  #: runs thrown away because we answered too late
    worst_reply_ms: float
    drivers: tuple[str, ...]  #: that bound
    hits: tuple[str, ...]  #: crash directories whose crash was seen again


@frozen
class Failed:
    """Last line of a worker that cannot go on: the error's class name in :mod:`usbfuzz.errors` and its message."""

    error: str
    message: str


@frozen
class Order:
    """Cases for a generator to make."""

    first: int
    count: int


@frozen
class Made:
    """One case made."""

    index: int
    case: Case


_Message = Setup | Block | Stop | Settled | Entered | Sighted | Attributed | Shrunk | RoundDone | Failed | Order | Made

LINES = Lines(_Message, "campaign pipe")

encode = LINES.encode
decode = LINES.decode
