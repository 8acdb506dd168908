"""What a campaign and a lane on another machine say to each other, besides what a campaign and its lanes always say.

::

    campaign  RemoteStart, CaseFile, LearnedFile  ─▶  lane
              FoundFile, Covered                  ◀─

Files travel as their own text, and each is looked at before it is written.
"""

from __future__ import annotations

from attrs import frozen

from harness.workers.messages import WorkerMessages
from usbfuzz.jobs.campaign.messages import Order, Reply

from .guests import Guests

__all__ = ["MESSAGES", "CaseFile", "Covered", "FoundFile", "LearnedFile", "RemoteOrder", "RemoteReply", "RemoteStart"]


@frozen
class RemoteStart:
    """The first line to a lane: what :class:`~usbfuzz.jobs.campaign.messages.WorkerStart` says, but for files."""

    lane: int
    place: int  #: among the places of its machine: which core to stay on
    guests: Guests
    seed: int
    minimize: bool
    tables: bool
    shelves: int  #: directories of what was learned of drivers
    guided: bool  #: there is a corpus
    covered: bool  #: what the cases reached is kept
    aim: tuple[str, ...]


@frozen
class CaseFile:
    """A case of the corpus."""

    name: str
    text: str


@frozen
class LearnedFile:
    """What was learned of a driver."""

    shelf: int
    driver: str
    text: str


@frozen
class FoundFile:
    """A case that reached code first, as the blocks name it."""

    name: str
    text: str


@frozen
class Covered:
    """Blocks that were executed and not told of, or more often than was told: the text of a coverage file."""

    text: str


RemoteOrder = Order | CaseFile | LearnedFile
RemoteReply = Reply | FoundFile | Covered

#: Campaign and lane.
MESSAGES: WorkerMessages[RemoteStart, RemoteOrder, RemoteReply]
MESSAGES = WorkerMessages.of("cluster", RemoteStart, RemoteOrder, RemoteReply)
