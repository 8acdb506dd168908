"""What some architectures alone print in crash reports, joined over all of them: a log does not say where it is from.

Each constant joins one field of :class:`~usbfuzz.arch.Printed`, where its meaning is explained.
"""

from __future__ import annotations

from collections.abc import Iterable

from usbfuzz.arch import ARCHES

from .machines import OTHERS

__all__ = [
    "BARE_FRAME", "CALL_THUNKS", "ENTRY_PREFIXES", "FAULT_ADDRESS", "FAULT_ENTRY", "GUESS_AFTER", "GUESS_BEFORE",
    "INTERRUPT", "NMI_END", "NMI_SENT", "PROGRAM_COUNTER", "REGISTERS", "STACK_BOTTOM", "SYSCALL_ENTRY", "TICK",
    "TRACE_START",
]  # fmt: skip

_ALL = (*(arch.printed for arch in ARCHES), *OTHERS)

_NEVER = "(?!)"  #: matches nothing


def _any(patterns: Iterable[str]) -> str:
    return "|".join(filter(None, patterns)) or _NEVER


PROGRAM_COUNTER = _any(printed.program_counter for printed in _ALL)
ENTRY_PREFIXES = tuple(prefix for printed in _ALL for prefix in printed.entry_prefixes)
SYSCALL_ENTRY = _any(printed.syscall_entry for printed in _ALL)
STACK_BOTTOM = _any(printed.stack_bottom for printed in _ALL)
FAULT_ENTRY = _any(printed.fault_entry for printed in _ALL)
TICK = _any(printed.tick for printed in _ALL)
FAULT_ADDRESS = _any(printed.fault_address for printed in _ALL)
TRACE_START = _any(printed.trace_start for printed in _ALL)
BARE_FRAME = _any(printed.bare_frame for printed in _ALL)
INTERRUPT = _any(printed.interrupt for printed in _ALL)
NMI_SENT = _any(printed.nmi_sent for printed in _ALL)
NMI_END = _any(printed.nmi_end for printed in _ALL)
CALL_THUNKS = _any(printed.call_thunks for printed in _ALL)
REGISTERS = _any(printed.registers for printed in _ALL)
GUESS_BEFORE = tuple(printed.guess_before for printed in _ALL if printed.guess_before)
GUESS_AFTER = tuple(printed.guess_after for printed in _ALL if printed.guess_after)
