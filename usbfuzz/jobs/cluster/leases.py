"""What a lane on another machine was given, and what its replies are held to: nothing else can be true."""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Iterable, Iterator

from attrs import define, field

from harness.cluster.program import Conversation
from strategies.learning.learned import loads as loads_learned
from usbfuzz.case import dumps, loads
from usbfuzz.case.model import Case
from usbfuzz.crashes.evidence import Evidence
from usbfuzz.errors import CaseError, ProtocolError
from usbfuzz.jobs.campaign.messages import (
    Attributed,
    Block,
    Entered,
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
    ToShrink,
)
from usbfuzz.triage.types import CrashType

from .arriving import Arriving
from .messages import Covered, FoundFile, RemoteOrder, RemoteReply
from .outgoing import Outgoing

__all__ = ["Leases"]

_MODULE = re.compile(r"[\w-]{0,64}", re.ASCII)
_SECTION = re.compile(r"[\w.$:+-]{1,256}", re.ASCII)  #: as in coverage files
_MOST = 1 << 40  #: of anything that is counted in one round
#: Reports of guests that say nothing any more.
_SILENT = frozenset({CrashType.HANG, CrashType.REBOOT, CrashType.DENIAL, CrashType.LEAK})


@define(eq=False)
class Leases(Conversation[Order, Reply, RemoteOrder, RemoteReply]):
    """One process of a lane. What it was not given, it cannot answer: neither cases, nor crashes, nor lessons."""

    outgoing: Outgoing
    arriving: Arriving | None  #: None: what cases reached is not kept
    _files: int = field(default=0, init=False)  #: of those that go out, how many it was sent
    _cases: set[int] = field(factory=set, init=False)  #: that it has to run
    _slugs: set[str] = field(factory=set, init=False)  #: crash directories that it was told of
    _drivers: set[str] = field(factory=set, init=False)  #: it was told to learn

    def sent(self, order: Order) -> Iterator[RemoteOrder]:
        """The order, behind the files that its cases may be made of."""
        match order:
            case Block():
                files = self.outgoing.since(self._files)
                self._files += len(files)
                yield from files
                self._cases.update(order.indices)
            case SightingSaved() | ToShrink():
                self._slugs.add(order.slug)
            case Lesson(driver):
                self._drivers.add(driver)
        yield order

    def is_work(self, reply: Reply) -> bool:
        """A round is."""
        return isinstance(reply, RoundDone)

    def heard(self, reply: RemoteReply) -> Reply | None:
        """The reply, if it can be true; what cases reached is kept here."""
        match reply:
            case FoundFile():
                if self.arriving is not None:
                    self.arriving.case(reply)
                return None
            case Covered():
                if self.arriving is not None:
                    self.arriving.blocks(reply)
                return None
            case Entered():
                self._given(reply.indices)
            case Sighted():
                _plausible(reply.evidence)
            case Manifested() | Attributed():
                self._told_of((reply.slug,))
                _plausible(reply.evidence)
            case Shrunk():
                self._told_of((reply.slug,))
                _is_case(reply.minimized.case)
            case Reached():
                self._reached(reply)
            case Learnt():
                self._learnt(reply)
            case RoundDone():
                self._round(reply)
        return reply

    def _given(self, indices: Iterable[int]) -> None:
        strange = sorted(set(indices) - self._cases)
        if strange:
            raise ProtocolError(f"it has case {strange[0]}, which it was not given, or had run already")

    def _told_of(self, slugs: Iterable[str]) -> None:
        for slug in slugs:
            if slug not in self._slugs:
                raise ProtocolError(f"it speaks of a crash {slug[:80]!r}, which it was not told of")

    def _round(self, done: RoundDone) -> None:
        _sensible("a round", done.plugs, done.enumerated, done.requests, done.restores, done.dilated, done.blocks)
        _sensible("a round", done.seconds, done.worst_reply_ms, done.guest_seconds)
        _sensible("a round", *(bound.times for bound in done.drivers), *(gave.times for gave in done.gave_up))
        _sensible(
            "a round", *done.sources.values(), *(ran.cases for ran in done.ran), *(ran.seconds for ran in done.ran)
        )
        _modules(ran.module for ran in done.ran)
        _modules(gave.module for gave in done.gave_up)
        self._told_of(done.hits)
        self._given(done.indices)
        if len(set(done.indices)) != len(done.indices):
            raise ProtocolError("a round has a case twice")
        self._cases.difference_update(done.indices)

    @staticmethod
    def _reached(reached: Reached) -> None:
        _is_case(reached.case)
        _modules((reached.module, *(block.module for block in reached.blocks)))
        _sensible("code", *(number for block in reached.blocks for number in (block.offset, block.size, block.hits)))
        for block in reached.blocks:
            if not _SECTION.fullmatch(block.section):
                raise ProtocolError(f"it has code in a section {block.section[:80]!r}")

    def _learnt(self, learnt: Learnt) -> None:
        if learnt.driver not in self._drivers:
            raise ProtocolError(f"it has learned {learnt.driver[:80]!r}, which it was not told to")
        if not learnt.text:
            return
        try:
            learned = loads_learned(learnt.text, "what it has learned")
        except CaseError as error:
            raise ProtocolError(str(error)) from error
        if learned.driver != learnt.driver:
            raise ProtocolError(f"it was to learn {learnt.driver}, and says of {learned.driver} what it learned")


def _plausible(evidence: Evidence) -> None:
    """Raises ProtocolError for a report without a name, or without the console that it was read in."""
    report = evidence.report
    if not report.title or not (evidence.console or (report.type in _SILENT and report.text)):
        raise ProtocolError(f"it has a report without {'a console' if report.title else 'a title'}")
    _sensible("a report", evidence.hits, evidence.runs, evidence.runs - evidence.hits)
    _is_case(evidence.case)


def _is_case(case: Case) -> None:
    """Raises ProtocolError for what could not be kept: a case is what its text says."""
    try:
        same = loads(dumps(case), "a case of it") == case
    except (CaseError, ValueError, TypeError, AttributeError, IndexError) as error:
        raise ProtocolError(f"it has a case that cannot be read: {error}") from error
    if not same:
        raise ProtocolError("it has a case that is another one when it is read again")


def _sensible(what: str, *numbers: float) -> None:
    for number in numbers:
        if not (math.isfinite(number) and 0 <= number < _MOST):
            raise ProtocolError(f"it counts {number} in {what}")


def _modules(names: Collection[str] | Iterator[str]) -> None:
    for name in names:
        if not _MODULE.fullmatch(name):
            raise ProtocolError(f"it speaks of a module {name[:80]!r}")
