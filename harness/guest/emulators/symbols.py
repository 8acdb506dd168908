"""The symbols that a program exports: how a plugin interface is told by what it has, not by a version."""

from __future__ import annotations

import struct
from pathlib import Path

from .model import Sight

__all__ = ["exported", "sights"]

#: What is seen where all functions of one of these groups are exported (qemu/qemu-plugin.h). Inline counters have
#: moved to scoreboards with interface 2.
_NEEDED: dict[Sight, tuple[frozenset[bytes], ...]] = {
    Sight.COVERAGE: (
        frozenset({b"qemu_plugin_register_vcpu_tb_exec_inline"}),
        frozenset({b"qemu_plugin_register_vcpu_tb_exec_inline_per_vcpu"}),
    ),
    Sight.REGISTERS: (frozenset({b"qemu_plugin_get_registers", b"qemu_plugin_read_register"}),),
    Sight.MEMORY: (frozenset({b"qemu_plugin_read_memory_vaddr"}),),
}

_ELF64_LITTLE = b"\x7fELF\x02\x01"
_HEADER = struct.Struct("<16sHHIQQQIHHHHHH")  #: Elf64_Ehdr, elf(5)
_SECTION = struct.Struct("<IIQQQQIIQQ")  #: Elf64_Shdr
_SYMBOL = struct.Struct("<IBBHQQ")  #: Elf64_Sym
_DYNSYM = 11  #: SHT_DYNSYM
_UNDEFINED = 0  #: SHN_UNDEF


def sights(program: Path) -> frozenset[Sight]:
    """What a plugin of this program can see; nothing of a script or of a file that cannot be read."""
    try:
        names = exported(program.read_bytes())
    except (OSError, struct.error, IndexError, ValueError, OverflowError):
        return frozenset()
    return frozenset(sight for sight, groups in _NEEDED.items() if any(group <= names for group in groups))


def exported(elf: bytes) -> frozenset[bytes]:
    """The names that a 64-bit little-endian ELF file defines for others; none of any other file.

    Raises struct.error, IndexError, ValueError or OverflowError when it is damaged.
    """
    if not elf.startswith(_ELF64_LITTLE):
        return frozenset()
    header = _HEADER.unpack_from(elf)
    start, size, count = header[6], header[11], header[12]
    sections = [_SECTION.unpack_from(elf, start + number * size) for number in range(count)]
    found: set[bytes] = set()
    for _, kind, _, _, offset, length, link, *_ in sections:
        if kind == _DYNSYM:
            text, length_of_text = sections[link][4:6]
            names = elf[text : text + length_of_text]
            table = elf[offset : offset + length // _SYMBOL.size * _SYMBOL.size]
            found.update(
                names[at : names.index(b"\0", at)]
                for at, _, _, section, _, _ in _SYMBOL.iter_unpack(table)
                if section != _UNDEFINED and at < len(names)
            )
    return frozenset(found)
