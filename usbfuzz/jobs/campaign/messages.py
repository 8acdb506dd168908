"""What the campaign, its workers and their generators say to each other: one JSON object a line.

::

    campaign  WorkerStart, Block, Stop, SightingSaved  ─▶  worker  ─▶  CaseRange  generator
              ToShrink, Lesson                             │           ◀─  Made
              Entered, Sighted, Manifested, Attributed,◀─
              Free, Shrunk, Reached, Learnt,
              RoundDone
"""

from __future__ import annotations

from enum import Enum
from pathlib import Path

from attrs import field, frozen

from harness.lane.config import LaneConfig
from harness.lane.outcome import Verdict
from harness.workers.lines import Lines
from harness.workers.messages import WorkerMessages
from usbfuzz.arch import DEFAULT, Arch
from usbfuzz.case.model import Case
from usbfuzz.coverage import Block as CodeBlock
from usbfuzz.crashes.companions import Companion
from usbfuzz.crashes.evidence import Evidence
from usbfuzz.crashes.minimized import Minimized
from usbfuzz.jobs.engine.plan import Plan, Source
from usbfuzz.triage import Report

__all__ = [
    "CASES",
    "GENERATORS",
    "MESSAGES",
    "RANGES",
    "Attributed",
    "Block",
    "Bound",
    "CaseRange",
    "Entered",
    "Free",
    "GaveUp",
    "GeneratorStart",
    "LaneState",
    "Learnt",
    "Lesson",
    "Made",
    "Manifested",
    "Order",
    "Ran",
    "Reached",
    "Reply",
    "RoundDone",
    "Shrunk",
    "Sighted",
    "SightingSaved",
    "Stop",
    "ToShrink",
    "WorkerStart",
]


class LaneState(Enum):
    """What a lane is busy with; values are the words of the live view."""

    BOOTING = "booting"
    WAITING = "waiting"  #: for the generator
    RUNNING = "running"
    ATTRIBUTING = "attributing"
    MINIMIZING = "minimizing"
    LEARNING = "learning"  #: runs cases that tell what a driver wants to hear
    STOPPED = "stopped"


@frozen
class GeneratorStart:
    """What a generator makes cases from."""

    seed: int
    aliases: Path  #: of the drivers that the guest has, as lines of a modules.alias
    modules: Path | None = None  #: its modules, whose code says what numbers it compares with; None: that is not used
    arch: Arch = DEFAULT
    learned: tuple[Path, ...] = ()  #: directories of what was learned of drivers; what a later one has counts
    tables: bool = True  #: what was written by hand about single drivers is used
    corpus: Path | None = None  #: directory of cases that reached something; None: cases are not made from others
    aim: tuple[str, ...] = ()  #: the only drivers that devices are made for; none: all of the kernel's


@frozen
class WorkerStart:
    """The first line to a worker: which lane it is and what it runs on."""

    lane: int
    cpu: int | None  #: core to stay on
    generator: tuple[str, ...]  #: command of the lane's generator, without its arguments
    making: GeneratorStart
    config: LaneConfig
    minimize: bool = True  #: make the cases of new bugs small
    coverage: str = ""  #: directory for what the cases reached; "": it is not kept


@frozen
class Block:
    """Cases to run. Each in ``alone`` gets a round of its own: it may have ended a lane's worker before."""

    indices: tuple[int, ...]
    alone: tuple[int, ...] = ()
    plan: Plan | None = None  #: what they are to be; None: what their numbers say
    corpus: tuple[str, ...] = ()  #: cases of the corpus to run first, under the first of the numbers


@frozen
class Stop:
    """Finish the round and end; in a ``hurry`` leave crashes as they are attributed so far."""

    hurry: bool = False


@frozen
class SightingSaved:
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
    """A report that this worker had no :class:`SightingSaved` for; its case is the whole round it appeared in."""

    evidence: Evidence


@frozen
class Manifested:
    """Another report after one of the bug in this crash directory: ``evidence`` is of that report."""

    slug: str
    evidence: Evidence


