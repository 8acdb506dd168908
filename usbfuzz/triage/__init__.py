"""Crash reports out of Linux console logs: found, named, compared.

::

    console log ──crash_lines──▶ crash lines ──collect──▶ one report's lines ──describe──▶ title, kind, guilty frame
                  (search.py)                 (body.py)                      (shape.py, families/)

:func:`extract` does all of it. A family of reports is a table of :class:`~usbfuzz.triage.shape.Shape` rows in
``families/``; to teach usbfuzz a new kind of report, add a row. :func:`symbolize` adds source lines.
"""

from __future__ import annotations

from usbfuzz.triage.brief import brief, first_lines
from usbfuzz.triage.extract import extract
from usbfuzz.triage.kinds import Kind
from usbfuzz.triage.report import Report, same_bug
from usbfuzz.triage.scanner import Scanner, Sighting, once_only
from usbfuzz.triage.symbolize import symbolize
from usbfuzz.triage.symbols import Symbols

__all__ = [
    "Kind",
    "Report",
    "Scanner",
    "Sighting",
    "Symbols",
    "brief",
    "extract",
    "first_lines",
    "once_only",
    "same_bug",
    "symbolize",
]
