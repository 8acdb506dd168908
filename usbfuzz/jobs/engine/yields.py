"""What each source of cases and each driver brought for the time it took, and what that says of the next cases.

All that was brought counts in blocks of code. It is forgotten by and by, as more time is spent: what pays off now gets
time.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping

from attrs import define, field

from .drivers import Drivers, shares
from .plan import Plan, Source

__all__ = ["BUG", "Account", "Yields"]

#: A bug is worth so many blocks.
BUG = 300.0
#: Seconds of lanes after which a third of what came before still counts.
_MEMORY = 60.0
#: Of a source that was not tried: what it is hoped to bring, the seconds that takes, what is left of this after a case.
_HOPE, _SPENT, _PATIENCE = 120.0, 6.0, 0.98
_QUICKEST = 0.001  #: seconds
_EVEN = 0.15  #: of the time does not depend on yield
#: What brings twice as much gets so much more time: two to the power of this.
_FAVOUR = 2.5
_MOST_LEARNING = 0.25
#: A part of the drawn devices answers as was learned, and cases that wait in the corpus come first.
_NOT_GIVEN = frozenset({Source.LEARNED, Source.CORPUS})


@define
class Account:
    """What one source took and brought."""

    _hope: float = _HOPE  #: what is expected besides what it brought
    _spent: float = _SPENT  #: seconds of late, and those expected at first
    _recent: float = 0.0  #: worth of the blocks of late
    cases: int = 0
    seconds: float = 0.0
    blocks: int = 0
    bugs: int = 0

    def ran(self, cases: int, seconds: float) -> None:
        """Cases took this much of a lane's time."""
        kept = math.exp(-seconds / _MEMORY)
        self._hope *= _PATIENCE**cases
        self._recent *= kept
        self._spent = self._spent * kept + seconds
        self.cases += cases
        self.seconds += seconds

    def brought(self, blocks: int, bugs: int = 0) -> None:
        """A case reached blocks that no case had, or showed new bugs."""
        self._recent += blocks + BUG * bugs
        self.blocks += blocks
        self.bugs += bugs

    def led_to(self, blocks: int) -> None:
        """Cases of another source reached blocks that they would not have reached without this one."""
        self._recent += blocks

    def earlier(self, cases: int, seconds: float, blocks: int, bugs: int) -> None:
        """Earlier runs of the campaign took and brought this much more; that does not tell the rate of now."""
        self.cases += cases
        self.seconds += seconds
        self.blocks += blocks
        self.bugs += bugs

    @property
    def rate(self) -> float:
        """What a second brought of late, or is hoped to bring."""
        return (self._recent + self._hope) / self._spent

    @property
    def pace(self) -> float:
        """Seconds that a case takes, a millisecond at least."""
        return max(self.seconds / self.cases, _QUICKEST) if self.cases else 0.0


@define
class Yields:
    """The accounts of a campaign."""

    modules: Collection[str]  #: drivers to make devices for
    wanted: Mapping[str, float] = field(factory=dict)  #: how much each of them is, beside what it brings; {}: alike
    sources: dict[Source, Account] = field(init=False)
    drivers: Drivers = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.sources = {source: Account() for source in Source}
        self.drivers = Drivers(self.modules, self.wanted)

    def ran(self, source: Source, module: str, cases: int, seconds: float) -> None:
        """Cases of a source, made for a driver, took so many seconds of a lane."""
        self.sources[source].ran(cases, seconds)
        if source is not Source.LEARNING:  # what a lesson asks of a driver says little of what cases bring
            self.drivers.ran(module, cases, seconds)

    def brought(self, source: Source, module: str, *, blocks: int = 0, bugs: int = 0) -> None:
        """A case that runs reached blocks that none had, or showed a new bug: no reason to try its driver more."""
        self.sources[source].brought(blocks, bugs)
        if source is not Source.LEARNING:
            self.drivers.of(module).brought(blocks)

    def taught(self, blocks: int) -> None:
        """A case that answers as a lesson of this campaign has learned reached blocks that none had."""
        self.sources[Source.LEARNING].led_to(blocks)

    def cases_of(self, module: str) -> int:
        """How many cases made for a driver have run."""
        return self.drivers.of(module).cases

    def plan(self, cases: int) -> Plan:
        """What the next so many cases are to be."""
        given = {source: account for source, account in self.sources.items() if source not in _NOT_GIVEN}
        time = shares({source: account.rate**_FAVOUR for source, account in given.items()}, _EVEN)
        learning = min(time.pop(Source.LEARNING), _MOST_LEARNING)
        # A source gets time; what is dealt out are cases.
        paces = {source: self.sources[source].pace for source in time}
        usual = max(paces.values(), default=0.0) or 1.0
        wanted = {source: share / (paces[source] or usual) for source, share in time.items()}
        return Plan(
            {source: round(share, 4) for source, share in shares(wanted, 0.0).items()},
            {module: round(share, 6) for module, share in self.drivers.dealt(cases).items()},
            round(learning, 4),
        )
