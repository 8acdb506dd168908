"""What a campaign hands to the store: a report, the input behind it, and how sure that is."""

from __future__ import annotations

from attrs import field, frozen

from usbfuzz.case.model import Case
from usbfuzz.triage import Report

from .record import How

__all__ = ["Evidence"]

_DRIVERS = 3  #: named at most, besides the one of the report


@frozen
class Evidence:
    """A report, the input behind it, and how often that input showed the bug again."""

    report: Report
    case: Case
    console: str
    drivers: tuple[str, ...]  #: that bound in the run
    how: How = How.NOT
    hits: int = 0  #: of ``runs`` on a fresh guest that showed the bug again
    runs: int = 0
    capture: bytes = field(default=b"", repr=False)  #: usb.pcapng of the run; empty when it was not recorded
    coverage: str = field(default="", repr=False)  #: coverage.tsv of the run; empty when its code was not seen
    doubt: str = ""  #: why the report may be a mere consequence; see :func:`usbfuzz.triage.doubt_of`

    @property
    def driver(self) -> str:
        """The guilty driver; where none is known, those it may be: the report's module, a few of those that bound."""
        if self.report.guilty:
            return self.report.guilty
        names = [self.report.module or "", *self.drivers[:_DRIVERS]]
        return ", ".join(dict.fromkeys(name.replace("-", "_") for name in names if name))
