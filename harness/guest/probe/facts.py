"""What the plugin must know of a guest's kernel: read once from the booted guest, kept for all guests like it.

A kernel without kallsyms has no names, and nothing is seen; one without BTF has no structures, and the checks that
need them are off. What is missing is said in one line.
"""

from __future__ import annotations

import hashlib
import json
import re
from typing import TYPE_CHECKING, Any

import numpy as np
from attrs import frozen

from harness.guest.image.files import private_directory, write_atomically
from usbfuzz.errors import GuestError

from .btf import Btf, BtfError
from .functions import ACCESSES, COMPARERS, GROUPS, VARIABLES, Parameter, Watched
from .layout import CONSTANTS, Record, structure
from .symbols import Symbols, arrays_of, from_arrays, parse_kallsyms

if TYPE_CHECKING:
    from pathlib import Path

    from harness.guest.agent_client import Agent

__all__ = ["VERSION", "Facts", "Section", "gather"]

VERSION = 6  #: of what is kept: to be raised when it changes
_NOWHERE = CONSTANTS["NOWHERE"]
_MODULE = re.compile(rb"^([\w-]{1,63}) (\d+) \S+ \S+ \S+ 0x([0-9a-f]{16})", re.MULTILINE)
_DRIVER = re.compile(r"/drivers/([^/\n]{1,64})/module -> \S*/([\w-]{1,63})$", re.MULTILINE)
_SECTION = re.compile(r"^([\w-]{1,63})/sections/(\S{1,63}):0x([0-9a-f]{16})$", re.MULTILINE)
#: What a module needs only to initialise itself is freed then, and its addresses are others' from then on.
_SECTIONS = "cd /sys/module; grep . */sections/.*text* | grep -v '/[.]init'"
_DRIVERS = "ls -ld /sys/bus/usb/drivers/*/module /sys/bus/hid/drivers/*/module"
_SECONDS = 300.0  #: of guest time for that
#: SLAB_TYPESAFE_BY_RCU, until flags became an enumeration (6.9).
_TYPESAFE = 0x00080000

#: Fields of the header that are offsets: structure and field, the first that a kernel has.
_OFFSETS: dict[str, tuple[tuple[str, ...], ...]] = {
    "page_head": (("page", "compound_head"), ("page", "compound_info")),
    "page_cache": (("slab", "slab_cache"), ("page", "slab_cache")),
    "cache_size": (("kmem_cache", "size"),),
    "cache_object_size": (("kmem_cache", "object_size"),),
    "cache_red_left": (("kmem_cache", "red_left_pad"),),
    "cache_flags": (("kmem_cache", "flags"),),
    "cache_name": (("kmem_cache", "name"),),
    "cache_ctor": (("kmem_cache", "ctor"),),
    "urb_buffer": (("urb", "transfer_buffer"),),
    "urb_length": (("urb", "transfer_buffer_length"),),
    "urb_sgs": (("urb", "num_sgs"),),
}
#: The same of the kernel's log (kernel/printk/printk_ringbuffer.h), which printk.py reads; and sizes of structures.
_LOG_FIELDS: dict[str, tuple[str, ...]] = {
    "count_bits": ("printk_ringbuffer", "desc_ring", "count_bits"),
    "descs": ("printk_ringbuffer", "desc_ring", "descs"),
    "infos": ("printk_ringbuffer", "desc_ring", "infos"),
    "head_id": ("printk_ringbuffer", "desc_ring", "head_id"),
    "size_bits": ("printk_ringbuffer", "text_data_ring", "size_bits"),
    "data": ("printk_ringbuffer", "text_data_ring", "data"),
    "state": ("prb_desc", "state_var"),
    "begin": ("prb_desc", "text_blk_lpos", "begin"),
    "next": ("prb_desc", "text_blk_lpos", "next"),
    "ts_nsec": ("printk_info", "ts_nsec"),
    "text_len": ("printk_info", "text_len"),
    "level": ("printk_info", "level"),
}
_LOG_SIZES = ("printk_ringbuffer", "prb_desc", "printk_info")


