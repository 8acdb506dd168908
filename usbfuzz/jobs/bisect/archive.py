"""A bisection over a distribution's kernels: the ends first, then the middle between two that differ."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Sequence

from attrs import define, frozen

from harness.guest.kernels.offered import series_of
from usbfuzz.jobs.regress.presence import Presence, Shown

from .search import History

__all__ = ["Bisection", "Range"]

Ask = Callable[[Sequence[str]], Awaitable[Sequence[Presence]]]  #: the case on some kernels


@frozen
class Range:
    """The kernels that are searched."""

    kernels: tuple[str, ...]  #: oldest first
    recorded: str = ""  #: the one that the bug was seen on, asked first; "" when that is not known or not among them
    every_series: bool = False  #: ask the oldest and the newest of each series, too
    here: frozenset[str] = frozenset()  #: those that need not be fetched: all are asked before the bug is called absent

    def ends(self) -> list[str]:
        """What is asked before anything is concluded."""
        found = [self.recorded] if self.recorded in self.kernels else []
        found += [self.kernels[0], self.kernels[-1]] if self.kernels else []
        if self.every_series:
            for names in self._series():
                found += [names[0], names[-1]]
        return list(dict.fromkeys(found))

    def _series(self) -> Iterator[list[str]]:
        for series in dict.fromkeys(map(series_of, self.kernels)):
            yield [name for name in self.kernels if series_of(name) == series]


@define
class Bisection:
    """A search that goes on."""

    range: Range
    ask: Ask
    any_crash: bool = False  #: another crash than the recorded one counts, too

    async def run(self) -> History:
        """Ask until every change is between two kernels with none between them that tells."""
        history = History(self.range.kernels)
        await self._learn(history, self.range.ends())
        await self._replace_ends(history)
        if not history.having(Shown.YES):
            await self._look_for_one(history)
        while (name := history.next()) is not None:
            await self._learn(history, [name])
        return history

    async def _replace_ends(self, history: History) -> None:
        """Ask the neighbours of ends that told nothing."""
        for place, step in ((0, 1), (len(history.kernels) - 1, -1)):
            while history.kernels and (name := history.nearest(place, step)) is not None:
                await self._learn(history, [name])

    async def _look_for_one(self, history: History) -> None:
        """Ask the kernels that are here, one after the other, for one that shows the bug."""
        for name in history.kernels:
            if name in self.range.here and name not in history.shown:
                await self._learn(history, [name])
                if history.having(Shown.YES):
                    return

    async def _learn(self, history: History, names: Sequence[str]) -> None:
        answers = {found.spec: found.shown for found in await self.ask(names)}
        for name in names:
            shown = answers.get(name, Shown.UNKNOWN)  # none for another name of a kernel that was asked
            history.shown[name] = Shown.YES if self.any_crash and shown is Shown.OTHER else shown
