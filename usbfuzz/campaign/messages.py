"""What supervisor, workers and generators say to each other: one JSON object a line.

::

    supervisor  Setup, Block, Stop, Settled          ─▶  worker     ─▶  Order  generator
                Entered, Sighted, Attributed,        ◀─             ◀─  Made
                RoundDone, Failed
"""

from __future__ import annotations

import json
from enum import Enum
from pathlib import Path
from typing import Any

from attrs import frozen, resolve_types
from cattrs.preconf.json import make_converter
from cattrs.strategies import configure_tagged_union

from harness.guest.image import Image
from harness.guest.kernels import Kernel
from harness.guest.qemu import Timing
from harness.lane import LaneConfig
from harness.outcome import Verdict
from usbfuzz.case.model import Case
from usbfuzz.errors import ProtocolError
from usbfuzz.triage import Report

__all__ = [
    "LINE_LIMIT",
    "Attributed",
    "Block",
    "Entered",
    "Failed",
    "FromWorker",
    "How",
    "LaneState",
    "Made",
    "Order",
    "RoundDone",
    "Settled",
    "Setup",
    "Sighted",
    "Stop",
    "ToWorker",
    "decode",
    "encode",
]

#: Longest line in bytes: a console log and a case with many devices fit with room to spare.
LINE_LIMIT = 64 << 20


class LaneState(Enum):
    """What a lane is busy with; values are the words of the live view."""

    BOOTING = "booting"
    WAITING = "waiting"  #: for the generator
    RUNNING = "running"
    ATTRIBUTING = "attributing"
    STOPPED = "stopped"


class How(Enum):
    """What it took to see a crash again; values are the words of reports."""

    ALONE = "one case alone"
    ROUND = "the whole round, side by side"
    HISTORY = "the rounds since the last restore"
    NOT = "not reproduced"


@frozen
class Setup:
    """First line to a worker: which lane it is and what it runs on."""

    lane: int
    seed: int
    cpu: int | None  #: core to stay on
    generator: tuple[str, ...]  #: command of the lane's generator, less seed and aliases
    config: LaneConfig


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
    """A report this worker has not seen settled; ``case`` is the whole round it appeared in."""

    report: Report
    case: Case
    console: str
    drivers: tuple[str, ...]


@frozen
class Attributed:
    """What became of a sighting: the smallest thing that showed it again ``hits`` of ``runs`` times."""

    slug: str
    report: Report
    case: Case
    console: str
    drivers: tuple[str, ...]
    how: How
    hits: int
    runs: int


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


ToWorker = Setup | Block | Stop | Settled
FromWorker = Entered | Sighted | Attributed | RoundDone | Failed
_Message = Setup | Block | Stop | Settled | Entered | Sighted | Attributed | RoundDone | Failed | Order | Made

# These modules import some of the names in their annotations for type checkers only.
for _class in (Kernel, Image, Report, LaneConfig):
    resolve_types(_class, localns={"Path": Path, "Kernel": Kernel, "Image": Image, "Timing": Timing})

_converter = make_converter(omit_if_default=True, detailed_validation=False)
_converter.register_unstructure_hook(bytes, bytes.hex)  # base 85, the default, is Python code and slow
_converter.register_structure_hook(bytes, lambda text, _: bytes.fromhex(text))
_converter.register_unstructure_hook(Path, str)
_converter.register_structure_hook(Path, lambda text, _: Path(text))
configure_tagged_union(_Message, _converter, tag_name="is")


def encode(message: _Message) -> bytes:
    """One line, newline included."""
    return json.dumps(_converter.unstructure(message, _Message), separators=(",", ":")).encode() + b"\n"


def decode(line: bytes) -> Any:
    """The message in one line; raises ProtocolError on anything else.

    The caller tells the kinds apart by ``match``.
    """
    try:
        return _converter.structure(json.loads(line), _Message)  # type: ignore[arg-type]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ProtocolError(f"campaign pipe: not a message: {line[:80]!r}; {error}") from error
