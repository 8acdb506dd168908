"""Panics, unexpected reboots, and failures of the software that tests the kernel."""

from __future__ import annotations

from usbfuzz.triage.picks import overflowing_frame
from usbfuzz.triage.shape import Shape, at_trace
from usbfuzz.triage.stack import FUNCTION
from usbfuzz.triage.types import CrashType

__all__ = ["SHAPES"]

_PANIC = "Kernel panic - not syncing: "
_OVERFLOW = ("stack-overflow in {frame}",)

#: Panics that follow a report. Without a report before them, that report was lost.
_ECHOES = ("Fatal exception", "panic_on_warn set", "hung_task: blocked tasks")

_STACKS = (
    # The symbol, or the stack, may be among what was overwritten.
    Shape(
        "Kernel panic", _PANIC + "stack-protector:", "kernel panic: stack is corrupted in {place}", CrashType.DENIAL,
        detail=_PANIC + "stack-protector: Kernel stack is corrupted in: " + FUNCTION.replace("(", "(?P<place>", 1),
        traced=False,
    ),
    Shape(
        "Kernel panic", _PANIC + "stack-protector:", "kernel panic: stack is corrupted in {frame}", CrashType.DENIAL,
        at_trace("stack_chk"), detail=_PANIC + "stack-protector: Kernel stack is corrupted in: [a-f0-9]+",
    ),
    Shape(
        "Kernel panic", _PANIC + "corrupted stack end", "kernel panic: corrupted stack end in {frame}",
        CrashType.DENIAL,
        at_trace("schedule|retint_kernel", overflowing_frame), alt=_OVERFLOW,
        detail=_PANIC + "corrupted stack end detected inside scheduler",
    ),
    Shape(
        "Kernel panic", _PANIC + "[kK]ernel stack overflow", "kernel stack overflow in {frame}", CrashType.DENIAL,
        at_trace("bad_stack", overflowing_frame), alt=_OVERFLOW,
    ),
)  # fmt: skip

_PANICS = (
    Shape(
        "Kernel panic", _PANIC + "Attempted to kill init!", "kernel panic: Attempted to kill init!",
        CrashType.DENIAL,
    ),
    Shape(
        "Kernel panic", _PANIC + r"Couldn't open N_TTY ldisc for [^ ]+ --- error -\d+",
        "kernel panic: Couldn't open N_TTY ldisc", CrashType.DENIAL,
    ),
    *(
        Shape("Kernel panic", _PANIC + echo, "kernel panic: " + echo, CrashType.DENIAL, broken=True) for echo in _ECHOES
    ),
    Shape("Kernel panic", _PANIC + "(?P<what>.*)", "kernel panic: {what}", CrashType.DENIAL),
)  # fmt: skip

_CUT = (
    Shape("BUG:", r"BUG:\s*(?:\n|\Z)", "BUG: corrupted", broken=True),
    Shape("INFO:", r"INFO:\s*(?:\n|\Z)", "INFO: corrupted", broken=True),
)

_REBOOT = (
    Shape("Booting the kernel.", r"\ABooting the kernel", "unexpected kernel reboot", CrashType.REBOOT, traced=False),
)

_SECURE_WORLD = (
    Shape(
        "trusty: panic", "trusty: panic.* ASSERT FAILED", "trusty: ASSERT FAILED: {what}",
        CrashType.DENIAL, traced=False,
        detail=r"trusty: panic \(.*?\):(?: DEBUG)? ASSERT FAILED at \(.*?\): (?P<what>.+)",
    ),
    Shape(
        "trusty: panic", "trusty: panic.* ASSERT FAILED.*: *(?P<what>.*)", "trusty: ASSERT FAILED: {what}",
        CrashType.DENIAL, broken=True,
    ),
    Shape(
        "trusty: panic", "trusty: panic", "trusty: panic: {what}", CrashType.DENIAL, traced=False,
        detail=r"trusty: panic \(.*?\): (?P<what>.+)",
    ),
)  # fmt: skip

_FUZZER = (
    Shape("SYZFAIL:", "SYZFAIL:(?P<what>.*)", "SYZFAIL:{what}", CrashType.FUZZER_FAILURE, traced=False),
    Shape(
        "SYZFATAL:", "SYZFATAL:(?P<what>.*)", "SYZFATAL:{what}",
        CrashType.FUZZER_FAILURE, alt=("SYZFATAL",), traced=False
    ),
    Shape(
        "panic:", "panic: Sentry detected .* stuck task", "panic: Sentry detected stuck tasks", CrashType.DENIAL,
        traced=False,
    ),
    Shape("panic:", "panic:(?P<what>.*)", "panic:{what}", CrashType.DENIAL, traced=False),
    Shape("fatal error:", "fatal error:", "go runtime error", CrashType.DENIAL, traced=False),
)  # fmt: skip

SHAPES = (*_STACKS, *_PANICS, *_CUT, *_REBOOT, *_SECURE_WORLD, *_FUZZER)
