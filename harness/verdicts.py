"""Reports the harness writes itself, for guests that stopped without the kernel saying why."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from usbfuzz.triage import Kind, Report, extract
from usbfuzz.triage.functions import bare_name, is_generic

if TYPE_CHECKING:
    from .guest.process import Qemu

__all__ = ["death_report", "hang_report"]

_TAIL = 4000
_FRAME = re.compile(r"^(?:\[[^\]]*\])?\s+([A-Za-z_][\w.]*)\+0x[0-9a-f]+/0x", re.MULTILINE)
#: Kept out of titles besides what triage calls generic: how a task waits says nothing about what for.
_WAITING = re.compile(r"_*(?:schedule|wait_for|usb_(?:start_wait|control_msg|bulk_msg)|msleep|io_schedule|mutex_lock)")


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
