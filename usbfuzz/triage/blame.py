"""Who is to blame besides the guilty function: its module, its source file, the task that ran."""

from __future__ import annotations

import posixpath
import re

__all__ = ["guilty_file", "guilty_module", "running_task"]

#: Looked for only where a name begins, so that a long line without end costs no more than its length.
_FILE = re.compile(r"(?<![A-Za-z0-9_\-./])([A-Za-z0-9_\-./]*[A-Za-z0-9_\-]\.(?:c|h|rs)):\d+")
_ENDINGS = (".c:", ".h:", ".rs:")  #: one of them is in what that finds; sooner looked for

#: Generic files: bugs of every sort have frames in them.
_GENERIC_FILES = re.compile(
    r".*\.h$|lib/|virt/lib/|trusty/|rust/|arch/[^/]+/lib/crc"
    r"|mm/(?:kasan|kmsan|kfence)/|mm/(?:sl.b|filemap|folio-compat|truncate|memory|percpu.*|vmalloc|page_alloc|mempool|util)\.c$"
    r"|kernel/(?:rcu|locking|sched|printk)/|kernel/(?:kcov|panic|softirq|kthread|stacktrace|time/timer|workqueue)\.c$"
    r"|arch/[^/]+/kernel/(?:traps|unwind.*|stacktrace|apic/apic|entry.*|process)\.c$|arch/[^/]+/mm/(?:fault|physaddr)\.c$"
    r"|net/core/(?:dev|sock|skbuff)\.c$|fs/proc/generic\.c$|drivers/usb/core/urb\.c$"
)
#: Lines that name a place which has nothing to do with the bug.
_ASIDE = re.compile(r"(?:hardirqs|softirqs)\s+last\s+(?:enabled|disabled)|^Register r\d+ information")

#: "CPU: 0 PID: 1 Comm: khubd Not tainted", up to 3.9 "Pid: 1, comm: khubd Not tainted", before 2.6.27 the third.
_TASK = re.compile(r" [Cc]omm: (.+?) (?:Not tainted|Tainted)| [Cc]omm: (\S+)|^Process (\S+) \(pid: ", re.MULTILINE)


def guilty_file(report: str) -> str | None:
    """The first source file named that is not generic; else the first named; None when none is."""
    fallback = None
    for line in report.split("\n"):
        if not any(ending in line for ending in _ENDINGS):
            continue
        found = _FILE.search(line)
        if found is None or _ASIDE.search(line):
            continue
        name = posixpath.normpath(found.group(1))
        if not _GENERIC_FILES.match(name):
            return name
        fallback = fallback or name
    return fallback


def guilty_module(report: str, symbol: str) -> str | None:
    """The module in whose code a symbol lies, from a line "symbol+0x12/0x34 [module]"; None for built-in code."""
    found = re.search(
        rf"\b{re.escape(symbol)}(?:\.[\w.]+)?(?:(?:\+0x[0-9a-fx/]+)? \[([\w\-]+)"
        r"| \([^\n]*:\d+(?: \(discriminator \d+\))?\) ([\w\-]+)(?:\n|\Z))",  # decode_stacktrace.sh's form
        report,
    )
    return (found[1] or found[2]) if found else None


def running_task(report: str) -> str | None:
    """The task named in the report's "CPU: 0 PID: 1 Comm: ..." line."""
    found = _TASK.search(report)
    return next(filter(None, found.groups())) if found else None
