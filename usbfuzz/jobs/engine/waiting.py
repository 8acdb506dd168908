"""What a learner puts off: drafts to go on from in one way, of which each driver gets only so much."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Generic, TypeVar

from attrs import define, field

__all__ = ["Waiting"]

_Row = TypeVar("_Row")


@define(eq=False)
class Waiting(Generic[_Row]):
    """Rows that are taken one by one, ``most`` of them at the most."""

    worth: Callable[[_Row], Any]  #: tells which row got furthest
    most: float = math.inf
    _rows: list[_Row] = field(factory=list, init=False)
    _taken: int = field(default=0, init=False)

    def add(self, *rows: _Row) -> None:
        """Put rows behind those that wait."""
        self._rows += rows

    def first(self) -> _Row | None:
        """Take the row that waits longest; None when none does, or enough were taken."""
        return self._take(0)

    def furthest(self) -> _Row | None:
        """Take the row of the most worth, of several the one that waits longest; None as above."""
        return self._take(max(range(len(self._rows)), key=lambda at: self.worth(self._rows[at]), default=0))

    def _take(self, at: int) -> _Row | None:
        if not self._rows or self._taken >= self.most:
            return None
        self._taken += 1
        return self._rows.pop(at)
