"""The address map of a guest that runs, from its kernel's own description of its memory: /proc/kcore.

That is an ELF core file whose program headers are the ranges of kernel addresses in use, wherever KASLR put them
(fs/proc/kcore.c); only its headers are read.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from harness.channel.addresses import UNKNOWN_KERNEL, AddressMap, Range
from usbfuzz.errors import GuestError, QemuError

if TYPE_CHECKING:
    from harness.guest.agent_client import Agent

__all__ = ["address_map", "map_of_core"]

_HEADERS = 8192  #: bytes read: the file's header and some 140 program headers; a guest has about ten
_SECONDS = 20.0
_EHDR = struct.Struct("<16sHHIQQQIHHHHHH")
_PHDR = struct.Struct("<IIQQQQQQ")
_LOAD = 1  #: PT_LOAD
_MOST = 100

_NOT_PHYSICAL = (1 << 64) - 1  #: p_paddr of what is neither RAM nor the kernel's own code

_KERNEL = 0xFFFF000000000000  #: below are addresses of programs
_CODE = 0xFFFFFFFF80000000  #: from here on is the kernel's code, then its modules'
#: An area larger than this is reserved and not in use; what is in use is at its two ends (mm/vmalloc.c, mm/percpu.c),
#: of the modules' at the lower.
_USED = 1 << 32
_USED_BY_MODULES = 1 << 28


async def address_map(agent: Agent) -> AddressMap:
    """The map of the agent's guest; one that fits every kernel when this one does not tell."""
    try:
        told = await agent.run(("sh", "-c", f"head -c {_HEADERS} /proc/kcore"), _SECONDS)
    except (GuestError, QemuError):
        return UNKNOWN_KERNEL
    return map_of_core(told.output)


def map_of_core(core: bytes) -> AddressMap:
    """The map from the beginning of a core file; one that fits every kernel when it makes no sense."""
    try:
        ranges = _ranges(core)
    except struct.error:
        ranges = []
    return AddressMap(tuple(ranges)) if ranges else UNKNOWN_KERNEL


def _ranges(core: bytes) -> list[Range]:
    ident, *_, phoff, _, _, _, phentsize, phnum, _, _, _ = _EHDR.unpack_from(core)
    if ident[:6] != b"\x7fELF\x02\x01" or phentsize != _PHDR.size:
        return []
    found: list[Range] = []
    for number in range(min(phnum, _MOST)):
        kind, _, _, start, physical, _, size, _ = _PHDR.unpack_from(core, phoff + number * phentsize)
        if kind == _LOAD and start >= _KERNEL and 0 < size <= (1 << 64) - start:
            found += _in_use(start, start + size, mapped=physical != _NOT_PHYSICAL)
    return found


def _in_use(start: int, end: int, *, mapped: bool) -> list[Range]:
    """What of an area can be in use; ``mapped``: it is a piece of physical memory."""
    if mapped:
        return [Range("kernel text" if start >= _CODE else "direct map", start, end)]
    if start >= _CODE:
        return [Range("modules", start, min(end, start + _USED_BY_MODULES))]
    if end - start > 2 * _USED:
        return [Range("vmalloc", start, start + _USED), Range("vmalloc", end - _USED, end)]
    return [Range("vmemmap", start, end)]
