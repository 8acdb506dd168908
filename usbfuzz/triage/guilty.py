"""The driver behind a report: the first module on its stack that binds devices, where a core's function was caught."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable

from attrs import evolve

from .probed import heap_facts
from .report import Report
from .stack import module_of

__all__ = ["blamed", "stack_modules"]

#: What follows in a report is not the road to the bug: who allocated and freed the object that was hit.
_TRACK = re.compile(r" *(?:(?:Allocated|Freed)(?: by(?: task \d+)?)?:|Last potentially related work creation:)")
#: Where a stack goes on with the task that an interrupt came into, which has nothing to do with it.
_INTERRUPTED = re.compile(r" *</(?:IRQ|SOFTIRQ)>")
_TRACE = re.compile(r" *(?:Call [Tt]race:|<NMI>|<IRQ>|<TASK>)")


def stack_modules(report: str) -> tuple[str, ...]:
    """The modules on a report's stacks, innermost first, each once; those that handled the object before come last."""
    path: dict[str, None] = {}
    tracks: dict[str, None] = {}
    into, interrupted = path, False
    for line in report.split("\n"):
        if _TRACK.match(line):
            into = tracks
        elif _TRACE.match(line):
            into, interrupted = path, False
        elif _INTERRUPTED.match(line):
            interrupted = True
        elif not interrupted and (module := module_of(line)):
            into.setdefault(module)
    return tuple(dict.fromkeys((*path, *tracks)))


def blamed(reports: Iterable[Report], drivers: Collection[str]) -> tuple[Report, ...]:
    """The reports with their guilty drivers; ``drivers`` are the modules that bind devices, with underscores.

    Uses of one freed object get a name in common: it is one bug wherever the driver uses the object next.
    """
    return tuple(_with_object(evolve(report, guilty=_guilty(report, drivers))) for report in reports)


def _with_object(report: Report) -> Report:
    """The report with another title, where its guilty driver allocated the object whose use after free it is."""
    facts = heap_facts(report.text) if report.guilty and "use-after-free" in report.title else None
    if facts is None or not facts.freed or not facts.allocated.endswith(f" [{report.guilty}]"):
        return report
    name = f"use-after-free of what {facts.allocated} allocated and {facts.freed} freed"
    return evolve(report, alt_titles=tuple(dict.fromkeys((*report.alt_titles, name))))


def _guilty(report: Report, drivers: Collection[str]) -> str:
    """The innermost driver, which may be the module of the title's own function; "" when there is none."""
    modules = (report.module.replace("-", "_"), *report.modules) if report.module else report.modules
    return next((module for module in modules if module in drivers), "")
