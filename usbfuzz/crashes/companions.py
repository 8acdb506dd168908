"""Which other reports the runs of a bug's case show, and how they stand to the bug's own."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from enum import Enum

from attrs import frozen

from usbfuzz.triage import Report, leads_to, same_bug, same_driver

__all__ = ["Companion", "Place", "companions"]


class Place(Enum):
    """Where another report was in a run of the bug's case."""

    BEFORE = "before it"  #: and led to it: the bug is a consequence
    INSTEAD = "instead of it"  #: in a run that did not show the bug's own
    AFTER = "after it"  #: a consequence of the bug


@frozen
class Companion:
    """A report with the same cause as another."""

    report: Report
    place: Place


def companions(wanted: Report, runs: Iterable[Sequence[Report]]) -> tuple[Companion, ...]:
    """The reports that have the cause of ``wanted``, each once; ``runs`` are what its case showed, in time order.

    What merely was in the same run, such as a warning that leads to nothing, is not among them.
    """
    found: list[Companion] = []
    for reports in runs:
        own = next((nth for nth, report in enumerate(reports) if same_bug(report, wanted)), None)
        for nth, report in enumerate(reports):
            place = _place(wanted, report, nth, own)
            if place is not None and not any(same_bug(report, other.report) for other in found):
                found.append(Companion(report, place))
    return tuple(found)


def _place(wanted: Report, report: Report, nth: int, own: int | None) -> Place | None:
    if own is None:
        alike = leads_to(report, wanted) and leads_to(wanted, report)
        return Place.INSTEAD if alike and same_driver(report.guilty, wanted.guilty) else None
    if nth < own and leads_to(report, wanted):
        return Place.BEFORE
    return Place.AFTER if nth > own and leads_to(wanted, report) else None
