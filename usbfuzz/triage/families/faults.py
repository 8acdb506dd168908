"""Processor faults: page faults, protection faults, divisions, traps, and the assertions that end in one."""

from __future__ import annotations

import re
from collections.abc import Mapping

from attrs import evolve

from usbfuzz.triage.heads import TRAP
from usbfuzz.triage.picks import overflowing_frame, recurses
from usbfuzz.triage.printed import FAULT_ADDRESS
from usbfuzz.triage.shape import Shape, at_fault, at_pc, at_trace
from usbfuzz.triage.stack import CALL_TRACE, PC_LINE, STACK, Trail, frame_names
from usbfuzz.triage.types import CrashType

__all__ = ["SHAPES"]

_BAD_ACCESS = ("bad-access in {frame}",)
_OVERFLOW = ("stack-overflow in {frame}",)

#: Addresses below this are a null pointer with an offset. Not every architecture makes a difference in words.
_NULL_BYTES = 4096
_ADDRESS = rf"(?:at (?:virtual )?address |{FAULT_ADDRESS})(?:0x)?(?P<address>[0-9a-f]+|\(null\))"


def _access(words: Mapping[str, str]) -> CrashType | None:
    if words.get("access") == "access to user memory":
        return None
    address = words.get("address", "")
    null = "NULL" in words.get("access", "") or "null" in address or (address and int(address, 16) < _NULL_BYTES)
    return CrashType.NULL_DEREFERENCE if null else CrashType.MEMORY_SAFETY_BUG


def _circles(_before: str, report: str) -> bool:
    return recurses(frame_names(report))


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
    # bad_page_fault() of powerpc.
    Shape(
        "BUG:", "BUG: Unable to handle (?:kernel )?(?P<access>instruction fetch|unaligned access|unknown paging fault)",
        "BUG: unable to handle kernel {access} in {frame}", _access, at_fault(), clue=_ADDRESS, alt=_BAD_ACCESS,
    ),
    # The rest of this line is a printk() of its own and can be lost.
    Shape("BUG:", r"BUG: [uU]nable to handle kernel", "BUG: unable to handle kernel", broken=True),
    Shape(
        "Unable to handle kernel",
        r"Unable to handle kernel (?P<access>paging request|NULL pointer dereference|access to user memory"
        r"|[a-z][a-z -]*?(?= at | in | for | without | when | with |\n))",
        "BUG: unable to handle kernel {access} in {frame}", _access, at_fault(), clue=_ADDRESS, alt=_BAD_ACCESS,
    ),
)  # fmt: skip

#: The registers, a panic and its trace through bad_stack() down to the function that overflowed.
_OVERFLOWN = Trail(
    (PC_LINE, CALL_TRACE, STACK), re.compile("bad_stack|handle_bad"), overflowing_frame, otherwise=at_pc()
)

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
    Shape("invalid opcode:", "invalid opcode: ", "invalid opcode in {frame}", CrashType.DENIAL, at_pc("usercopy")),
    # What is left of a stack that overflowed, where the kernel does not see it coming.
    Shape(
        "PANIC: double fault", "PANIC: double fault", "PANIC: double fault in {frame}", CrashType.DENIAL,
        at_fault(pick=overflowing_frame), alt=_OVERFLOW, when=_circles,
    ),
    Shape("PANIC: double fault", "PANIC: double fault", "PANIC: double fault in {frame}", CrashType.DENIAL, at_pc()),
)  # fmt: skip

