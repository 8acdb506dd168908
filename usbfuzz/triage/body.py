"""The lines of one report, picked out of a console that other tasks and CPUs write to at the same time."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cached_property

from attrs import define, field, frozen

from .console import NO_PREFIX, UNKNOWN_CALLER, Line, is_cpu, is_task, lines_back, lines_from
from .heads import continues
from .printed import REGISTERS
from .probed import STOPPED, STOPS_WITHIN, closes, is_probed, stopped
from .search import CrashLine
from .stack import is_frame

__all__ = ["MAX_BYTES", "Body", "collect", "lines_before"]

#: Lines kept from before the crash line: of the same task when the kernel tells callers apart, else fewer.
_LEAD_SAME_TASK = 50
_LEAD = 5
_LEAD_REACH = 8_192  #: bytes looked back for them

#: A report is this long at most.
MAX_BYTES = 1 << 17
#: How much further is read when the next report has begun: stacks of the same task may still follow.
_MORE_SAME_CALLER = 1 << 14
#: The same when callers are not told apart: only enough to see whether a stack follows at all.
_MORE = 1 << 12
#: And when the report has said that it is at its end.
_MORE_AFTER_END = 1 << 13

#: Not crashes, but with a stack of their own: in the middle of a report they make its stack doubtful.
_OTHER_STACKS = re.compile(
    "vmalloc: allocation failure:|FAULT_INJECTION: forcing a failure|FAULT_FLAG_ALLOW_RETRY missing"
)
_TAINTED = "Disabling lock debugging due to kernel taint"
_ALL_CPUS = "Sending NMI from CPU"
#: What a complete report brings about, not worth showing with it: the panic, and lockdep's view of the printing.
_AFTERMATH = re.compile("Kernel panic - not syncing|WARNING: possible circular locking dependency detected")
_COMPLETE_AFTER = 22  #: lines
_KMSAN_COMPLETE_AFTER = 16

_OOPS_NUMBER = "[#"
_END_TRACE = "---[ end "
_ENDS = re.compile(r"---\[ end (?:trace|Kernel panic)|={50,}$")
#: A doubtful frame of a kernel before 4.13. Built without frame pointers, these vouched for no frame at all.
_GUESS = ">] ? "
_REGISTERS = re.compile(
    rf"^ *(?:Code:|{REGISTERS}|</?(?:TASK|IRQ|NMI|SOFTIRQ)>|Call [Tt]race"
    r"|Modules linked in|CPU: |Hardware name|Workqueue: |KASAN: |\d+ locks? held by|#\d+: )"
)


@frozen(slots=False)
class Body:
    """The lines of one report, without printk prefixes and without lines of other tasks."""

    lead: tuple[Line, ...]  #: from before the crash line
    lines: tuple[Line, ...]  #: from the crash line on
    ended: bool  #: the report has said that it is at its end
    cut: int  #: how many of the lines surely belong to this report: from there on another one is mixed in

    @cached_property
    def text(self) -> str:
        """The lines before the crash line and from it on."""
        return _joined(self.lines)

    @cached_property
    def sure_text(self) -> str:
        """The lines that surely belong to this report."""
        return self.text if self.cut == len(self.lines) else _joined(self.lines[: self.cut])

    @property
    def stack_start(self) -> int:
        """Byte offset of the first stack frame; -1 when callers cannot be told apart or there is none."""
        if self.lines[0].caller in (NO_PREFIX, UNKNOWN_CALLER):
            return -1
        return next((line.start for line in self.lines if is_frame(line.text)), -1)

    @cached_property
    def own(self) -> tuple[Line, ...]:
        """The lines up to the report's end as printed, or else up to the last that looks like part of one."""
        sure = self.lines[: self.cut]
        probed = is_probed(sure[0].text)
        for index, line in enumerate(sure):
            if index > 1 and _ENDS.search(line.text):
                if probed and stopped(later.text for later in sure[index + 1 :]):
                    continue
                return sure[: index + 1]
        last = next((index for index in range(len(sure) - 1, 0, -1) if _is_part(sure[index].text)), 0)
        return sure[: last + 1]

    def own_text(self) -> str:
        """The report ready to be mailed: a few lines before it, and its own."""
        return _joined((*self.lead, *self.own))


def _is_part(line: str) -> bool:
    return _OOPS_NUMBER in line or _REGISTERS.match(line) is not None or is_frame(line)


def collect(log: str, crash: CrashLine, others: Sequence[CrashLine]) -> Body:
    """Pick the lines of the report that begins at ``crash``; ``others`` are the crash lines after it."""
    return _Collector(log, crash, {other.start: other for other in others}).read()


