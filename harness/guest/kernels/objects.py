"""The code of a kernel and of its modules: functions, and where debug information is at hand the source line of each
instruction.

Functions of modules are in the modules themselves. What is built in has its names only in a vmlinux, which is in a
built tree or comes with the debug information that ``usbfuzz kernel debug`` fetches.
"""

from __future__ import annotations

import mmap
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from attrs import evolve, frozen

from usbfuzz.errors import KernelError

from .debug import debug_directory
from .elf import ElfFile, Function
from .lines import Lines, read_files, read_lines
from .model import Kernel
from .modules import ModuleIndex, module_name, read_module
from .source import source_directory
from .specs import ArchiveSpec, TreeSpec, parse_spec

__all__ = ["VMLINUX", "KernelObjects"]

VMLINUX = "vmlinux"  #: what the kernel itself counts as among its modules
_TEXT = ".text"  #: what is built in counts as one section, from ``_stext`` on


@frozen
class KernelObjects:
    """Where the parts of a kernel are. Made by :meth:`of`."""

    modules: Mapping[str, Path]  #: name (``_`` for ``-``) -> file as the guest loads it
    debug: Mapping[str, Path]  #: name, or VMLINUX -> file with debug information, of those there are
    source: Path | None  #: the top of the source tree

    @classmethod
    def of(cls, kernel: Kernel, cache: Path) -> KernelObjects:
        """Find them; nothing is fetched. Raises KernelError."""
        modules = ModuleIndex.read(kernel.modules).paths
        spec = parse_spec(kernel.name)
        if isinstance(spec, ArchiveSpec):
            directory = source_directory(cache, kernel.name)
            debug = {_name(path): path for path in debug_directory(cache, kernel.name).glob("*")}
            return cls(modules, debug, directory if directory.is_dir() else None)
        if not isinstance(spec, TreeSpec):
            return cls(modules, modules, None)
        vmlinux, source = spec.path / VMLINUX, spec.path / "source"  # the latter in an output directory (make O=)
        own = {VMLINUX: vmlinux} if vmlinux.is_file() else {}
        return cls(modules, {**modules, **own}, source.resolve() if source.is_dir() else spec.path)

    def functions(self, module: str) -> tuple[Function, ...]:
        """The functions of a module, or of VMLINUX, by section and offset; none when its file is not at hand."""
        if module == VMLINUX and VMLINUX in self.debug:
            with _opened(self.debug[VMLINUX]) as elf:
                start, end = _text(elf)
                found = elf.functions()
                addresses = {section.name: section.address for section in elf.sections}
            placed = ((function, addresses[function.section] + function.offset) for function in found)
            return tuple(
                evolve(function, section=_TEXT, offset=address - start)
                for function, address in placed
                if start <= address < end
            )
        path = self.modules.get(module)
        return ElfFile.of(read_module(path), str(path)).functions() if path else ()

    def files(self, module: str) -> tuple[str, ...]:
        """The source files of a module, or of VMLINUX, as the compiler was given them; none without debug information.

        Headers are among them, whether there is code of theirs or not.
        """
        path = self.debug.get(module)
        if path is None:
            return ()
        if path == self.modules.get(module):
            return read_files(ElfFile.of(read_module(path), str(path)))
        with _opened(path) as elf:
            return read_files(elf)

    def lines(self, module: str) -> Lines | None:
        """The lines of a module, or of VMLINUX, by section and offset; None when there is no debug information."""
        path = self.debug.get(module)
        if path is None:
            return None
        if path == self.modules.get(module):  # maybe compressed
            return read_lines(ElfFile.of(read_module(path), str(path)))
        with _opened(path) as elf:
            found = read_lines(elf)
            if module != VMLINUX or found is None:
                return found
            start, end = _text(elf)
        rows = found.rows[(found.rows["address"] >= start) & (found.rows["address"] < end)]
        rows["address"] -= np.uint64(start)
        rows["end"] -= np.uint64(start)
        rows["section"] = 0
        return evolve(found, sections=(_TEXT,), rows=rows)


@contextmanager
def _opened(path: Path) -> Iterator[ElfFile]:
    """An object that is looked at where it is: a vmlinux is half a gigabyte. Raises KernelError."""
    try:
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
            yield ElfFile.of(content, str(path))
    except (OSError, ValueError) as error:
        raise KernelError(f"{path}: cannot be read: {error}") from error


def _text(elf: ElfFile) -> tuple[int, int]:
    """Where the code of the kernel begins and ends."""
    start, end = elf.address_of("_stext"), elf.address_of("_etext")
    if start is None or end is None:
        raise KernelError(f"{elf.name}: has no symbols _stext and _etext; is it a vmlinux?")
    return start, end


def _name(path: Path) -> str:
    return VMLINUX if path.name.startswith(VMLINUX) else module_name(path.name)
