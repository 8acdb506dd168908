"""Which schedule shows a case's bug most often: many are tried a few times, the better half more often, and so on."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from attrs import Factory, define, field, frozen

from harness.lane.held import HeldGuest
from usbfuzz.jobs.replay import believed_run

from .way import Way, way

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from harness.lane.config import LaneConfig
    from usbfuzz.case.model import Case

__all__ = ["Races", "Tried", "search"]

_FIRST_RUNS = 4  #: of each way; twice as many of each that is left, every time half of them are
_LEFT = 2  #: ways that are not halved any more


@define
class Tried:
    """A way, and how often the bug was seen."""

    way: Way
    hits: int = 0
    runs: int = 0
    titles: Counter[str] = Factory(Counter)  #: of all reports, the bug's and others

    @property
    def share(self) -> float:
        """Of all runs, those that showed the bug; one miss and one hit more, so that few runs prove little."""
        return (self.hits + 1) / (self.runs + 2)


@frozen
class Races:
    """What a search found."""

    as_is: Tried  #: the case as it is
    best: Tried  #: the way that shows it most often, ``as_is`` if none is better
    others: tuple[Tried, ...] = ()
    impossible: Counter[str] = Factory(Counter)  #: reasons, and how many ways each made impossible


@define
class _Search:
    case: Case
    config: LaneConfig
    held: HeldGuest
    on_tried: Callable[[Tried], None]
    names: frozenset[str] = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.names = self.case.recorded_names

    async def run(self, tried: Sequence[Tried], runs: int, *, fresh: bool = False) -> None:
        """Run each so often in all, those that need the same guest one after another."""
        configs = {each.way.seed: self.config.for_case(each.way.of(self.case)) for each in tried}
        order: dict[LaneConfig, list[Tried]] = {}
        for each in tried:
            order.setdefault(configs[each.way.seed], []).append(each)
        for config, same in order.items():
            for each in same:
                await self._some(config, each, runs, fresh=fresh)
                self.on_tried(each)

    async def _some(self, config: LaneConfig, tried: Tried, runs: int, *, fresh: bool) -> None:
        case = tried.way.of(self.case)
        while tried.runs < runs:
            lane = await self.held.lane(config)
            if fresh and not self.held.fresh:
                await lane.restore()
            outcome = await believed_run(lane, case)
            self.held.fresh = outcome.restored
            tried.runs += 1
            tried.hits += outcome.shows(self.names)
            tried.titles.update(report.title for report in outcome.reports)


async def search(
    case: Case,
    config: LaneConfig,
    ways: int,
    times: int,
    *,
    on_tried: Callable[[Tried], None] = lambda _: None,
    on_progress: Callable[[str], None] = lambda _: None,
) -> Races:
    """Try ``ways`` schedules of ``case``, and run it as it is and the best way ``times`` times on fresh guests.

    A number of processors that ``config`` asks for holds for all. Raises BootError, InfraError.
    """
    made = [way(case, seed, config.processors) for seed in range(ways + 1)]
    reasons = Counter(filter(None, (each.impossible(config.kernel) for each in made[1:])))
    possible = [Tried(each) for each in made[1:] if not each.impossible(config.kernel)]
    held = HeldGuest(on_progress)
    running = _Search(case, config, held, on_tried)
    try:
        left, runs = list(possible), _FIRST_RUNS
        while left:
            await running.run(left, runs)
            left.sort(key=lambda tried: -tried.share)
            if len(left) <= _LEFT:
                break
            left, runs = left[: len(left) // 2], min(2 * runs, times)
        finalists = [Tried(made[0]), *(Tried(each.way) for each in left[:1])]
        await running.run(finalists, times, fresh=True)
    finally:
        await held.close()
    as_is, best = finalists[0], max(finalists, key=lambda tried: tried.hits)
    return Races(as_is, best, tuple(possible), reasons)
