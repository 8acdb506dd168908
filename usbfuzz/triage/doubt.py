"""Which reports may be no more than what corrupted memory led to, long after and far from the bug itself."""

from __future__ import annotations

import re

from .report import Report, same_bug
from .shape import UNKNOWN_FRAME
from .types import CrashType

__all__ = ["doubt_of", "leads_to"]

#: What a kernel that goes on has not suffered from: a report of these types says nothing about its memory.
_HARMLESS = frozenset(
    {
        CrashType.ATOMIC_SLEEP, CrashType.BOGUS_URB, CrashType.HANG, CrashType.KMSAN_LEAK, CrashType.LEAK,
        CrashType.LOCKDEP, CrashType.UBSAN, CrashType.WARNING,
    }
)  # fmt: skip
#: What a write to the wrong place leads to sooner or later, whoever made it.
_FOLLOWS = (
    "BUG: corrupted list in ",
    "BUG: Bad page ",
    "silent death of the guest",
    "kernel panic: stack is corrupted",
)
#: How titles of hangs begin that the kernel itself has noticed.
_BY_THE_KERNEL = ("INFO: ", "BUG: ", "kernel panic: ")
#: A kernel whose drivers are modules, so that a stack tells whether one is on it.
_MODULAR = re.compile(r"^Modules linked in: \w", re.MULTILINE)


def _corrupts(report: Report) -> bool:
    """Whether anything that comes after the report in the same guest may come of it."""
    return report.type not in _HARMLESS


def leads_to(first: Report, second: Report) -> bool:
    """Whether ``second``, another bug's by its title, came of ``first``, which is earlier in the same guest."""
    if same_bug(first, second):
        return False
    return _corrupts(first) or (first.type is CrashType.HANG and second.type is CrashType.HANG)


def doubt_of(report: Report, *, late: bool = False) -> str:
    """Why a report may be no bug, or a consequence of something that left no report; "" when nothing says so.

    ``late``: answers of ours came so late in that run that the guest may have waited for us.
    """
    if late and report.type is CrashType.HANG:
        return "the guest was answered late, which can look like a hang"
    if report.title.startswith(_FOLLOWS) or report.type is CrashType.SLAB_CORRUPTION:
        return "reports of its sort follow when somebody else has overwritten memory"
    if report.type is CrashType.HANG and not report.title.startswith(_BY_THE_KERNEL):
        return "the kernel did not report it, and a busy machine can look like a hang"
    if report.title.endswith(f" in {UNKNOWN_FRAME}"):
        return "no function is to blame"
    if _corrupts(report) and not report.guilty and _MODULAR.search(report.text):
        return "no driver is on its stack"
    return ""
