"""Crash directories of one cause become one: by what a bug's case showed besides it, and by equal cases."""

from __future__ import annotations

from collections.abc import Iterable

from attrs import define, field

from usbfuzz.case.model import Case
from usbfuzz.case.parts import digest
from usbfuzz.triage import leads_to, same_driver

from .companions import Companion, Place
from .manifestation import Manifestation, Where
from .record import Crash
from .store import CrashStore

__all__ = ["Causes"]


@define
class Causes:
    """Sees to it that no cause has two directories in a store. Methods raise StorageError."""

    store: CrashStore
    _shown_by: dict[str, str] = field(factory=dict, init=False)  #: digest of a case: the bug that it was kept for

    def shown(self, slug: str, found: Iterable[Companion], case: Case | None = None) -> None:
        """Runs of the bug's case showed ``found`` besides it; ``case`` is that case, when it belongs to one device."""
        key = "" if case is None else digest(case)
        for companion in found:
            if slug in self.store.crashes:
                self._meet(slug, companion, key)
        if key and slug in self.store.crashes:
            self._compare(slug, key)

    def _meet(self, slug: str, companion: Companion, case: str) -> None:
        report = companion.report
        known = self.store.find(report)
        if known is None or known.slug == slug or known.suppressed:
            if companion.place is not Place.BEFORE and known is None:
                where = Where.AFTER if companion.place is Place.AFTER else Where.OWN_RUNS
                self.store.manifested(slug, Manifestation.of(report, where))
        elif companion.place is Place.BEFORE or (companion.place is Place.INSTEAD and known.reproduced):
            self.store.join(known.slug, slug, Where.OWN_RUNS)
        elif not known.reproduced or self._shown_by.get(case) == known.slug:
            self.store.join(slug, known.slug, Where.OWN_RUNS)
        else:
            self.store.manifested(slug, Manifestation.of(report, Where.AFTER))

    def _compare(self, slug: str, case: str) -> None:
        """Join the bug with another that the same case was kept for."""
        other = self._shown_by.setdefault(case, slug)
        if (
            other in self.store.crashes
            and other != slug
            and _alike(self.store.crashes[other], self.store.crashes[slug])
        ):
            self.store.join(other, slug, Where.OWN_RUNS)


def _alike(first: Crash, second: Crash) -> bool:
    one, other = first.report, second.report
    return same_driver(first.guilty, second.guilty) and leads_to(one, other) and leads_to(other, one)