def lines_before(log: str, crash: CrashLine, count: int) -> str:
    """The last ``count`` lines before the crash line, by any task or CPU."""
    reversed_lines = [line for line, _ in zip(lines_back(log, crash.start, _LEAD_REACH), range(count), strict=False)]
    return _joined(reversed_lines[::-1])


@define
class _Collector:
    """One pass over the lines from the crash line on."""

    log: str
    crash: CrashLine
    others: Mapping[int, CrashLine]
    caller: str = ""
    seen: int = 0  #: lines that count towards completeness
    complete_after: int = _COMPLETE_AFTER
    stop: int = 0  #: byte offset not to be read beyond
    ended: bool = False
    next_begun: bool = False
    all_cpus: bool = False  #: backtraces of other CPUs were asked for, and belong to the report
    aftermath: bool = False
    probed: bool = False  #: the report is the probe's
    behind: int = -1  #: lines read since it was closed, -1 when it is not
    kept: list[Line] = field(factory=list)
    guesses: list[tuple[int, Line]] = field(factory=list)  #: doubtful frames, and how many lines were kept before each

    def read(self) -> Body:
        lines = lines_from(self.log, self.crash.start)
        first = next(lines)
        self.caller = first.caller
        self.probed = is_probed(first.text)
        self.stop = self.crash.end + MAX_BYTES
        if "BUG: KMSAN:" in first.text:
            self.complete_after = _KMSAN_COMPLETE_AFTER
        self.seen = 1
        self.kept.append(first)
        tells_callers = first.caller not in (NO_PREFIX, UNKNOWN_CALLER)
        cut = 1
        for line in lines:
            if line.start > self.stop:
                break
            self._notice(line, tells_callers=tells_callers)
            if self.probed:
                self._await_nmi(line)
            if self._belongs(line):
                self.kept.append(line)
                if tells_callers or not self.next_begun:
                    cut = len(self.kept)
        cut += self._trust_guesses(cut)
        return Body(tuple(self._lead()), tuple(self.kept), self.ended, cut)

    def _notice(self, line: Line, *, tells_callers: bool) -> None:
        """Set ``stop`` where another report begins or this one ends."""
        if _END_TRACE in line.text and line.caller == self.caller:
            self.stop = min(self.stop, line.end + _MORE_AFTER_END)
            self.ended = True
        if self.next_begun:
            return
        other = self.others.get(line.start)
        follows = other is not None and not continues(other.head, line.text, ended=self.ended)
        if follows or _OTHER_STACKS.search(line.text):
            self.next_begun = True
            self.stop = min(self.stop, line.end + (_MORE_SAME_CALLER if tells_callers else _MORE))

    def _await_nmi(self, line: Line) -> None:
        """Take the caller of the NMI that stopped the guest for this report: the kernel's own lines go on with it."""
        if self.behind >= 0:
            self.behind += 1
            if self.behind <= STOPS_WITHIN and STOPPED.search(line.text):
                self.caller = line.caller
        elif closes(line.text):
            self.behind = 0

    def _belongs(self, line: Line) -> bool:
        foreign = line.caller != self.caller and not (self.all_cpus and is_cpu(line.caller))
        if foreign:
            return False
        if line.doubtful:
            if not self.next_begun and _GUESS in self.log[line.start : line.end]:
                self.guesses.append((len(self.kept), line))
            return False
        self.seen += 1
        if _TAINTED in line.text:
            return False
        if _ALL_CPUS in line.text:
            self.all_cpus = True
        elif self.seen > self.complete_after and _AFTERMATH.search(line.text):
            self.aftermath = not (self.probed and STOPPED.search(line.text))
        return not self.aftermath

    def _trust_guesses(self, cut: int) -> int:
        """Keep the doubtful frames when the first ``cut`` lines have no others; the number of lines gained."""
        if any(is_frame(line.text) for line in self.kept[:cut]):
            return 0
        for before, line in reversed(self.guesses):
            self.kept.insert(before, line)
        return len(self.guesses)

    def _lead(self) -> list[Line]:
        wanted = _LEAD_SAME_TASK if is_task(self.caller) else _LEAD
        among_others = self.probed and self.kept[0].caller == NO_PREFIX  #: the host's lines among the kernel's
        lead: list[Line] = []
        for line in lines_back(self.log, self.crash.start, _LEAD_REACH):
            if self.probed and lead and closes(line.text):
                break  # the end of another report of the probe's
            if (among_others or line.caller == self.caller) and line.text and not line.doubtful:
                lead.append(line)
                if len(lead) == wanted:
                    break
        return lead[::-1]


def _joined(lines: Sequence[Line]) -> str:
    return "".join([f"{line.text}\n" for line in lines])
