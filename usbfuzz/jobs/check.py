"""Runs the case of each bug of a directory again: does it show its bug, and does it show another one's?"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from itertools import groupby
from pathlib import Path

from attrs import evolve, frozen

from harness.lane.config import LaneConfig
from harness.lane.lane import Lane
from usbfuzz.case import load
from usbfuzz.crashes.companions import Place, companions
from usbfuzz.crashes.record import Crash
from usbfuzz.jobs.campaign.attribute import in_time
from usbfuzz.triage import Report

from .replay import believed_run

__all__ = ["Checked", "check", "twins"]


@frozen
class Checked:
    """What the runs of a bug's case showed."""

    crash: Crash
    runs: tuple[tuple[Report, ...], ...]  #: the reports of each, in the order of their events

    @property
    def hits(self) -> int:
        """Runs that showed the bug."""
        return sum(any(self.crash.is_bug_of(report) for report in run) for run in self.runs)


async def check(directory: Path, found: Iterable[Crash], config: LaneConfig, times: int) -> AsyncIterator[Checked]:
    """Run the case of each crash ``times`` times, each time on a fresh guest; raises CaseError, BootError, InfraError.

    The guests stop at a bad access as a campaign's do, whatever the case was recorded with.
    """
    cases = [(crash, load(directory / crash.slug)) for crash in found]
    cases.sort(key=lambda pair: config.booted_for(pair[1]).booted)
    for _, pairs in groupby(cases, key=lambda pair: config.booted_for(pair[1]).booted):
        wanted = list(pairs)
        ports = max(config.ports, *(case.ports for _, case in wanted))
        lane = await Lane.open(evolve(config.booted_for(wanted[0][1]), ports=ports))
        try:
            fresh = True
            for crash, case in wanted:
                runs = []
                for _ in range(times):
                    if not fresh:
                        await lane.restore()
                    outcome = await believed_run(lane, case)
                    fresh = outcome.restored
                    runs.append(in_time(outcome))
                yield Checked(crash, tuple(runs))
        finally:
            await lane.close()


def twins(checked: Sequence[Checked]) -> Iterator[tuple[Crash, Crash, str]]:
    """Pairs of bugs with one cause: a bug, another one that its case shows before it or instead of it, and how."""
    for mine in checked:
        for companion in companions(mine.crash.report, mine.runs):
            if companion.place is Place.AFTER:
                continue
            for other in checked:
                if other is not mine and other.crash.is_bug_of(companion.report):
                    yield mine.crash, other.crash, companion.place.value
