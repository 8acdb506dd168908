"""What a minimization of a corpus and its workers say to each other: one JSON object a line."""

from __future__ import annotations

from attrs import frozen

from harness.workers.messages import WorkerMessages
from usbfuzz.case.model import Case
from usbfuzz.jobs.trials import GuestStart

__all__ = ["MESSAGES", "Keys", "Ran", "Trial"]

#: Blocks: module, section, and the keys of those in it (:func:`usbfuzz.corpus.known.keys_of`).
Keys = tuple[tuple[str, str, tuple[int, ...]], ...]


@frozen
class Trial:
    """A case to be run; the answer is a :class:`Ran`."""

    case: Case
    fresh: bool  #: in a guest that has run nothing since its snapshot
    wanted: Keys = ()  #: the blocks that are looked for; none: all are told


@frozen
class Ran:
    """One run of one case."""

    reached: Keys  #: what it executed of what is wanted, without what runs when no device is there
    crashed: bool  #: the kernel reported something
    dilated: bool  #: the guest was answered late, so that what is missing means nothing
    seen: bool = True  #: False: nothing sees what this guest executes


MESSAGES: WorkerMessages[GuestStart, Trial, Ran] = WorkerMessages.of("corpus pipe", GuestStart, Trial, Ran)
