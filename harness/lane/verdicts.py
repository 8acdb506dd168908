"""What the console shows, what that means for the guest, and reports on guests that stopped without a word."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from usbfuzz.triage import Kind, Report, extract, once_only, same_bug
from usbfuzz.triage.functions import bare_name, is_generic

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.guest.process import Qemu

__all__ = ["death_report", "hang_report", "may_run_on", "runs_on_after", "shown"]

_TAIL = 4000
_BARE = re.compile(r"-\[ cut here \]-+\n[^\n]*WARNING: ")
_WARNING = re.compile(r"WARNING: .*")
#: A function and its module, of a frame the unwinder is sure of (the others have a "?") or of where a CPU was.
_FRAME = re.compile(
    r"^(?:\[[^\]]*\])?\s+(?:RIP: 0010:)?([A-Za-z_][\w.]*)\+0x[0-9a-f]+/0x[0-9a-f]+(?: \[(\w+)\])?", re.MULTILINE
)
#: Where an NMI's own stack ends and that of what it interrupted begins.
_INTERRUPTED = re.compile(r"\bend_repeat_nmi\b.*|\bnmi\+0x.*")
#: Kept out of titles besides what triage calls generic: how a task waits says nothing about what for.
_WAITING = re.compile(
    r"_*(?:schedule|wait_for|usb_(?:start_wait|control_msg|bulk_msg|set_interface)|msleep|io_schedule|mutex_lock)"
)
#: What idles, and where stacks begin.
_BOTTOM = re.compile(
    r"(?:default|do|arch_cpu|amd_e400)_idle|cpuidle_|(?:pv_)?native_safe_halt|cpu_startup_entry|(?:arch_call_)?rest_init"
    r"|\w*start_kernel|x86_64_start|secondary_startup|kthread$|worker_thread|process_one_work|process_scheduled_works|ret_from_fork"
    r"|do_syscall_64|entry_SYSCALL"
)


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
    frame, module = _blocked(stacks) or _interrupted(stacks) or (None, None)
    if frame is None:
        frame, module = next(((one.frame, one.module) for one in extract(stacks) if one.frame), (None, None))
    return _report(f"hang in {frame}" if frame else f"hang: {how}", Kind.HANG, stacks, frame=frame, module=module)


def _blocked(stacks: str) -> tuple[str, str | None] | None:
    """The first telling function of the blocked tasks, and its module."""
    return _telling(stacks.partition("Show Blocked State")[2].partition("Show backtrace")[0])


def _interrupted(stacks: str) -> tuple[str, str | None] | None:
    """The same of what the NMI interrupted; its panic says only that it came."""
    nmi = _INTERRUPTED.search(stacks)
    return _telling(stacks[nmi.end() :]) if nmi else None


def _telling(stack: str) -> tuple[str, str | None] | None:
    """The first function that says what a task is about, and its module."""
    for match in _FRAME.finditer(stack):
        function = bare_name(match[1])
        if not (is_generic(function) or _WAITING.match(function) or _BOTTOM.match(function)):
            return function, match[2]
    return None


def death_report(console: str, qemu: Qemu) -> Report:
    """QEMU ended and the guest had said nothing: a triple fault, or a bug of QEMU's own (an abort signal)."""
    words = qemu.last_words()
    title = f"QEMU died: {qemu.status}" if qemu.signalled else "silent death of the guest"
    return _report(title, Kind.REBOOT, f"{console}\nQEMU: {qemu.status} {words}")


def _report(title: str, kind: Kind, console: str, *, frame: str | None = None, module: str | None = None) -> Report:
    return Report(
        title=title,
        alt_titles=(),
        type=kind,
        frame=frame,
        file=None,
        module=module,
        task=None,
        corruption="",
        suppressed=False,
        panicked=False,
        count=1,
        start=0,
        end=len(console),
        text=console[-_TAIL:],
    )
