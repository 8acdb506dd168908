"""What the live view shows, as plain numbers."""

from __future__ import annotations

from collections import deque

from attrs import define, field, frozen

from usbfuzz.coverage import Blocks
from usbfuzz.crashes.record import Crash

from .history import Now
from .messages import Entered, LaneState, RoundDone
from .state import CampaignTotals

__all__ = ["Extent", "LaneProgress", "Progress", "Rate"]

#: Seconds over which "devices/s now" is averaged.
_WINDOW = 10.0


@define
class Rate:
    """Events a second, over the last seconds."""

    _marks: deque[tuple[float, int]] = field(factory=deque, init=False)

    def add(self, now: float, count: int) -> None:
        """``count`` events, at ``now`` (monotonic seconds)."""
        self._marks.append((now, count))
        while self._marks[0][0] < now - _WINDOW:
            self._marks.popleft()

    def at(self, now: float, elapsed: float) -> float:
        """Events a second in the window that ends ``now``; what is counted began ``elapsed`` seconds ago."""
        seconds = min(_WINDOW, elapsed)
        return sum(count for when, count in self._marks if when >= now - _WINDOW) / seconds if seconds > 0 else 0.0


@frozen
class Extent:
    """How much code was reached."""

    blocks: int
    modules: int

    def __str__(self) -> str:
        """In words."""
        return f"{self.blocks:,} blocks of {self.modules} modules reached"


@define
class LaneProgress:
    """One lane as the view shows it."""

    number: int
    state: LaneState = LaneState.BOOTING
    note: str = ""
    indices: tuple[int, ...] = ()
    cases: int = 0
    plugs: int = 0
    deaths: int = 0
    rate: Rate = field(factory=Rate)
    _spent: dict[LaneState, float] = field(factory=dict, init=False)  #: seconds, up to the last change
    _since: float | None = field(default=None, init=False)

    def entered(self, message: Entered, now: float) -> None:
        """The lane changed its state, at ``now`` (monotonic seconds)."""
        self._spent = self.spent(now)
        self._since = now
        self.state, self.note = message.state, message.note
        self.indices = message.indices

    def spent(self, now: float) -> dict[LaneState, float]:
        """Seconds in each state up to ``now``."""
        here = 0.0 if self._since is None else now - self._since
        return {**self._spent, self.state: self._spent.get(self.state, 0.0) + here}


@define
class Progress:
    """A campaign as the view shows it: this run of it, and what is kept from earlier runs."""

    kernel: str
    seed: int
    lanes: list[LaneProgress]
    totals: CampaignTotals  #: of the campaign, earlier runs included
    modules: int  #: modules of the guest that can bind a USB or HID device
    seconds: float | None = None  #: wall time it may take
    limit: int | None = None  #: cases it may take
    drivers: set[str] = field(factory=set)
    newest: list[str] = field(factory=list)  #: drivers that bound first in this run, newest last
    crashes: dict[str, Crash] = field(factory=dict)
    fresh: set[str] = field(factory=set)  #: crash directories made in this run
    notes: deque[str] = field(factory=lambda: deque(maxlen=4))  #: what went wrong, newest last
    skipped: int = 0
    extent: Extent | None = None  #: of the code that this and earlier runs have executed, as of the last look
    reached: Blocks | None = None  #: that code, once the campaign has ended
    started: float | None = None  #: monotonic time of the first round of this run; booting does not count
    ended: float | None = None  #: that of the end of its last round so far
    session: CampaignTotals = field(factory=CampaignTotals)  #: of this run
    rate: Rate = field(factory=Rate)

    def round_done(self, lane: int, done: RoundDone, now: float) -> None:
        """Count a round of ``lane`` that ended at ``now``."""
        self.ended = now
        self.totals.add(done)
        self.session.add(done)
        self.rate.add(now, done.plugs)
        view = self.lanes[lane]
        view.cases += len(done.indices)
        view.plugs += done.plugs
        view.rate.add(now, done.plugs)

    def elapsed(self, now: float) -> float:
        """Seconds since this run began."""
        return 0.0 if self.started is None else now - self.started

    def average(self) -> float:
        """Devices a second over this run, until the end of its last round: no devices are plugged afterwards."""
        elapsed = 0.0 if self.ended is None else self.elapsed(self.ended)
        return self.session.plugs / elapsed if elapsed else 0.0

    def spent(self, state: LaneState, now: float) -> float:
        """Seconds all lanes together have spent in ``state``."""
        return sum(lane.spent(now).get(state, 0.0) for lane in self.lanes)

    def pace(self, now: float) -> float:
        """Devices a second and lane while cases run, restores after crashes included, attributing them excluded."""
        running = self.spent(LaneState.RUNNING, now)
        return self.session.plugs / running if running else 0.0

    def recent(self, rate: Rate, now: float) -> float:
        """Events of ``rate`` a second over the last seconds."""
        return rate.at(now, self.elapsed(now))

    def now(self, now: float) -> Now:
        """The figures that are kept of this moment."""
        return Now(
            wall=self.elapsed(now),
            devices=self.totals.plugs,
            cases=self.totals.cases,
            drivers=len(self.drivers),
            blocks=None if self.extent is None else self.extent.blocks,
            bugs=sum(crash.reproduced > 0 for crash in self.crashes.values()),
            seen=len(self.crashes),
            lanes={state: self.spent(state, now) for state in LaneState if state is not LaneState.STOPPED},
        )

    def code(self) -> str:
        """How much code was reached, in words; "" when that is not known."""
        return "" if self.extent is None else str(self.extent)

    def ranking(self) -> list[Crash]:
        """Crashes, new ones first, then by sightings."""
        return sorted(
            self.crashes.values(), key=lambda crash: (crash.slug not in self.fresh, -crash.total, crash.title)
        )
