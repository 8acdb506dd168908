"""Crashes that learning runs into: saved as a campaign saves them."""

from __future__ import annotations

from collections.abc import Sequence

from attrs import define

from harness.lane.outcome import Outcome
from usbfuzz.case.model import Case
from usbfuzz.crashes.evidence import Evidence
from usbfuzz.crashes.record import How
from usbfuzz.crashes.store import CrashStore
from usbfuzz.jobs.campaign.attribute import bound_drivers
from usbfuzz.jobs.campaign.merge import side_by_side

__all__ = ["Found"]


@define(eq=False)
class Found:
    """Where they are saved."""

    store: CrashStore

    def keep(self, cases: Sequence[Case], outcome: Outcome, again: bool) -> None:
        """Save what a round of ``cases`` ended in; ``again``: the case runs because a round with it crashed.

        Raises StorageError.
        """
        report = next((report for report in outcome.reports if not report.suppressed), None)
        if report is None:
            return
        drivers = bound_drivers(outcome.bindings)
        crash, _ = self.store.sighted(Evidence(report, side_by_side(tuple(cases)), outcome.console, drivers))
        if again:
            evidence = Evidence(report, cases[0], outcome.console, drivers, how=How.ALONE, hits=1, runs=1)
            self.store.attributed(crash.slug, evidence)
        self.store.flush()
