"""The guest agent's table of calls, as a C header, from what programs of user space can say."""

from __future__ import annotations

from usbfuzz.uses.kernel.calls import SYSCALLS
from usbfuzz.uses.wire import OPS

__all__ = ["calls_header"]


def calls_header() -> str:
    """``calls.h`` of the agent: the numbers of a program's steps, and the kernel's numbers of those that are its."""
    first, *rest = (f"USE_{name.upper()}" for name in SYSCALLS)
    return "\n".join(
        (
            "/* Written by harness/guest/image/calls.py from usbfuzz/uses when the agent is built. */",
            "enum use_op {",
            *(f"\tUSE_{name.upper()}," for name in OPS),
            f"\tUSE_OWN_OPS, {first} = USE_OWN_OPS,",
            *(f"\t{name}," for name in rest),
            "\tUSE_OPS,",
            "};",
            "",
            f"#define USE_SYSCALLS {', '.join(f'SYS_{name}' for name in SYSCALLS)}",
            "",
        )
    )
