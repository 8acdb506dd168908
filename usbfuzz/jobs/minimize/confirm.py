"""Does a crash of a warped guest happen in real time, too?"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from attrs import evolve, frozen

from harness.guest.qemu import Mode, Timing
from harness.lane.config import LaneConfig, needs_probe
from harness.lane.lane import Lane
from harness.lane.outcome import Outcome
from harness.lane.prepare import prepare
from usbfuzz.case.model import Case

__all__ = ["Confirmation", "RealTime"]

_ENOUGH = 2  #: runs that show the crash, after which no further one is started
_RUNS = 3  #: runs at most


@frozen
class Confirmation:
    """How often real-time guests showed a crash."""

    hits: int
    runs: int
    shown: tuple[Outcome, ...] = ()  #: the runs in which anything was reported

    def __str__(self) -> str:
        if not self.runs:
            return "not tried in real time"
        seen = "confirmed in real time" if self.hits else "not seen in real time"
        return f"{seen} {self.hits} of {self.runs}"


@frozen
class RealTime:
    """Real-time guests of one kernel."""

    config: LaneConfig

    @classmethod
    async def of(cls, kernel: str, like: LaneConfig, on_progress: Callable[[str], None]) -> RealTime:
        """Those of ``kernel``, with what else the user asked for in ``like``; raises what :func:`prepare` does."""
        made = await prepare(
            kernel,
            mode=Mode.REALTIME,
            kernel_params=like.kernel_params,
            processors=like.processors,
            emulator=like.emulator.name,
            probing=like.probing,
            cache_dir=like.cache_dir,
            on_progress=on_progress,
        )
        return cls(evolve(made, firmware=like.firmware))

    async def confirm(
        self, case: Case, names: frozenset[str], seconds: float, on_progress: Callable[[str], None]
    ) -> Confirmation:
        """Run ``case`` until it showed the bug twice, three times at most, for at most ``seconds`` after the boot.

        What only the probe sees is looked for in an emulated guest. Booting a guest for the first time takes its own
        minute. Raises BootError and InfraError.
        """
        emulated = self.config.timing is Timing.KVM and needs_probe(names)
        config = evolve(self.config, timing=Timing.TCG) if emulated else self.config
        lane = await Lane.open(config.for_case(case), on_progress)
        hits = runs = 0
        shown: list[Outcome] = []
        try:
            async with asyncio.timeout(seconds):
                fresh = True
                while runs < _RUNS and hits < _ENOUGH:
                    if not fresh:
                        await lane.restore()
                    outcome = await lane.run(case)
                    fresh = outcome.restored
                    runs += 1
                    hits += outcome.shows(names)
                    shown += [outcome] if outcome.reports else []
        except TimeoutError:
            pass
        finally:
            await lane.close()
        return Confirmation(hits, runs, tuple(shown))
