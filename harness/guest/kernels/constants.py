"""The numbers that a driver's code compares with something: what it may look for in a device's bytes.

They are mined from the module itself, so that they are there for every emulator; with which byte a number is compared
they do not say.
"""

from __future__ import annotations

from collections.abc import Iterator

import capstone
from attrs import define

from usbfuzz.arch import Arch, MachineCode

from .elf import ElfFile
from .mined import Mined

__all__ = ["Constants", "constants_in"]

#: Numbers that stand in all code: counts, flags, errors that are zero or less.
_COMMON = frozenset({0, 1, 0xFF, 0xFFFF, 0xFFFFFFFF})
_MOST = 512  #: of one module


def constants_in(elf: ElfFile, arch: Arch) -> tuple[int, ...]:
    """The numbers, each once, in the order of the code; none where nothing is known of the architecture's code.

    Raises KernelError when the object is damaged.
    """
    if arch.code is None:
        return ()
    code = (elf.bytes_of(section) for section in elf.sections if section.is_code)
    found = (number for each in code for number in _compared(each, arch.code) if number not in _COMMON)
    return tuple(dict.fromkeys(found))[:_MOST]


def _compared(code: bytes, machine: MachineCode) -> Iterator[int]:
    """Constants, as wide as the other operand, of 1, 2 or 4 bytes; bytes that are no instruction are skipped."""
    disassembler = capstone.Cs(*machine.capstone)
    disassembler.detail = disassembler.skipdata = True
    for instruction in disassembler.disasm(code, 0):
        if instruction.mnemonic in machine.comparing:
            first, last = instruction.operands[0], instruction.operands[-1]
            if last.type == capstone.CS_OP_IMM and first.size in (1, 2, 4):
                yield last.imm & (1 << 8 * first.size) - 1


@define(eq=False, slots=False)
class Constants(Mined[int]):
    """Those of the modules in a directory."""

    arch: Arch

    def _mine(self, elf: ElfFile) -> tuple[int, ...]:
        return constants_in(elf, self.arch)