@frozen
class Attributed:
    """What became of a sighting: the smallest input that showed it again, and what that showed besides it."""

    slug: str
    evidence: Evidence
    companions: tuple[Companion, ...] = ()
    seconds: float = 0.0  #: wall time that a run of it took


@frozen
class Free:
    """The lane has time to minimize a case; ``last``: it has no other work, and waits until there is one or no more."""

    last: bool = False


@frozen
class ToShrink:
    """The answer to :class:`Free`: the case of a bug to be made small; no report: there is none."""

    slug: str = ""
    case: Case | None = None
    report: Report | None = None


@frozen
class Shrunk:
    """The case of a bug made small, with the console of a run of it, the conversation and the code (may be empty)."""

    slug: str
    minimized: Minimized
    console: str
    capture: bytes = b""
    coverage: str = ""
    companions: tuple[Companion, ...] = ()  #: what runs of the small case showed besides the bug


@frozen
class Bound:
    """A driver that bound in a round."""

    driver: str
    module: str = ""  #: with ``_`` for ``-``; "" where that cannot be seen
    times: int = 1


@frozen
class GaveUp:
    """A module whose code ran for a device made for it, and that did not bind it."""

    module: str
    at: str  #: the last request it made, in words; "" when it made none
    times: int = 1


@frozen
class Ran:
    """Cases of one source that were made for one driver: how many ran, and the wall seconds that they cost the lane."""

    source: Source
    module: str
    cases: int
    seconds: float


@frozen
class Reached:
    """A case reached blocks of code that no case of this lane had reached, and let the guest live."""

    source: Source
    module: str  #: the driver it was made for
    case: Case
    blocks: tuple[CodeBlock, ...]


@frozen
class Lesson:
    """A driver to learn."""

    driver: str


@frozen
class Learnt:
    """The lesson on a driver is over."""

    driver: str
    text: str  #: what is known of it now, as text; "": nothing new
    words: str  #: a line about it


@frozen
class RoundDone:
    """A round is over. Without a ``verdict`` no run of it could be believed; one of a lesson has no ``indices``."""

    indices: tuple[int, ...]
    verdict: Verdict | None
    plugs: int
    enumerated: int
    requests: int
    seconds: float  #: wall time of the lane: the round and its re-runs
    restores: int  #: since the round before
    dilated: int  #: runs thrown away because the guest was answered too late
    worst_reply_ms: float
    drivers: tuple[Bound, ...]
    hits: tuple[str, ...]  #: crash directories whose crash was seen again
    blocks: int = 0  #: of code, that ran for the first time in this lane
    gave_up: tuple[GaveUp, ...] = ()
    sources: dict[str, int] = field(factory=dict)  #: how many of the cases each strategy made
    ran: tuple[Ran, ...] = ()
    guest_seconds: float = 0.0  #: that passed in the guest since the last round, as far as its console tells


@frozen
class CaseRange:
    """Cases for a generator to make: ``count`` of them, from index ``first`` on."""

    first: int
    count: int
    plan: Plan | None = None  #: None: what their numbers say
    corpus: tuple[str, ...] = ()  #: cases of the corpus that the first of them are


@frozen
class Made:
    """A case that a generator made, and its number in the campaign (-1: it has none)."""

    index: int
    case: Case
    source: Source = Source.FRESH
    module: str = ""  #: the driver it was made for


Order = Block | Stop | SightingSaved | ToShrink | Lesson
Reply = Entered | Sighted | Manifested | Attributed | Free | Shrunk | Reached | Learnt | RoundDone

#: Campaign and worker.
MESSAGES: WorkerMessages[WorkerStart, Order, Reply] = WorkerMessages.of("campaign pipe", WorkerStart, Order, Reply)
#: Worker and generator.
GENERATORS: Lines[GeneratorStart] = Lines(GeneratorStart, "arguments of a generator")
RANGES: Lines[CaseRange] = Lines(CaseRange, "generator pipe")
CASES: Lines[Made] = Lines(Made, "generator pipe")
