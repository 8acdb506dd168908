"""How fast something grows, told from looks at it that are noisy."""

from __future__ import annotations

import statistics
from collections.abc import Sequence

__all__ = ["typical_slope"]


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
