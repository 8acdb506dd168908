"""What one lane's worker is to do in a campaign, and where what it says goes."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Protocol

from attrs import define, field

from harness.workers.policy import Policy
from harness.workers.supervisor import Supervisor
from harness.workers.worker import LostWorkerError
from usbfuzz.errors import UsbfuzzError

from .ledger import CaseLedger
from .messages import (
    Attributed,
    Block,
    Entered,
    Free,
    Learnt,
    Lesson,
    Manifested,
    Order,
    Reached,
    Reply,
    RoundDone,
    Shrunk,
    Sighted,
    SightingSaved,
    Stop,
    ToShrink,
    WorkerStart,
)

__all__ = ["POLICY", "POLICY_ELSEWHERE", "CampaignEvents", "LaneAssignment", "LaneSupervisor"]

#: Four workers in a row that end without a round done end the campaign, or two whose guest did not boot.
POLICY = Policy(boot_silence=600.0, fruitless=4, fruitless_boots=2)
#: Elsewhere a place that is no good is used no more, and the lane goes on at another one.
POLICY_ELSEWHERE = Policy(boot_silence=600.0, fruitless=None)

LaneSupervisor = Supervisor[WorkerStart, Order, Reply]


class CampaignEvents(Protocol):
    """Who is told what happens in the lanes. Methods may raise StorageError, which ends the campaign."""

    def entered(self, lane: int, message: Entered) -> None:
        """The lane changed its state."""

    def sighted(self, lane: int, message: Sighted) -> SightingSaved:
        """A report was seen; saved when this returns."""

    def manifested(self, message: Manifested) -> None:
        """A bug led to another report."""

    def attributed(self, message: Attributed) -> None:
        """The case behind a sighting was found, or the search for it given up."""

    def free(self, lane: int, message: Free, send: Callable[[ToShrink], None]) -> None:
        """The lane has time to make a case small; ``send`` gives it one, now or later."""

    def shrunk(self, message: Shrunk) -> None:
        """The case of a bug was made small."""

    def reached(self, message: Reached) -> None:
        """A case reached new code."""

    def learnt(self, message: Learnt) -> None:
        """A lesson is over."""

    def lessons(self, lane: int) -> Iterable[Lesson]:
        """What the lane is to learn now, besides what it learns already."""

    def planned(self, block: Block) -> Block:
        """A block as it is to be handed out: with what its cases are to be."""

    def round_done(self, lane: int, message: RoundDone) -> None:
        """A round of cases was run."""

    def lane_begun(self, lane: int) -> None:
        """The lane has a new process."""

    def lane_lost(self, lane: int, why: str, given_up: list[int]) -> None:
        """The worker failed and another is about to start; ``given_up`` are cases that will not run."""


@define
class LaneAssignment:
    """Gives the worker of one lane blocks of cases, and passes on what it says."""

    lane: int
    ledger: CaseLedger
    events: CampaignEvents
    _suspects: tuple[int, ...] = field(default=(), init=False)  #: cases to blame if the worker dies now

    @property
    def left(self) -> bool:
        """There are cases to run, here or in another lane that may still lose them."""
        return not self.ledger.exhausted

    def begin(self, supervisor: LaneSupervisor) -> None:
        """Give a new process its first cases."""
        self._suspects = ()
        self.events.lane_begun(self.lane)
        self._supply(supervisor)

    def act(self, supervisor: LaneSupervisor, reply: Reply) -> bool:
        """Act on what the worker says; only a round done is progress."""
        match reply:
            case Entered():
                self._suspects = reply.indices
                self.events.entered(self.lane, reply)
            case Sighted():
                supervisor.send(self.events.sighted(self.lane, reply))
            case Manifested():
                self.events.manifested(reply)
            case Attributed():
                self.events.attributed(reply)
            case Free():
                self.events.free(self.lane, reply, supervisor.send)
            case Shrunk():
                self.events.shrunk(reply)
            case Reached():
                self.events.reached(reply)
            case Learnt():
                self.events.learnt(reply)
            case RoundDone():
                self._suspects = ()
                self.ledger.done(self.lane, reply.indices)
                self.events.round_done(self.lane, reply)
                self._supply(supervisor)
                return True
        return False

    def lost(self, failure: UsbfuzzError) -> None:
        """The worker failed: its cases go back to the ledger, those it may have failed at to be run alone."""
        blamable = not isinstance(failure, LostWorkerError)  # a machine that is gone tells nothing about its cases
        given_up = self.ledger.lost(self.lane, self._suspects if blamable else ())
        self.events.lane_lost(self.lane, str(failure), given_up)

    def _supply(self, supervisor: LaneSupervisor) -> None:
        """Have the worker hold enough blocks; tell it to end when there are no more."""
        if supervisor.stopping:
            return
        while self.ledger.wants_more(self.lane) and (block := self.ledger.take(self.lane)):
            supervisor.send(self.events.planned(block))
        for lesson in self.events.lessons(self.lane):
            supervisor.send(lesson)
        if not self.ledger.held(self.lane):
            supervisor.send(Stop())
