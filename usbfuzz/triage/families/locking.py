"""Reports of lockdep, RCU's checks and the atomic-context checks."""

from __future__ import annotations

from attrs import evolve

from usbfuzz.triage.shape import LOCK_PLACE, SOURCE, Shape, at_trace, at_warning, later, path
from usbfuzz.triage.stack import ADDRESS, CALL_TRACE, FUNCTION, STACK
from usbfuzz.triage.types import CrashType

__all__ = ["SHAPES"]

_PLACE = FUNCTION.replace("(", "(?P<place>", 1)
#: 4.x: "at: [<ffffffff8123>] f+0x1/0x2"; the address was dropped in 4.15.
_OLD_LOCK_PLACE = rf"at: {ADDRESS} +{_PLACE}"
_AT = rf"at: (?:{ADDRESS} +)?{FUNCTION}"

_DEADLOCK = "possible deadlock in "
_BALANCE = path(rf"{ADDRESS} +{FUNCTION}", CALL_TRACE, STACK)
_RCU_TRAIL = at_trace("rcu|kmem|slab")


def _old_deadlock(what: str, step: str) -> Shape:
    """4.x says "INFO: possible ... detected ]" and names the place with an address."""
    detail = rf"INFO: {what} \]" + later(step) + later(_OLD_LOCK_PLACE)
    return Shape("INFO:", f"INFO: {what}", _DEADLOCK + "{place}", CrashType.LOCKDEP, detail=detail)


def _user_space(word: str, kind: CrashType | None) -> Shape:
    """Back to user space with a lock held: the first of the locks listed names the bug."""
    line = f"{word}: lock held when returning to user space"
    return Shape(
        f"{word}:", line, line + " in {place}", kind, traced=False,
        detail=line + later("leaving the kernel with locks still held") + later(LOCK_PLACE),
    )  # fmt: skip


_DEADLOCKS = (
    Shape(
        "WARNING:", "WARNING: possible circular locking dependency detected", _DEADLOCK + "{frame}", CrashType.LOCKDEP,
        # The locks of a work item are taken by the functions that run and flush it.
        path(_AT, _AT, STACK, skip="process_one_work|(?:flush|drain|destroy)_workqueue"),
        detail="WARNING: possible circular locking dependency detected" + later("is trying to acquire lock"),
    ),
    Shape(
        "WARNING:", "WARNING: possible irq lock inversion dependency detected", _DEADLOCK + "{place}",
        CrashType.LOCKDEP,
        detail="WARNING: possible irq lock inversion dependency detected"
        + later("just changed the state of lock") + later(LOCK_PLACE),
    ),
    Shape(
        "WARNING:", "WARNING: .*-safe -> .*-unsafe lock order detected", _DEADLOCK + "{frame}", CrashType.LOCKDEP,
        path("which became .* at:", STACK),
    ),
    Shape(
        "WARNING:", "WARNING: possible recursive locking detected", _DEADLOCK + "{place}", CrashType.LOCKDEP,
        detail="WARNING: possible recursive locking detected" + later("is trying to acquire lock") + later(LOCK_PLACE),
    ),
    Shape(
        "WARNING:", "WARNING: inconsistent lock state", "inconsistent lock state in {frame}",
        CrashType.LOCKDEP, at_trace(),
        detail="WARNING: inconsistent lock state" + later("takes") + later(LOCK_PLACE),
    ),
    _old_deadlock("possible circular locking dependency detected", "is trying to acquire lock"),
    _old_deadlock("possible irq lock inversion dependency detected", "just changed the state of lock"),
    _old_deadlock("SOFTIRQ-safe -> SOFTIRQ-unsafe lock order detected", "is trying to acquire"),
    _old_deadlock("possible recursive locking detected", "is trying to acquire lock"),
    Shape(
        "INFO:", "INFO: inconsistent lock state", "inconsistent lock state in {place}", CrashType.LOCKDEP,
        detail=r"INFO: inconsistent lock state \]" + later("takes") + later(_OLD_LOCK_PLACE),
    ),
)  # fmt: skip

