"""Crashes that sweeps run into: saved as a campaign saves them."""

from __future__ import annotations

from collections.abc import Sequence

from attrs import define, evolve

from usbfuzz.case.model import Case
from usbfuzz.crashes.evidence import Evidence
from usbfuzz.crashes.manifestation import Manifestation, Where
from usbfuzz.crashes.record import How
from usbfuzz.crashes.store import CrashStore
from usbfuzz.triage import Report, doubt_of, same_bug

from .messages import Ran

__all__ = ["Keeper"]


@define(eq=False)
class Keeper:
    """Where they are saved. Methods raise StorageError."""

    store: CrashStore

    def seen(self, case: Case, ran: Ran) -> tuple[str, bool]:
        """Save what a run of ``case`` reported first; the crash directory, and whether its bug is to be confirmed."""
        report = ran.reports[0]
        doubt = doubt_of(report, late=ran.dilated)
        crash, _ = self.store.sighted(Evidence(report, case, ran.console, ran.drivers, doubt=doubt))
        for other in ran.reports[1:]:
            if not same_bug(other, report):
                self.store.manifested(crash.slug, Manifestation.of(other, Where.OWN_RUNS))
        self.store.flush()
        return crash.slug, not crash.reproduced and not crash.suppressed

    def confirmed(self, slug: str, case: Case, report: Report, runs: Sequence[Ran]) -> int:
        """Save how often ``case``, alone on fresh guests, showed ``report`` again: in how many of ``runs``."""
        hits = [ran for ran in runs if any(same_bug(other, report) for other in ran.reports)]
        best = hits[0] if hits else None
        evidence = Evidence(report, case, "", (), how=How.ALONE, hits=len(hits), runs=len(runs))
        if best is not None:
            shown = next(other for other in best.reports if same_bug(other, report))
            evidence = evolve(
                evidence,
                report=shown,
                console=best.console,
                drivers=best.drivers,
                capture=best.capture,
                coverage=best.coverage,
            )
            self.store.attributed(slug, evidence)
        return len(hits)
