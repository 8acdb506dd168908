"""Processor faults: page faults, protection faults, divisions, traps, and what other architectures call them."""

from __future__ import annotations

from collections.abc import Mapping

from usbfuzz.triage.picks import stalled_frame
from usbfuzz.triage.shape import Shape, at_fault, at_pc, at_trace
from usbfuzz.triage.types import CrashType

__all__ = ["SHAPES"]

_BAD_ACCESS = ("bad-access in {frame}",)


def _unhandled(words: Mapping[str, str]) -> CrashType | None:
    return {
        "paging request": CrashType.MEMORY_SAFETY_BUG,
        "NULL pointer dereference": CrashType.NULL_DEREFERENCE,
    }.get(words["access"])


_PAGE_FAULTS = (
    Shape(
        "BUG:",
        r"BUG: (?:unable to handle (?:kernel paging request|page fault for address)"
        r"|Unable to handle kernel data access)",
        "BUG: unable to handle kernel paging request in {frame}",
        CrashType.MEMORY_SAFETY_BUG, at_fault(), alt=_BAD_ACCESS,
    ),
    Shape(
        "BUG:", r"BUG: (?:unable to handle )?[kK]ernel NULL pointer dereference",
        "BUG: unable to handle kernel NULL pointer dereference in {frame}",
        CrashType.NULL_DEREFERENCE, at_fault(), alt=_BAD_ACCESS,
    ),
    # The rest of this line is a printk() of its own and can be lost.
    Shape("BUG:", r"BUG: [uU]nable to handle kernel", "BUG: unable to handle kernel", broken=True),
    Shape(
        "Unable to handle kernel",
        r"Unable to handle kernel (?P<access>paging request|NULL pointer dereference|access to user memory)",
        "BUG: unable to handle kernel {access} in {frame}", _unhandled, at_fault(), alt=_BAD_ACCESS,
    ),
)  # fmt: skip

_TRAPS = (
    Shape(
        "general protection fault", "general protection fault.*:", "general protection fault in {frame}",
        CrashType.DENIAL, at_fault(), alt=_BAD_ACCESS,
    ),
    Shape("stack segment: ", "stack segment: ", "stack segment fault in {frame}", CrashType.DENIAL, at_fault()),
    Shape("divide error:", "divide error: ", "divide error in {frame}", CrashType.DENIAL, at_pc()),
    Shape(  # 5.8 to 6.x spelling
        "divide_error:", "divide_error: ", "divide error in {frame}",
        CrashType.DENIAL, at_pc(),
    ),
    Shape("invalid opcode:", "invalid opcode: ", "invalid opcode in {frame}", CrashType.DENIAL, at_pc()),
    Shape("PANIC: double fault", "PANIC: double fault", "PANIC: double fault in {frame}", CrashType.DENIAL, at_pc()),
)  # fmt: skip

_OTHER_ARCHITECTURES = (
    Shape(
        "Internal error:", "Internal error:", "Internal error in {frame}",
        CrashType.DENIAL, at_fault(), alt=_BAD_ACCESS,
    ),
    Shape(
        "Unhandled fault:", "Unhandled fault:", "Unhandled fault in {frame}",
        CrashType.DENIAL, at_fault(), alt=_BAD_ACCESS
    ),
    Shape("Alignment trap:", "Alignment trap:", "Alignment trap in {frame}", CrashType.DENIAL, at_fault()),
)  # fmt: skip

_STACKS = (
    Shape(
        "BUG:", "BUG: .*stack guard page was hit at", "BUG: stack guard page was hit in {frame}",
        trail=at_fault(pick=stalled_frame), alt=("stack-overflow in {frame}",),
    ),
)  # fmt: skip

_ASSERTIONS = (
    Shape(
        "kernel BUG", r"kernel BUG at mm/usercopy\.c", "BUG: bad usercopy in {frame}",
        CrashType.BUG, at_trace("usercopy|__check"),
    ),
    Shape(
        "kernel BUG", r"kernel BUG at lib/list_debug\.c", "BUG: corrupted list in {frame}",
        CrashType.MEMORY_SAFETY_BUG, at_trace(), alt=_BAD_ACCESS,
    ),
    # skb_panic() and its like: the caller gave them a buffer without room, so they are skipped.
    Shape("kernel BUG", "kernel BUG at .*", "kernel BUG in {frame}", CrashType.BUG, at_fault("^skb_")),
    Shape("Kernel BUG", "Kernel BUG (?P<what>.*)", "kernel BUG {what}", CrashType.BUG),
    Shape(
        "rust_kernel: panicked", "rust_kernel: panicked", "{what} in {frame}",
        detail=r"rust_kernel: panicked at [^\n]*?\n(?P<what>[^\n]+)\n",
        trail=at_trace("__rustc::rust_begin_unwind"),
    ),
)  # fmt: skip

SHAPES = (*_PAGE_FAULTS, *_TRAPS, *_OTHER_ARCHITECTURES, *_STACKS, *_ASSERTIONS)