_OTHER_ARCHITECTURES = (
    Shape(
        "Internal error:", "Internal error: kernel stack overflow", "kernel stack overflow in {frame}",
        CrashType.DENIAL, _OVERFLOWN, alt=_OVERFLOW,
    ),
    Shape(
        "Internal error:", "Internal error: Oops - BUG", "kernel BUG in {frame}", CrashType.BUG, at_fault("^skb_"),
    ),
    Shape(
        "Internal error:", "Internal error:", "Internal error in {frame}",
        CrashType.DENIAL, at_fault(), alt=_BAD_ACCESS,
    ),
    Shape(
        "Unhandled fault:", "Unhandled fault:", "Unhandled fault in {frame}",
        CrashType.DENIAL, at_fault(), alt=_BAD_ACCESS
    ),
    Shape("Alignment trap:", "Alignment trap:", "Alignment trap in {frame}", CrashType.DENIAL, at_fault()),
    Shape(
        "Unhandled fault at ", "Unhandled fault at ", "Unhandled fault in {frame}",
        CrashType.DENIAL, at_fault(), alt=_BAD_ACCESS,
    ),
    Shape(
        "Unhandled prefetch abort:", "Unhandled prefetch abort:", "Unhandled prefetch abort in {frame}",
        CrashType.DENIAL, at_fault(), alt=_BAD_ACCESS,
    ),
    Shape(
        "bus error, epc ==", "(?P<what>(?:Data|Instruction) bus error), epc ==", "{what} in {frame}",
        CrashType.DENIAL, at_fault(), alt=_BAD_ACCESS,
    ),
    Shape(
        "Kernel Fault: Code=", "Kernel Fault: Code=", "Kernel Fault in {frame}", _access, at_fault(),
        clue=_ADDRESS, alt=_BAD_ACCESS,
    ),
    Shape(
        "Division by zero in kernel.", "Division by zero in kernel", "divide error in {frame}",
        CrashType.DENIAL, at_trace("div0"),
    ),
)  # fmt: skip


#: Of an oops without its beginning there may be no more left than the program counter.
_AT_OOPS = evolve(at_fault(), otherwise=evolve(at_trace(), otherwise=Trail((PC_LINE,), last_resort=True)))


def _died(head: str) -> tuple[Shape, ...]:
    """What die() says, where the sentence before it is lost, or where there is none."""
    return (
        Shape(
            head, r"(?:Kernel bug detected|Oops - (?:kernel )?BUG|Kernel BUG) ?\[#", "kernel BUG in {frame}",
            CrashType.BUG, at_fault("^skb_"),
        ),
        Shape(
            head, r"stack guard page: [0-9a-f]+ \[#", "BUG: stack guard page was hit in {frame}",
            trail=_OVERFLOWN, alt=_OVERFLOW,
        ),
        Shape(
            head, r"double fault: [0-9a-f]+ \[#", "PANIC: double fault in {frame}", CrashType.DENIAL,
            at_fault(pick=overflowing_frame), alt=_OVERFLOW, when=_circles,
        ),
        Shape(
            head, r"Oops#?(?:: (?:[0-9a-f]{4,16}\b|sig: |[kK]ernel access of bad area)| ?\[#| \d|\s*(?:\n|\Z))",
            "Oops in {frame}", _access, _AT_OOPS, clue=_ADDRESS, alt=_BAD_ACCESS,
        ),
        Shape(head, TRAP, "{trap} in {frame}", CrashType.DENIAL, _AT_OOPS),
    )  # fmt: skip


_STACKS = (
    Shape(
        "BUG:", "BUG: .*stack guard page was hit at", "BUG: stack guard page was hit in {frame}",
        trail=at_fault(pick=overflowing_frame), alt=_OVERFLOW,
    ),
    *(
        Shape(head, head, "kernel stack overflow in {frame}", CrashType.DENIAL, _OVERFLOWN, alt=_OVERFLOW)
        for head in ("Insufficient stack space to handle exception", "ernel stack overflow")
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
    # BUG() of a kernel that keeps no places of source.
    Shape(
        "Kernel BUG", r"Kernel BUG at .*\[verbose debug info unavailable\]", "kernel BUG in {frame}", CrashType.BUG,
        at_fault("^skb_"),
    ),
    Shape("Kernel BUG", "Kernel BUG (?P<what>.*)", "kernel BUG {what}", CrashType.BUG),
    Shape(
        "rust_kernel: panicked", "rust_kernel: panicked", "{what} in {frame}",
        detail=r"rust_kernel: panicked at [^\n]*?\n(?P<what>[^\n]+)\n",
        trail=at_trace("__rustc::rust_begin_unwind"),
    ),
)  # fmt: skip

SHAPES = (
    *_PAGE_FAULTS, *_TRAPS, *_OTHER_ARCHITECTURES, *_STACKS, *_ASSERTIONS, *_died("[#"), *_died("Oops"),
)  # fmt: skip
