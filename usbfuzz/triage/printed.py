"""What some architectures alone print in crash reports, joined over all of them: a log does not say where it is from.

Each constant joins one field of :class:`~usbfuzz.arch.Printed`, where its meaning is explained.
"""

from __future__ import annotations

from collections.abc import Iterable

from usbfuzz.arch import ARCHES, Printed

__all__ = [
    "CALL_THUNKS", "ENTRY_PREFIXES", "FAULT_ENTRY", "GUESS_AFTER", "GUESS_BEFORE", "INTERRUPT", "NMI_END",
    "PROGRAM_COUNTER", "REGISTERS", "STACK_BOTTOM", "SYSCALL_ENTRY", "TICK",
]  # fmt: skip

#: Architectures that no guest here can have; their logs are read as well. When one gets a record, this moves there.
_ARM = Printed(
    program_counter="PC is at:? ",
    syscall_entry="ret_fast_syscall",
    fault_entry="do_translation_fault",
    interrupt="Exception stack",
)
_ARM64 = Printed(
    program_counter="pc :? ",  # pc : f+0x1/0x2
    entry_prefixes=("__arm64_",),
    syscall_entry="el0_svc_handler|invoke_syscall",
    fault_entry="do_kernel_fault|do_mem_abort|el1_abort|el1h_64_sync",
    interrupt="el1h_64_irq",
    registers=r"x\d+ ?: ",
)
_POWERPC = Printed(
    program_counter="NIP:? ",
    fault_entry="program_check_(?:exception|common)",
    guess_after=" (unreliable)",
)
_ALL = (*(arch.printed for arch in ARCHES), _ARM, _ARM64, _POWERPC)

_NEVER = "(?!)"  #: matches nothing


def _any(patterns: Iterable[str]) -> str:
    return "|".join(filter(None, patterns)) or _NEVER


PROGRAM_COUNTER = _any(printed.program_counter for printed in _ALL)
ENTRY_PREFIXES = tuple(prefix for printed in _ALL for prefix in printed.entry_prefixes)
SYSCALL_ENTRY = _any(printed.syscall_entry for printed in _ALL)
STACK_BOTTOM = _any(printed.stack_bottom for printed in _ALL)
FAULT_ENTRY = _any(printed.fault_entry for printed in _ALL)
TICK = _any(printed.tick for printed in _ALL)
INTERRUPT = _any(printed.interrupt for printed in _ALL)
NMI_END = _any(printed.nmi_end for printed in _ALL)
CALL_THUNKS = _any(printed.call_thunks for printed in _ALL)
REGISTERS = _any(printed.registers for printed in _ALL)
GUESS_BEFORE = tuple(printed.guess_before for printed in _ALL if printed.guess_before)
GUESS_AFTER = tuple(printed.guess_after for printed in _ALL if printed.guess_after)
