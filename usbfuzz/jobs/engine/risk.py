"""How likely a case made for a driver ends the guest it runs in, as far as a lane has seen."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection

from attrs import define, field

__all__ = ["Risks"]

#: Before a driver was tried, its cases count as if one in fifty of them crashed, until some runs say more.
_CRASHES, _RUNS = 0.05, 2.5


@define
class Risks:
    """Runs and crashes by driver."""

    _runs: Counter[str] = field(factory=Counter, init=False)
    _crashes: Counter[str] = field(factory=Counter, init=False)

    def of(self, module: str) -> float:
        """The probability that a case made for this driver ends its guest."""
        return (self._crashes[module] + _CRASHES) / (self._runs[module] + _RUNS)

    def ran(self, modules: Collection[str], blamed: Collection[str] = ()) -> None:
        """A case for each of these drivers ran; the guest was lost to those that are ``blamed``."""
        self._runs.update(modules)
        self._crashes.update(module for module in modules if module in blamed)
