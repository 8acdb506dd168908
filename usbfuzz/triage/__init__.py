"""Crash reports out of Linux console logs: found, named, compared.

::

    log ──plain_log──▶ console log ──crash_lines──▶ crash lines ──collect──▶ a report's lines ──describe──▶ title, type
          (prefixes/)                (search.py)                (body.py)                     (shape.py, families/)

:func:`extract` does all of it: texts are shown without prefixes, offsets are those of the log as it was given.
A family of reports is a table of :class:`~usbfuzz.triage.shape.Shape` rows in
``families/``; to teach usbfuzz a new kind of report, add a row. :func:`hang_report` names a hang
that the kernel did not report. :func:`blamed` names the guilty driver, for those who know which modules are drivers.
:func:`symbolize` adds source lines.
"""

from __future__ import annotations

from .brief import brief, first_lines
from .doubt import doubt_of, leads_to
from .extract import extract
from .guilty import blamed
from .hang import hang_report
from .once import once_only
from .probed import HeapFacts, heap_facts
from .report import Report, same_bug, same_driver
from .symbolize import symbolize
from .symbols import Symbols
from .types import CrashType

__all__ = [
    "CrashType",
    "HeapFacts",
    "Report",
    "Symbols",
    "blamed",
    "brief",
    "doubt_of",
    "extract",
    "first_lines",
    "hang_report",
    "heap_facts",
    "leads_to",
    "once_only",
    "same_bug",
    "same_driver",
    "symbolize",
]