@frozen
class Section:
    """A section of a module's code, as it is loaded."""

    module: str
    name: str
    address: int


@frozen(eq=False)
class Facts:
    """Symbols, sections of modules, functions to watch, offsets in structures."""

    symbols: Symbols
    sections: tuple[Section, ...]
    hooks: Record  #: ``struct hook``, by address
    callees: Record  #: ``struct callee``, by address
    offsets: dict[str, int]  #: header fields
    log: dict[str, int]  #: where the kernel's log and its structures' fields are; empty: it cannot be read
    drivers: dict[str, str]  #: the module of each driver of USB interfaces and HID devices
    missing: tuple[str, ...]  #: checks that cannot be done, each with its reason

    def save(self, path: Path) -> None:
        """Write it whole; raises OSError."""
        rest = {"version": VERSION, "offsets": self.offsets, "missing": self.missing, "drivers": self.drivers}
        sections = [(each.module, each.name, each.address) for each in self.sections]
        arrays = arrays_of(self.symbols) | {
            "hooks": self.hooks.view(np.uint8),
            "callees": self.callees.view(np.uint8),
            "rest": np.frombuffer(json.dumps(rest | {"sections": sections, "log": self.log}).encode(), np.uint8),
        }
        private_directory(path.parent)

        def write(target: Path) -> None:
            with target.open("wb") as file:
                np.savez(file, allow_pickle=False, **arrays)

        write_atomically(path, write, 0o600)

    @classmethod
    def load(cls, path: Path) -> Facts | None:
        """What was written; None when there is nothing, or nothing that can be used."""
        try:
            with np.load(path, allow_pickle=False) as file:
                arrays: dict[str, Any] = {name: file[name] for name in file.files}
            rest = json.loads(arrays.pop("rest").tobytes())
            if rest["version"] != VERSION:
                return None
            return cls(
                symbols=from_arrays(arrays),
                sections=tuple(Section(*each) for each in rest["sections"]),
                hooks=arrays["hooks"].view(structure("hook")),
                callees=arrays["callees"].view(structure("callee")),
                offsets=rest["offsets"],
                log=rest["log"],
                drivers=rest["drivers"],
                missing=tuple(rest["missing"]),
            )
        except (OSError, ValueError, KeyError, TypeError):
            return None


async def gather(agent: Agent, directory: Path, kernel_digest: str) -> Path | None:
    """The file with the facts of the guest that ``agent`` is in, written now if need be; None: it has no symbols.

    Guests with the same kernel and their modules at the same addresses share one. Raises QemuError, GuestError.
    """
    loaded = await agent.read("/proc/modules")
    key = hashlib.sha256(f"{VERSION} {kernel_digest}".encode())
    for line in sorted(_MODULE.findall(loaded)):
        key.update(b" ".join(line))
    key.update((await agent.run(("head", "-n", "1", "/proc/kallsyms"), _SECONDS)).output)
    path = directory / f"{key.hexdigest()[:24]}.npz"
    if Facts.load(path) is None:
        facts = await _read(agent)
        if facts is None:
            return None
        facts.save(path)
    return path


async def _read(agent: Agent) -> Facts | None:
    try:
        symbols = parse_kallsyms(await agent.read("/proc/kallsyms"), VARIABLES)
    except (GuestError, ValueError):
        return None
    kernel = await _btf(agent, "vmlinux", None)
    btf = (await _btf(agent, "usbcore", kernel) or kernel) if kernel else None
    shell = await agent.run(("sh", "-c", f"{_SECTIONS}; {_DRIVERS}"), _SECONDS)
    sections = tuple(
        Section(module, name, int(address, 16))
        for module, name, address in _SECTION.findall(shell.output.decode("ascii", "replace"))
    )
    hooks, missing = _hooks(symbols, btf)
    return Facts(
        symbols=symbols,
        sections=sections,
        hooks=hooks,
        callees=_callees(symbols),
        offsets=_offsets(symbols, btf),
        log=_log_layout(symbols, kernel),
        drivers=dict(_DRIVER.findall(shell.output.decode("ascii", "replace"))),
        missing=(*missing, *(() if btf else ("the kernel has no BTF: sizes of caches and URBs are unknown",))),
    )


