"""Which drivers the lanes of a campaign are to learn, and in which order."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator
from pathlib import Path

from attrs import define, field

from usbfuzz.case.files import write_file
from usbfuzz.errors import StorageError
from usbfuzz.jobs.engine.yields import Yields

from .messages import Learnt, Lesson, RoundDone

__all__ = ["Curriculum"]

#: Lessons that a lane has at a time: as many as its rounds have room for.
_SIDE_BY_SIDE = 8
#: Cases that a driver gets before a lesson: most bind at once.
_TRIES = 3


@define(eq=False)
class Curriculum:
    """Drivers that had fewer lessons come first, of those the ones that never bound, of those the most often tried.

    A lesson that learned nothing is a driver's last.
    """

    directory: Path  #: for what was learned
    modules: Collection[str]
    yields: Yields
    _bound: set[str] = field(factory=set, init=False)
    _lessons: Counter[str] = field(factory=Counter, init=False)  #: that are over
    _done: set[str] = field(factory=set, init=False)  #: drivers whose last lesson is over
    _learned: set[str] = field(factory=set, init=False)  #: drivers of which this campaign has learned something
    _given: dict[int, set[str]] = field(factory=dict, init=False)  #: lane: what it learns

    def lane_begun(self, lane: int) -> None:
        """The lane has a new process, which learns nothing."""
        self._given.pop(lane, None)

    def round_done(self, message: RoundDone) -> None:
        """See which drivers bind."""
        self._bound.update((bound.module or bound.driver).replace("-", "_") for bound in message.drivers)

    def lessons(self, lane: int) -> Iterator[Lesson]:
        """What the lane is to learn besides what it does."""
        given = self._given.setdefault(lane, set())
        if len(given) >= _SIDE_BY_SIDE:
            return
        busy = set().union(*self._given.values())
        left = [module for module in self.modules if module not in busy and module not in self._done]
        tried = {module: self.yields.cases_of(module) for module in left}
        ready = [module for module in left if tried[module] >= _TRIES]
        ready.sort(key=lambda module: (self._lessons[module], module in self._bound, -tried[module]))
        for module in ready[: _SIDE_BY_SIDE - len(given)]:
            given.add(module)
            yield Lesson(module)

    def learned_here(self, driver: str) -> bool:
        """Whether this campaign has learned something of a driver."""
        return driver in self._learned

    def learnt(self, message: Learnt) -> bool:
        """The lesson is over; whether anything was learned, which is kept. Raises StorageError."""
        self._lessons[message.driver] += 1
        for given in self._given.values():
            given.discard(message.driver)
        if not message.text:
            self._done.add(message.driver)
            return False
        try:
            self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise StorageError(f"{self.directory}: cannot be made: {error.strerror}; make room there") from error
        write_file(self.directory / f"{message.driver}.toml", message.text.encode())
        self._learned.add(message.driver)
        return True
