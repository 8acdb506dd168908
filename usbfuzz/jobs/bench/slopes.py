"""How fast something grows, told from looks at it that are noisy, or go up and down like the teeth of a saw."""

from __future__ import annotations

import statistics
from collections.abc import Sequence

from attrs import define, field

__all__ = ["Saw", "typical_slope"]


def typical_slope(looks: Sequence[tuple[float, float]]) -> float:
    """The median of the slopes between all pairs of looks (Theil and Sen), which single peaks do not move.

    A look is where and how much; 0.0 when there are fewer than two places.
    """
    slopes = [
        (size - earlier) / (at - before)
        for nth, (at, size) in enumerate(looks)
        for before, earlier in looks[:nth]
        if at > before
    ]
    return statistics.median(slopes) if slopes else 0.0


@define
class Saw:
    """The tops of something that goes up and down like the teeth of a saw; the looks between them are not kept."""

    _highest: dict[int, tuple[int, int]] = field(factory=dict, init=False)

    def add(self, tooth: int, at: int, size: int) -> None:
        """Take a look at a tooth: where, and how much."""
        if tooth not in self._highest or size > self._highest[tooth][1]:
            self._highest[tooth] = (at, size)

    @property
    def teeth(self) -> int:
        """How many began so far."""
        return len(self._highest)

    @property
    def tops(self) -> tuple[tuple[int, int], ...]:
        """Where each tooth was highest first, and how much that was, but not of the first and the last.

        Those need not be whole.
        """
        return tuple(self._highest[tooth] for tooth in sorted(self._highest))[1:-1]
