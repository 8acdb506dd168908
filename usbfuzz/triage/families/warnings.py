"""WARN() and its relatives: a line of source, and the stack that led there."""

from __future__ import annotations

import re

from usbfuzz.triage.shape import SOURCE, Shape, at_warning, path
from usbfuzz.triage.stack import FUNCTION, PC_LINE, is_traced
from usbfuzz.triage.types import CrashType

__all__ = ["SHAPES"]


def _library(sign: str, title: str, kind: CrashType, skip: str = "") -> Shape:
    """A check in a library: the bug is its caller's, so its own functions are skipped."""
    return Shape("WARNING:", "WARNING: " + sign, title + " in {frame}", kind, at_warning(skip))


#: Blanks in these lines may be line feeds: a mailer that wraps a first line does it behind the place of source.
_CHECKS = (
    _library(
        r".*lib/debugobjects\.c.*\s(?:debug_print|debug_check|at)", "WARNING: ODEBUG bug", CrashType.WARNING,
        "debug_|rcu|hrtimer_|timer_|work_|percpu_|vunmap|vfree|__free_|kobject_",
    ),
    _library(
        r".*mm/usercopy\.c.*\s(?:usercopy_warn|at)", "WARNING: bad usercopy", CrashType.WARNING, "usercopy|__check"
    ),
    _library(r".*lib/kobject\.c.*\s(?:kobject_|at)", "WARNING: kobject bug", CrashType.WARNING, "kobject_"),
    _library(
        r".*fs/proc/generic\.c.*\s(?:proc_register|at)", "WARNING: proc registration bug", CrashType.WARNING, "proc_"
    ),
    _library(
        r".*lib/refcount\.c.*\s(?:refcount_|at)", "WARNING: refcount bug", CrashType.REFCOUNT, "refcount|kobject_"
    ),
    _library(
        r".*kernel/locking/lockdep\.c.*lock_", "WARNING: locking bug", CrashType.LOCKDEP, "lock_sock|release_sock"
    ),
    _library(
        r".*mm/.*\.c.*\sk?.?malloc", "WARNING: kmalloc bug", CrashType.WARNING, "kmalloc|krealloc|slab|kmem"
    ),
    _library(r".*mm/vmalloc.c.*__vmalloc_node", "WARNING: zero-size vmalloc", CrashType.WARNING),
)  # fmt: skip

_USB = (
    Shape(
        "WARNING:", r"WARNING: .*\susb_submit_urb", "WARNING in {frame}/usb_submit_urb", CrashType.WARNING,
        at_warning("usb_submit_urb|usb_start_wait_urb|usb_(?:bulk|interrupt|control)_msg"),
    ),
)  # fmt: skip


def _cut(before: str, report: str) -> bool:
    """Whether somebody cut out the first line, which alone tells where the CPU was.

    When the log ends while the kernel prints the report, nobody did: syzbot calls such a title corrupted.
    """
    if is_traced(report) or PC_LINE.search(report):
        return False
    begun = _CUT_HERE in before[before.rstrip("\n").rfind("\n") + 1 :]
    further = report.split("\n")[1:-1]
    return not all(_HEADING.match(line) for line in further) if further else not begun


_CUT_HERE = "[ cut here ]"
#: What follows the first line, and comes before the stack.
_HEADING = re.compile(" *(?:Modules linked in|CPU: |Hardware name|Workqueue: |Pid: )|$")
#: "file.c:1 f+0x1/0x2" and from 6.17 on "file.c:1 at f+0x1/0x2"; 2.6.26 printed "file.c:1 f()".
_FIRST_LINE = rf"{SOURCE} (?:at )?(?:{FUNCTION}|(\w+)\(\))"
_CUT_BEHIND_FIRST_LINE = (
    Shape(
        "WARNING:", rf"WARNING: .*{_FIRST_LINE}", "WARNING in {frame}", CrashType.WARNING, path(_FIRST_LINE), when=_cut
    ),
)

_PLAIN = tuple(
    Shape("WARNING:", "WARNING: " + sign, "WARNING in {frame}", CrashType.WARNING, at_warning())
    for sign in (
        rf"{SOURCE} at 0x\d+, CPU#\d+",  # 6.19: the address is a mere offset
        rf"(?:.*\s)?at\s{SOURCE}\s(?:{FUNCTION}|\w+\(\))",  # CPU: 0 PID: 1 at file.c:1 f+0x1/0x2
        rf"{SOURCE}\sat\s{FUNCTION}",  # 6.17: file.c:1 at f+0x1/0x2, CPU#0: task/1
        rf"\[.*\] {SOURCE} at {FUNCTION}",  # the same with the condition before it
    )
)

_UNWINDER = (
    Shape(
        "WARNING:", "WARNING: kernel stack regs at [0-9a-f]+ in [^ ]* has bad '(?P<what>[^']+)' value",
        "WARNING: kernel stack regs has bad '{what}' value", traced=False,
    ),
    Shape(
        "WARNING:", "WARNING: kernel stack frame pointer at [0-9a-f]+ in [^ ]* has bad value",
        "WARNING: kernel stack frame pointer has bad value", traced=False,
    ),
    Shape(
        "WARNING:", "WARNING: kernel stack (?:regs .* has bad 'bp' value|frame pointer .* has bad value)",
        "WARNING: kernel stack regs has bad value", traced=False,
    ),
)  # fmt: skip

_CUT = (Shape("WARNING:", r"WARNING:\s*(?:\n|\Z)", "WARNING: corrupted", broken=True),)

SHAPES = (*_CHECKS, *_USB, *_CUT_BEHIND_FIRST_LINE, *_PLAIN, *_UNWINDER, *_CUT)
