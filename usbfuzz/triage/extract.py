"""From a console log to reports."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import Counter

from attrs import define, evolve, field

from usbfuzz.triage.families import BY_HEAD
from usbfuzz.triage.prefixes import plain_log

from .blame import guilty_file, guilty_module, running_task
from .body import MAX_BYTES, Body, collect, lines_before
from .console import STAMP, Line, as_log, as_text, parse_line
from .excuses import excused
from .guilty import stack_modules
from .heads import continues
from .report import Report
from .search import CrashLine, crash_lines
from .shape import Description, describe
from .stack import is_traced, missing_stack
from .titles import stable_title

__all__ = ["MAX_ALIKE", "extract"]

#: Of crash lines that differ in numbers only, this many are looked into; the rest is counted. Bounds the work
#: on a log flooded by one warning.
MAX_ALIKE = 4

_PANIC = "Kernel panic - not syncing"
_NUMBERS = re.compile(r"(?:0x)?[0-9a-f]*\d[0-9a-f]*")
_STAMP = re.compile(STAMP)
#: A panic this close behind a report is a consequence of it.
_AFTERMATH_BYTES = 4096
#: The connection to the guest's console was lost: what was being printed is incomplete.
_CONSOLE_LOST = "serialport: VM disconnected."
#: Lines before a report that are searched for the name of the driver.
_WITNESS_LINES = 60


def extract(log: str | bytes) -> list[Report]:
    """All reports of a console log in order, each bug once.

    Never raises: bytes that are no UTF-8 are replaced, and a report that is cut or mixed with others says so in its
    ``corruption``.
    """
    plain = plain_log(as_log(log))
    text = plain.text
    crashes = crash_lines(text)
    if not crashes:
        return []
    found = _Extractor(text, crashes, text.rfind(_PANIC), _CONSOLE_LOST in text, excused(text)).reports()
    if not plain.starts:
        return found
    spans = (plain.span(report.start, report.end) for report in found)
    return [evolve(report, start=start, end=end) for report, (start, end) in zip(found, spans, strict=True)]


@define
class _Extractor:
    """One pass over the crash lines of a log."""

    log: str
    crashes: list[CrashLine]
    last_panic: int
    lost: bool
    suppressed: bool
    found: list[Report] = field(factory=list)
    named: dict[str, int] = field(factory=dict)  #: every name of a bug -> its report
    alike: Counter[str] = field(factory=Counter)  #: crash lines without numbers, how often seen
    known: dict[str, int] = field(factory=dict)  #: crash line without numbers -> the report it last gave
    headed: int = -1  #: up to here lines of the last report's caller belong to its heading: its stack is yet to come
    caller: str = ""
    reach: int = -1  #: up to here a line may continue the last report
    closed: int | None = None  #: where the last report said that it is at its end

    def reports(self) -> list[Report]:
        starts = [crash.start for crash in self.crashes]
        for index, crash in enumerate(self.crashes):
            line = parse_line(self.log, crash.start, crash.end)
            if self._goes_on(crash, line) or self._flooded(line):
                continue
            body = collect(self.log, crash, self.crashes[index + 1 : bisect_left(starts, crash.end + MAX_BYTES) + 1])
            report, whole = self._report(crash, body)
            self.headed, self.caller = body.stack_start, line.caller
            self.reach = report.end + _AFTERMATH_BYTES
            self.closed = report.end if body.ended else None
            if whole or not self.found:
                self.known[_alike_key(line)] = self._add(report)
        return self.found

    def _goes_on(self, crash: CrashLine, line: Line) -> bool:
        """Whether the crash line belongs to the report before it."""
        if crash.start < self.headed and line.caller == self.caller:
            return True
        ended = self.closed is not None and crash.start >= self.closed
        return crash.start < self.reach and continues(crash.head, line.text, ended=ended)

    def _flooded(self, line: Line) -> bool:
        key = _alike_key(line)
        self.alike[key] += 1
        if self.alike[key] <= MAX_ALIKE:
            return False
        if key in self.known:
            self._count(self.known[key])
        self.reach, self.closed = line.end + _AFTERMATH_BYTES, None
        return True

    def _add(self, report: Report) -> int:
        """Keep a new bug, count a known one; its place in the list."""
        for name in report.names:
            if name in self.named:
                self._count(self.named[name])
                return self.named[name]
        self.found.append(report)
        self.named.update(dict.fromkeys(report.names, len(self.found) - 1))
        return len(self.found) - 1

    def _count(self, index: int) -> None:
        self.found[index] = evolve(self.found[index], count=self.found[index].count + 1)

    def _report(self, crash: CrashLine, body: Body) -> tuple[Report, bool]:
        """The report, and whether it is complete enough to have a known form."""
        shapes = BY_HEAD[crash.head.words]
        found = describe(crash.head, shapes, body.sure_text, lambda: lines_before(self.log, crash, _WITNESS_LINES))
        driver = found.blame.name if found.blame and found.shape and found.shape.names_driver else None
        title = stable_title(found.title)
        alts = (stable_title(alt) for alt in found.alt_titles)
        report = Report(
            title=title,
            alt_titles=tuple(alt for alt in dict.fromkeys(alts) if alt != title),
            type=found.type,
            frame=found.blame.name if found.blame and not driver else None,
            file=guilty_file(body.sure_text),
            module=driver or (guilty_module(body.sure_text, found.blame.symbol) if found.blame else None),
            modules=stack_modules(body.sure_text),
            task=running_task(body.sure_text),
            corruption=self._corruption(found, body.text),
            suppressed=self.suppressed or (found.shape is None and not is_traced(body.sure_text)),
            panicked=self.last_panic >= crash.start,
            count=1,
            start=crash.start,
            end=min(body.own[-1].end + 1, len(self.log)),
            text=as_text(body.own_text()),
        )
        return report, found.shape is not None and not found.shape.broken

    def _corruption(self, found: Description, text: str) -> str:
        if found.corruption:
            return found.corruption
        if self.lost:
            return "the console was lost"
        if _STAMP.search(found.title):
            return "two lines are merged in the title"
        if found.shape is None or not found.shape.traced:
            return ""
        return missing_stack(text)


def _alike_key(line: Line) -> str:
    return _NUMBERS.sub("", line.text)
