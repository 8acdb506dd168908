"""How often each driver is to be tried next, by what its next case may bring.

A driver's first case reaches most, the second a good deal less, and some drivers have no end of code. So what a case
brings is held against its *rank*: what the first, second, eighth case of other drivers brought. That is expected of a
driver that was not tried yet; of another one so many times as much as it has brought more than they did.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TypeVar

from attrs import define, field

__all__ = ["DriverAccount", "Drivers", "shares"]

_Key = TypeVar("_Key")

#: What the n-th case of a driver is thought to bring before any has run, in blocks of code: so much divided by n; and
#: the cases that say as much as this.
_FIRST, _GUESSED = 60.0, 3.0
#: How much of what a driver brought counts after a case more.
_FADES = 0.94
#: Seconds of a case as long as none has run, and the cases of its own that say as much of a driver as those of all.
_PACE, _USUAL = 0.2, 3.0
_QUICKEST = 0.001  #: seconds
_EVEN = 0.1  #: of the cases are for all drivers alike
#: How much of what was promised to a driver is left when more is dealt out: not all of it comes to be, as cases made of
#: others are for drivers that there are cases of.
_STANDS = 0.5


@define
class _Ranks:
    """What the n-th case of a driver brings, over all drivers; ranks from a power of two to the next are one."""

    _blocks: list[float] = field(factory=list, init=False)
    _cases: list[float] = field(factory=list, init=False)

    def ran(self, rank: int, blocks: int) -> None:
        """A driver's case of this rank brought so many blocks."""
        at = self._at(rank)
        self._cases[at] += 1
        self._blocks[at] += blocks

    def usual(self, rank: int) -> float:
        """The blocks that a case of this rank brings: no more than one of a lower rank.

        High ranks are those of drivers that were worth it; of the others' cases they say nothing.
        """
        at = self._at(rank)
        return min(blocks / cases for blocks, cases in zip(self._blocks[: at + 1], self._cases, strict=False))

    def _at(self, rank: int) -> int:
        at = rank.bit_length() - 1
        while len(self._cases) <= at:
            self._blocks.append(_GUESSED * _FIRST / (1 << len(self._cases)))
            self._cases.append(_GUESSED)
        return at


@define
class DriverAccount:
    """What one driver took, and brought of late."""

    cases: int = 0
    seconds: float = 0.0  #: of lanes, restores after its crashes included
    promised: float = 0.0  #: cases that were dealt out and have not run yet
    _waiting: int = 0  #: blocks of the case that runs
    _own: float = 0.0  #: blocks of late, without those of the first case
    _usual: float = 0.0  #: what other drivers' cases of the same ranks brought

    def brought(self, blocks: int) -> None:
        """A case reached blocks that no case had."""
        self._waiting += blocks

    def ran(self, ranks: _Ranks, cases: int, seconds: float) -> None:
        """Cases of it ran, and brought what was said before."""
        for _ in range(cases):
            self.cases += 1
            if self.cases > 1:
                self._own = self._own * _FADES + self._waiting
                self._usual = self._usual * _FADES + ranks.usual(self.cases)
            ranks.ran(self.cases, self._waiting)
            self._waiting = 0
            self.promised = max(0.0, self.promised - 1)
        self.seconds += seconds

    def expected(self, ranks: _Ranks) -> float:
        """Blocks that its next case may bring, when those that were promised have run."""
        usual = ranks.usual(1 + self.cases + int(self.promised))
        second = ranks.usual(2)
        return usual * (second + self._own) / (second + self._usual)


@define
class Drivers:
    """The accounts of all drivers that devices are made for."""

    modules: Collection[str]
    wanted: Mapping[str, float] = field(factory=dict)  #: how much each of them is, beside what it brings; {}: alike
    _accounts: dict[str, DriverAccount] = field(factory=dict, init=False)
    _ranks: _Ranks = field(factory=_Ranks, init=False)
    _cases: int = field(default=0, init=False)
    _seconds: float = field(default=0.0, init=False)

    def of(self, module: str) -> DriverAccount:
        """The account of a driver."""
        return self._accounts.setdefault(module, DriverAccount())

    def ran(self, module: str, cases: int, seconds: float) -> None:
        """Cases made for a driver took so many seconds of a lane."""
        self._cases += cases
        self._seconds += seconds
        self.of(module).ran(self._ranks, cases, seconds)

    def dealt(self, cases: int) -> dict[str, float]:
        """The share of each driver in the next cases, which are promised to it.

        Of many drivers each has at most as many as it had before, and one, so that the next may depend on what they
        bring.
        """
        found = shares({module: self._rate(module) for module in self.modules}, _EVEN)
        if self.wanted:
            found = shares({module: share * self.wanted[module] for module, share in found.items()}, 0.0)
        elif len(found) > cases:
            found = _capped(found, {module: (1 + self.of(module).cases) / cases for module in found})
        for module, share in found.items():
            account = self.of(module)
            account.promised = account.promised * _STANDS + share * cases
        return found

    def _rate(self, module: str) -> float:
        """What a second for it may bring."""
        account = self.of(module)
        common = self._seconds / self._cases if self._cases else _PACE
        pace = (account.seconds + _USUAL * common) / (account.cases + _USUAL)
        return account.expected(self._ranks) / max(pace, _QUICKEST)


def shares(rates: Mapping[_Key, float], even: float) -> dict[_Key, float]:
    """Shares of 1 by ``rates``; the part ``even`` is the same for all."""
    total = sum(rates.values()) or 1.0
    return {key: even / len(rates) + (1 - even) * rate / total for key, rate in rates.items()}


def _capped(wanted: Mapping[_Key, float], most: Mapping[_Key, float]) -> dict[_Key, float]:
    """Shares of 1 that are ``wanted``, none above ``most`` unless all would be; what is left over others get."""
    free, full = dict(wanted), dict[_Key, float]()
    while free:
        scale = (1 - sum(full.values())) / sum(free.values())
        over = [key for key, share in free.items() if share * scale > most[key]]
        if not over:
            return full | {key: share * scale for key, share in free.items()}
        for key in over:
            full[key] = most[key]
            del free[key]
    return shares(full, 0.0)
