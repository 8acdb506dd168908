"""Cases that wait to be made small, and the lanes that have time for it: whichever is free first takes the oldest."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from attrs import define, field

from usbfuzz.case.model import Case
from usbfuzz.triage import Report

from .messages import ToShrink

__all__ = ["Handout"]

#: Wall seconds that a run may take, else the bug is not minimized here: a hang is certain after half a minute only.
_QUICK = 5.0

Send = Callable[[ToShrink], None]


@define
class Handout:
    """Shared by the lanes of one campaign."""

    lanes: int
    _waiting: deque[ToShrink] = field(factory=deque, init=False)
    _idle: dict[int, Send] = field(factory=dict, init=False)  #: lanes without other work, which wait for an answer
    _ended: set[int] = field(factory=set, init=False)

    def add(self, slug: str, case: Case, report: Report, seconds: float) -> None:
        """A bug whose case is known; what takes long to run is left to ``usbfuzz minimize``."""
        if seconds > _QUICK:
            return
        self._waiting.append(ToShrink(slug, case, report))
        for lane in list(self._idle)[:1]:
            self._idle.pop(lane)(self._waiting.popleft())

    def drop(self, slug: str) -> None:
        """The bug turned out to be another's manifestation."""
        self._waiting = deque(wanted for wanted in self._waiting if wanted.slug != slug)

    def ask(self, lane: int, send: Send, *, last: bool) -> None:
        """Answer a lane that is free; one that has no other work is answered when there is some, or will be none."""
        if self._waiting:
            send(self._waiting.popleft())
        elif last:
            self._idle[lane] = send
            self._end_if_all_idle()
        else:
            send(ToShrink())

    def gone(self, lane: int) -> None:
        """The lane has ended, or its process has, whose successor will ask again."""
        self._idle.pop(lane, None)
        self._ended.add(lane)
        self._end_if_all_idle()

    def back(self, lane: int) -> None:
        """A process of the lane works, and may find something."""
        self._ended.discard(lane)

    def _end_if_all_idle(self) -> None:
        if len(self._idle.keys() | self._ended) == self.lanes:
            for lane in list(self._idle):
                self._idle.pop(lane)(ToShrink())
