"""One minimization from files to files: goes on where it was interrupted, saves each better case."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

from attrs import define, evolve, field

from harness.lane.config import LaneConfig
from usbfuzz.case.model import Case
from usbfuzz.case.parts import weight
from usbfuzz.crashes.minimization_files import MinimizationFiles
from usbfuzz.crashes.minimized import Minimized
from usbfuzz.crashes.verdicts import Verdicts, minimization_key
from usbfuzz.load import in_bytes
from usbfuzz.report.render import render

from .confirm import Confirmation, RealTime
from .contents import kernel_params
from .oracle import Oracle
from .pool import GuestPool
from .search import Search

__all__ = ["Minimization"]

_CONFIRM_SECONDS = 120.0  #: for the runs in real time, without the boot


@define
class Minimization:
    """``usbfuzz minimize``. While it runs, ``search`` says how far it is."""

    files: MinimizationFiles
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
        first = in_bytes(self.files.first())  # what cannot be cut, code, would hide the bytes that can
        self.before = weight(first)
        names = first.recorded_names
        pool = self.pool_of(self.config, names, self.lanes)
        try:
            found = await self._minimize(first, names, pool)
        finally:
            await pool.close()
        if found is not None:
            self._keep(found)
        return found

    async def confirm(self, found: Minimized, kernel: str) -> Confirmation:
        """Run the result in real-time guests of ``kernel``, and note in the crash directory how often they showed it.

        Raises what lanes and files raise.
        """
        real = await RealTime.of(kernel, self.config, self.on_progress)
        seen = await real.confirm(found.case, found.case.recorded_names, _CONFIRM_SECONDS, self.on_progress)
        if seen.runs:
            config = self.config
            self.files.confirmed(seen.hits, seen.runs, kernel=config.kernel.name, timing=config.timing, render=render)
        return seen

    def _keep(self, found: Minimized) -> None:
        example = self.search.example if self.search else None
        console, coverage = (example.console, example.coverage) if example else (None, "")
        config = self.config
        self.files.keep(found, console, coverage, kernel=config.kernel.name, timing=config.timing, render=render)

    async def _minimize(self, first: Case, names: frozenset[str], pool: GuestPool) -> Minimized | None:
        key = minimization_key(first, self.config.kernel.name, self.config.timing.value, names)
        verdicts = Verdicts.open(self.files.verdicts, key)
        self.resumed, done = verdicts.resumed, False
        oracle = Oracle(
            pool, deadline=time.monotonic() + self.seconds, memo=dict(verdicts.known), on_verdict=verdicts.add
        )
        self.search = Search(oracle, self.files.improve, last=(("kernel parameters", kernel_params),))
        try:
            found = None
            for case in self._starts(first, names):
                found = await self.search.run(case)
                if found is not None:
                    found = evolve(found, before=self.before)
                    self.files.improve(found.case)
                    break
            done = found is None or found.complete
            return found
        finally:
            verdicts.close(done=done)

    def _starts(self, first: Case, names: frozenset[str]) -> Iterator[Case]:
        """Where to begin: with the result of an earlier minimization of the same bug, else with the case as it is."""
        best = self.files.best()
        if best is not None and best.recorded_names == names:
            yield best
        if best != first:
            yield first
