"""What the console shows, what that means for the guest, and reports on guests that stopped without a word."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from usbfuzz.triage import Kind, Report, extract, once_only, same_bug
from usbfuzz.triage.functions import bare_name, is_generic

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .guest.process import Qemu

__all__ = ["death_report", "hang_report", "may_run_on", "runs_on_after", "shown"]

_TAIL = 4000
_BARE = re.compile(r"-\[ cut here \]-+\n[^\n]*WARNING: ")
_WARNING = re.compile(r"WARNING: .*")
_FRAME = re.compile(r"^(?:\[[^\]]*\])?\s+([A-Za-z_][\w.]*)\+0x[0-9a-f]+/0x", re.MULTILINE)
#: Kept out of titles besides what triage calls generic: how a task waits says nothing about what for.
_WAITING = re.compile(r"_*(?:schedule|wait_for|usb_(?:start_wait|control_msg|bulk_msg)|msleep|io_schedule|mutex_lock)")


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
        if not runs_on_after(report) or not any(same_bug(report, one) for one in known):
            return False
    return not once_only(_WARNING.sub("", console) if reports else console)


def hang_report(stacks: str, how: str) -> Report:
    """A hang, named after the function its stacks blame, else after ``how`` it hangs.

    ``stacks`` is what :func:`harness.guest.autopsy.autopsy` made the guest print: blocked tasks (sysrq ``w``), and
    what an NMI interrupted.
    """
    frame = _blocked(stacks) or next((report.frame for report in extract(stacks) if report.frame), None)
    return _report(f"hang in {frame}" if frame else f"hang: {how}", frame, Kind.HANG, stacks)


def _blocked(stacks: str) -> str | None:
    """The first telling function of the blocked tasks."""
    tasks = stacks.partition("Show Blocked State")[2].partition("Show backtrace")[0]
    for function in map(bare_name, _FRAME.findall(tasks)):
        if not is_generic(function) and not _WAITING.match(function):
            return function
    return None


def death_report(console: str, qemu: Qemu) -> Report:
    """QEMU ended and the guest had said nothing: a triple fault, or a bug of QEMU's own (an abort signal)."""
    words = qemu.last_words()
    title = f"QEMU died: {qemu.status}" if qemu.signalled else "silent death of the guest"
    return _report(title, None, Kind.REBOOT, f"{console}\nQEMU: {qemu.status} {words}")


def _report(title: str, frame: str | None, kind: Kind, console: str) -> Report:
    return Report(
        title=title,
        alt_titles=(),
        type=kind,
        frame=frame,
        file=None,
        module=None,
        task=None,
        corruption="",
        suppressed=False,
        panicked=False,
        count=1,
        start=0,
        end=len(console),
        text=console[-_TAIL:],
    )
