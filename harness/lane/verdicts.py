"""What the console shows, what that means for the guest, and reports on guests that stopped without a word."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from usbfuzz.triage import Kind, Report, extract, once_only, same_bug

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.guest.process import Qemu

__all__ = ["death_report", "may_run_on", "runs_on_after", "shown"]

#: Characters of the console kept as the text of a report that the harness makes.
_TAIL = 4000
_BARE = re.compile(r"-\[ cut here \]-+\n[^\n]*WARNING: ")
_WARNING = re.compile(r"WARNING: .*")


def shown(console: str) -> tuple[Report, ...]:
    """The reports on the console, without those that are nobody's bug."""
    return tuple(report for report in extract(console) if not report.suppressed)


def runs_on_after(report: Report) -> bool:
    """Whether ``report`` is a bare WARN_ON(): the code goes on as it was written to, and the warning can come again.

    WARN_ON_ONCE() is one too: lib/bug.c keeps its flag where clear_warn_once finds it, in modules as well. A WARNING
    with words may be a WARN_ONCE(), whose flag in a module nothing clears; other reports tell of broken memory.
    """
    return report.type is Kind.WARNING and _BARE.search(report.text) is not None


def may_run_on(console: str, reports: Sequence[Report], known: Sequence[Report]) -> bool:
    """Whether a guest that printed this shows every bug as well as before, if its warnings are armed again."""
    for report in reports:
        if not runs_on_after(report) or not any(same_bug(report, seen) for seen in known):
            return False
    return not once_only(_WARNING.sub("", console) if reports else console)


def death_report(console: str, qemu: Qemu) -> Report:
    """QEMU ended and the guest had said nothing: a triple fault, or a bug of QEMU's own (an abort signal)."""
    words = qemu.last_words()
    title = f"QEMU died: {qemu.status}" if qemu.signalled else "silent death of the guest"
    text = f"{console}\nQEMU: {qemu.status} {words}"
    return Report(title, type=Kind.REBOOT, text=text[-_TAIL:])