_HELD = (
    Shape(
        "BUG:", "BUG: .*still has locks held!", "BUG: still has locks held in {place}", CrashType.LOCKDEP,
        detail="BUG: .*still has locks held!" + later(rf"{ADDRESS} +{_PLACE}"),
    ),
    Shape(
        "WARNING:", "WARNING: .*still has locks held!", "WARNING: still has locks held in {place}", CrashType.LOCKDEP,
        detail="WARNING: .*still has locks held!" + later(f"at: {_PLACE}"),
    ),
    _user_space("BUG", None),
    _user_space("WARNING", CrashType.LOCKDEP),
    Shape(
        "BUG:", "BUG: held lock freed!", "BUG: held lock freed in {place}", CrashType.LOCKDEP,
        detail="BUG: held lock freed!" + later(rf"{ADDRESS} +{_PLACE}"),
    ),
    Shape(
        "WARNING:", "WARNING: held lock freed!", "WARNING: held lock freed in {place}", CrashType.LOCKDEP,
        detail="WARNING: held lock freed!" + later(rf"at:(?: {ADDRESS})? +{_PLACE}"),
    ),
    Shape(
        "BUG:", "BUG: bad unlock balance detected!", "BUG: bad unlock balance in {frame}",
        CrashType.LOCKDEP, _BALANCE,
    ),
    Shape(
        "WARNING:", "WARNING: bad unlock balance detected!", "WARNING: bad unlock balance in {frame}",
        CrashType.LOCKDEP, _BALANCE,
    ),
    Shape(
        "WARNING:", "WARNING: Nested lock was not taken", "WARNING: nested lock was not taken in {frame}",
        CrashType.LOCKDEP, at_warning(),
    ),
    Shape(
        "BUG:", "BUG: workqueue leaked lock or atomic", "BUG: workqueue leaked lock or atomic in {place}",
        detail="BUG: workqueue leaked lock or atomic" + later(r"last function: (?P<place>\w+)\n"), traced=False,
    ),
)  # fmt: skip

_MISUSE = (
    Shape(
        "BUG:",
        "BUG: (?P<lock>spinlock|rwlock) (?P<what>lockup suspected|already unlocked|(?:cpu )?recursion|bad magic"
        "|wrong owner|wrong CPU|trylock failure on UP)",
        "BUG: {lock} {what} in {frame}", CrashType.LOCKDEP, at_trace("spin_|_lock|_unlock"),
    ),
    Shape(
        "INFO:", "INFO: trying to register non-static key", "INFO: trying to register non-static key in {frame}",
        trail=at_trace("stack|lock|IRQ"),
    ),
    # arm prints this heading where others print a WARNING in lockdep.c.
    Shape(
        "BUG:", "BUG: Invalid wait context", "WARNING: locking bug in {frame}", CrashType.LOCKDEP,
        evolve(at_trace("lock_sock|release_sock"), otherwise=path("is trying to lock", _AT)),
    ),
)  # fmt: skip

_RCU = (
    Shape(
        "WARNING:", "WARNING: suspicious RCU usage", "WARNING: suspicious RCU usage in {frame}", CrashType.LOCKDEP,
        _RCU_TRAIL, detail="WARNING: suspicious RCU usage" + later(SOURCE),
    ),
    Shape(
        "INFO:", "INFO: suspicious RCU usage", "INFO: suspicious RCU usage in {frame}", None,
        _RCU_TRAIL, detail="INFO: suspicious RCU usage" + later(SOURCE),
    ),
)  # fmt: skip

_ATOMIC = (
    Shape(
        "BUG:", "BUG: sleeping function called from invalid context at .*",
        "BUG: sleeping function called from invalid context in {frame}", CrashType.ATOMIC_SLEEP, at_trace(),
    ),
    Shape(
        "BUG:", "BUG: scheduling while atomic", "BUG: scheduling while atomic in {frame}",
        CrashType.ATOMIC_SLEEP, at_trace("schedule"),
    ),
    Shape(
        "BUG:", r"BUG: using (?P<what>[a-z_]+)\(\) in preemptible",
        "BUG: using {what}() in preemptible code in {frame}",
        CrashType.LOCKDEP, at_trace("dump_stack|preempt|debug_|processor_id|this_cpu"),
    ),
)  # fmt: skip

SHAPES = (*_DEADLOCKS, *_HELD, *_MISUSE, *_RCU, *_ATOMIC)