async def _btf(agent: Agent, name: str, base: Btf | None) -> Btf | None:
    try:
        return Btf.parse(await agent.read(f"/sys/kernel/btf/{name}"), base)
    except (GuestError, BtfError):
        return None


def _offsets(symbols: Symbols, btf: Btf | None) -> dict[str, int]:
    found = {}
    for name, choices in _OFFSETS.items():
        offsets = (btf.offset(*choice) for choice in choices) if btf else iter(())
        found[name] = next((offset for offset in offsets if offset is not None), _NOWHERE)
    bit = btf.enumerator("_SLAB_TYPESAFE_BY_RCU") if btf else None
    found["rcu_flag"] = _TYPESAFE if bit is None else 1 << bit
    found["page_size"] = (btf.size("page") if btf else None) or 64
    for variable, field in (("init_top_pgt", "page_tables_at"), *((name, f"{name}_at") for name in _BASES)):
        found[field] = symbols.address(variable) or 0
    return found


def _log_layout(symbols: Symbols, btf: Btf | None) -> dict[str, int]:
    variable = symbols.address("prb")
    if btf is None or not variable:
        return {}
    offsets = {name: btf.offset(*path) for name, path in _LOG_FIELDS.items()}
    offsets |= {name: btf.size(name) for name in _LOG_SIZES}
    found = {name: offset for name, offset in offsets.items() if offset is not None}
    return {**found, "prb": variable} if len(found) == len(offsets) else {}


_BASES = ("phys_base", "page_offset_base", "vmemmap_base")


def _hooks(symbols: Symbols, btf: Btf | None) -> tuple[Record, list[str]]:
    rows: dict[int, tuple[Any, ...]] = {}
    missing = []
    for group, watched in GROUPS.items():
        for each in watched:
            named = symbols.matching("|".join(each.functions))
            found = [row for name in named if (row := _hook(each, name, symbols, btf))]
            rows |= {row[0]: row for row in found}
            if group and not found:
                missing.append(f"the kernel has no function {each.functions[0]}: no check of {group}")
    hooks = np.zeros(len(rows), structure("hook"))
    for index, start in enumerate(sorted(rows)):
        for field, value in zip(("start", "end", "kind", "a", "b"), rows[start], strict=True):
            hooks[index][field] = value
    return hooks, missing


def _hook(watched: Watched, name: str, symbols: Symbols, btf: Btf | None) -> tuple[int, int, int, int, int] | None:
    extent = symbols.extent(name)
    if extent is None:
        return None
    parameters = btf.parameters(name) if btf else None
    a, b = (_place(parameter, parameters) for parameter in (watched.a, watched.b))
    return None if a == CONSTANTS["NO_ARGUMENT"] else (*extent, watched.kind, a, b)


def _place(parameter: Parameter | None, names: tuple[str, ...] | None) -> int:
    """Which argument a parameter is; NO_ARGUMENT when the function does not have it."""
    if parameter is None:
        return CONSTANTS["NO_ARGUMENT"]
    if names is None or not parameter.names:
        return parameter.place
    return next((names.index(name) for name in parameter.names if name in names), CONSTANTS["NO_ARGUMENT"])


def _callees(symbols: Symbols) -> Record:
    found = {address: name for name in (*ACCESSES, *COMPARERS) if (address := symbols.address(name))}
    callees = np.zeros(len(found), structure("callee"))
    for index, address in enumerate(sorted(found)):
        name = found[address]
        callees[index]["address"] = address
        callees[index]["compares"], callees[index]["limited"] = COMPARERS.get(name, (0, False))
        for number, access in enumerate(ACCESSES.get(name, ())):
            callees[index]["checks"][number] = (access.kind, access.pointer, access.length, 0)
    return callees
