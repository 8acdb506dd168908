"""What each source of cases and each driver brought for the time it took, and what that says of the next cases.

All that was brought counts in blocks of code. It is forgotten by and by, as more time is spent: what pays off now gets
time.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from typing import TypeVar

from attrs import define, field

from .plan import Plan, Source

__all__ = ["BUG", "Account", "Yields"]

_Key = TypeVar("_Key")

#: A bug is worth so many blocks.
BUG = 50.0
#: Seconds of lanes after which a third of what came before still counts, for a source and for a driver.
_SOURCE_SECONDS, _DRIVER_SECONDS = 60.0, 4.0
#: What is expected of what was not tried: what it brings, the seconds that takes, what is left of this after a case.
_SOURCE_HOPE, _DRIVER_HOPE = (120.0, 6.0, 0.98), (24.0, 0.3, 0.5)
_QUICKEST = 0.001  #: seconds
#: Shares that do not depend on yield: of the time all sources have together, of the cases all drivers have.
_EVEN_SOURCES, _EVEN_DRIVERS = 0.15, 0.15
#: What brings twice as much gets so much more time: two to the power of this.
_FAVOUR = 1.5
_MOST_LEARNING = 0.25
#: A part of the fresh devices answers as was learned, and cases that wait in the corpus come first.
_NOT_GIVEN = frozenset({Source.LEARNED, Source.CORPUS})


@define
class Account:
    """What one source or driver took and brought."""

    memory: float  #: seconds of it after which a third still counts
    _hope: float  #: what is expected besides what it brought
    _spent: float  #: seconds of late, and those expected at first
    _patience: float  #: what is left of the hope after a case
    _recent: float = 0.0  #: worth of the blocks of late
    cases: int = 0
    seconds: float = 0.0
    blocks: int = 0
    bugs: int = 0

    def ran(self, cases: int, seconds: float) -> None:
        """Cases took this much of a lane's time."""
        kept = math.exp(-seconds / self.memory)
        self._hope *= self._patience**cases
        self._recent *= kept
        self._spent = self._spent * kept + seconds
        self.cases += cases
        self.seconds += seconds

    def brought(self, blocks: int, worth: float, bugs: int = 0) -> None:
        """A case reached blocks that no case had, which are worth so much here, or showed new bugs."""
        self._recent += worth + BUG * bugs
        self.blocks += blocks
        self.bugs += bugs

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


def _source() -> Account:
    return Account(_SOURCE_SECONDS, *_SOURCE_HOPE)


@define
class Yields:
    """The accounts of a campaign."""

    modules: Collection[str]  #: drivers to make devices for
    wanted: Mapping[str, float] = field(factory=dict)  #: how much each of them is, beside what it brings; {}: alike
    sources: dict[Source, Account] = field(init=False)
    drivers: dict[str, Account] = field(factory=dict, init=False)

    def __attrs_post_init__(self) -> None:
        self.sources = {source: _source() for source in Source}

    def ran(self, source: Source, module: str, cases: int, seconds: float) -> None:
        """Cases of a source, made for a driver, took so many seconds of a lane."""
        self.sources[source].ran(cases, seconds)
        self._driver(module).ran(cases, seconds)

    def brought(self, source: Source, module: str, *, blocks: int = 0, bugs: int = 0) -> None:
        """A case reached blocks that none had, or showed a new bug.

        A bug is no reason to try its driver more often. Nor are the many blocks that the first device of a driver
        reaches one to try that driver before others: there, what a case reaches counts by its logarithm.
        """
        self.sources[source].brought(blocks, blocks, bugs)
        self._driver(module).brought(blocks, math.log2(1 + blocks))

    def cases_of(self, module: str) -> int:
        """How many cases made for a driver have run."""
        return self.drivers[module].cases if module in self.drivers else 0

    def plan(self) -> Plan:
        """What to do next."""
        given = {source: account for source, account in self.sources.items() if source not in _NOT_GIVEN}
        rates = {source: account.rate**_FAVOUR for source, account in given.items()}
        time = _shares(rates, _EVEN_SOURCES)
        learning = min(time.pop(Source.LEARNING), _MOST_LEARNING)
        # A source gets time; what is dealt out are cases.
        paces = {source: self.sources[source].pace for source in time}
        usual = max(paces.values(), default=0.0) or 1.0
        cases = {source: share / (paces[source] or usual) for source, share in time.items()}
        drivers = _shares({module: self._driver(module).rate for module in self.modules}, _EVEN_DRIVERS)
        if self.wanted:
            drivers = _shares({module: share * self.wanted[module] for module, share in drivers.items()}, 0.0)
        return Plan(
            {source: round(share, 4) for source, share in _shares(cases, 0.0).items()},
            {module: round(share, 6) for module, share in drivers.items()},
            round(learning, 4),
        )

    def _driver(self, module: str) -> Account:
        account = self.drivers.get(module)
        if account is None:
            account = self.drivers[module] = Account(_DRIVER_SECONDS, *_DRIVER_HOPE)
        return account


def _shares(rates: Mapping[_Key, float], even: float) -> dict[_Key, float]:
    """Shares of 1 by ``rates``; the part ``even`` is the same for all."""
    total = sum(rates.values()) or 1.0
    return {key: even / len(rates) + (1 - even) * rate / total for key, rate in rates.items()}
