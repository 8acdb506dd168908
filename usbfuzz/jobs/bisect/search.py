"""Which kernel to ask next, and what the answers come to. Pure: who asks is :mod:`usbfuzz.jobs.bisect.archive`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise

from attrs import define, field, frozen

from usbfuzz.jobs.regress.presence import Shown

__all__ = ["Change", "History"]

_TOLD = (Shown.YES, Shown.NO)


@frozen
class Change:
    """Two kernels that did not do the same, with none between them that could be asked."""

    before: str
    after: str
    came: bool  #: the bug is in ``after`` and not in ``before``; else the other way round
    skipped: tuple[str, ...] = ()  #: kernels between the two that tell nothing


@define
class History:
    """Kernels, oldest first, and what is known of them."""

    kernels: Sequence[str]
    shown: dict[str, Shown] = field(factory=dict)

    def next(self) -> str | None:
        """A kernel to ask: in the middle between two that differ; None when all changes are narrowed down."""
        for before, after in self._differing():
            if waiting := [name for name in self._between(before, after) if name not in self.shown]:
                return waiting[len(waiting) // 2]
        return None

    def nearest(self, place: int, step: int) -> str | None:
        """The first kernel from a place on, in steps of 1 or -1, that may still tell; None when one there has told."""
        order = self.kernels[place:] if step > 0 else self.kernels[place::-1]
        for name in order:
            if name not in self.shown:
                return name
            if self.shown[name] in _TOLD:
                return None
        return None

    @property
    def changes(self) -> tuple[Change, ...]:
        """Where one kernel did otherwise than the one before it, as far as kernels were asked."""
        return tuple(
            Change(before, after, self.shown[after] is Shown.YES, tuple(self._between(before, after)))
            for before, after in self._differing()
        )

    def having(self, shown: Shown) -> list[str]:
        """The kernels that did this, oldest first."""
        return [name for name in self.kernels if self.shown.get(name) is shown]

    def _differing(self) -> Iterator[tuple[str, str]]:
        told = [name for name in self.kernels if self.shown.get(name) in _TOLD]
        yield from (pair for pair in pairwise(told) if self.shown[pair[0]] is not self.shown[pair[1]])

    def _between(self, before: str, after: str) -> Iterable[str]:
        return self.kernels[self.kernels.index(before) + 1 : self.kernels.index(after)]
