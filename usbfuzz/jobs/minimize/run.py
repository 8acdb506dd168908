"""One minimization from files to files: resumes, saves what it has whenever it is better, cleans up."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

from attrs import define, evolve, field

from harness.lane.config import LaneConfig
from usbfuzz.case.model import Case
from usbfuzz.case.parts import weight
from usbfuzz.crashes.memory import Memory, key_of
from usbfuzz.crashes.minimized import Minimized
from usbfuzz.crashes.place import Place
from usbfuzz.jobs.replay import recorded_names

from .contents import kernel_params
from .oracle import Oracle
from .pool import GuestPool
from .search import Search

__all__ = ["Minimization"]


@define
class Minimization:
    """``usbfuzz minimize``. While it runs, ``search`` says how far it is."""

    place: Place
    config: LaneConfig
    lanes: int
    seconds: float  #: wall time it may take, from the first run on
    on_progress: Callable[[str], None] = lambda _: None
    pool_of: Callable[[LaneConfig, frozenset[str], int], GuestPool] = GuestPool
    search: Search | None = field(default=None, init=False)
    resumed: bool = field(default=False, init=False)
    before: int = field(default=0, init=False)  #: weight of the case it was found with

    async def run(self) -> Minimized | None:
        """The result, saved; None when the case does not show its bug. Raises what lanes and files raise."""
        first = self.place.first()
        self.before = weight(first)
        names = recorded_names(first)
        pool = self.pool_of(self.config, names, self.lanes)
        try:
            return await self._minimize(first, names, pool)
        finally:
            await pool.close()

    async def _minimize(self, first: Case, names: frozenset[str], pool: GuestPool) -> Minimized | None:
        memory = Memory.open(self.place.state, key_of(first, self.config.kernel.name, self.config.timing.value, names))
        self.resumed, done = memory.resumed, False
        oracle = Oracle(
            pool, deadline=time.monotonic() + self.seconds, memo=dict(memory.verdicts), on_verdict=memory.add
        )
        self.search = Search(oracle, self.place.improve, last=(("kernel parameters", kernel_params),))
        try:
            found = None
            for case in self._starts(first, names):
                found = await self.search.run(case)
                if found is not None:
                    found = evolve(found, before=self.before)
                    self.place.improve(found.case)
                    break
            done = found is None or found.complete
            return found
        finally:
            memory.close(done=done)

    def _starts(self, first: Case, names: frozenset[str]) -> Iterator[Case]:
        """Where to begin: with what an earlier minimization of the same bug came to, else with the case as it is."""
        best = self.place.best()
        if best is not None and recorded_names(best) == names:
            yield best
        if best != first:
            yield first
