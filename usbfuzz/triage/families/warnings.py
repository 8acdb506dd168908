"""WARN() and its relatives: a line of source, and the stack that led there."""

from __future__ import annotations

from usbfuzz.triage.shape import SOURCE, Shape, at_warning
from usbfuzz.triage.stack import FUNCTION
from usbfuzz.triage.types import CrashType

__all__ = ["SHAPES"]


def _library(sign: str, title: str, kind: CrashType, skip: str = "") -> Shape:
    """A check in a library: the bug is its caller's, so its own functions are skipped."""
    return Shape("WARNING:", "WARNING: " + sign, title + " in {frame}", kind, at_warning(skip))


_CHECKS = (
    _library(
        r".*lib/debugobjects\.c.* (?:debug_print|debug_check|at)", "WARNING: ODEBUG bug", CrashType.WARNING,
        "debug_|rcu|hrtimer_|timer_|work_|percpu_|vunmap|vfree|__free_|kobject_",
    ),
    _library(
        r".*mm/usercopy\.c.* (?:usercopy_warn|at)", "WARNING: bad usercopy", CrashType.WARNING, "usercopy|__check"
    ),
    _library(r".*lib/kobject\.c.* (?:kobject_|at)", "WARNING: kobject bug", CrashType.WARNING, "kobject_"),
    _library(
        r".*fs/proc/generic\.c.* (?:proc_register|at)", "WARNING: proc registration bug", CrashType.WARNING, "proc_"
    ),
    _library(
        r".*lib/refcount\.c.* (?:refcount_|at)", "WARNING: refcount bug", CrashType.REFCOUNT, "refcount|kobject_"
    ),
    _library(
        r".*kernel/locking/lockdep\.c.*lock_", "WARNING: locking bug", CrashType.LOCKDEP, "lock_sock|release_sock"
    ),
    _library(
        r".*mm/.*\.c.* k?.?malloc", "WARNING: kmalloc bug", CrashType.WARNING, "kmalloc|krealloc|slab|kmem"
    ),
    _library(r".*mm/vmalloc.c.*__vmalloc_node", "WARNING: zero-size vmalloc", CrashType.WARNING),
)  # fmt: skip

_USB = (
    Shape(
        "WARNING:", "WARNING: .* usb_submit_urb", "WARNING in {frame}/usb_submit_urb", CrashType.WARNING,
        at_warning("usb_submit_urb|usb_start_wait_urb|usb_(?:bulk|interrupt|control)_msg"),
    ),
)  # fmt: skip

_PLAIN = tuple(
    Shape("WARNING:", "WARNING: " + sign, "WARNING in {frame}", CrashType.WARNING, at_warning())
    for sign in (
        rf"{SOURCE} at 0x\d+, CPU#\d+",  # 6.19: the address is a mere offset
        rf".* at {SOURCE} {FUNCTION}",  # CPU: 0 PID: 1 at file.c:1 f+0x1/0x2
        rf"{SOURCE} at {FUNCTION}",  # 6.17: file.c:1 at f+0x1/0x2, CPU#0: task/1
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

SHAPES = (*_CHECKS, *_USB, *_PLAIN, *_UNWINDER, *_CUT)
