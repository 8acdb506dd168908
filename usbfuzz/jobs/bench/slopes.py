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
    """Where each tooth of something that goes up and down like a saw ended; the looks before that are not kept."""

    _ends: dict[int, tuple[int, int]] = field(factory=dict, init=False)

    def add(self, tooth: int, at: int, size: int) -> None:
        """Take a look at a tooth: where, and how much."""
        self._ends[tooth] = (at, size)

    @property
    def teeth(self) -> int:
        """How many began so far."""
        return len(self._ends)

    @property
    def ends(self) -> tuple[tuple[int, int], ...]:
        """The last look at each tooth, but not at the first and the last, which need not be whole."""
        return tuple(self._ends[tooth] for tooth in sorted(self._ends))[1:-1]
