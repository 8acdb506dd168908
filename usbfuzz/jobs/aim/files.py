"""The functions that a source file, or all those in a directory, became."""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Collection, Mapping

from attrs import define, field

from harness.guest.kernels import Kernel
from harness.guest.kernels.objects import VMLINUX, KernelObjects
from usbfuzz.coverage import Blocks
from usbfuzz.errors import InputError
from usbfuzz.jobs.coverage.modules import module_coverage
from usbfuzz.jobs.coverage.sources import Sources
from usbfuzz.triage.symbols import in_tree

from .naming import did_you_mean

__all__ = ["SourceFiles"]


@define
class SourceFiles:
    """The source files of a kernel's modules. Made by :meth:`of`."""

    _kernel: Kernel
    _objects: KernelObjects
    _modules: Mapping[str, frozenset[str]]  #: module -> the files that its line tables name
    _functions: dict[str, dict[str, frozenset[str]]] = field(factory=dict)  #: module -> file -> functions

    @classmethod
    def of(
        cls, kernel: Kernel, objects: KernelObjects, modules: Collection[str], say: Callable[[str], None]
    ) -> SourceFiles:
        """Read which files the ``modules`` came from. Raises InputError without debug information, KernelError."""
        say(f"looking for source files in the debug information of {kernel.name}")
        found = {}
        for module in sorted(modules):
            files = objects.files(module)
            if files:
                found[module] = frozenset(_plain(objects, path) for path in files)
        if not found:
            raise InputError(
                f"{kernel.name}: its debug information, which tells files, is not here; "
                f"fetch it: usbfuzz kernel debug {kernel.name}, or build a tree with CONFIG_DEBUG_INFO"
            )
        return cls(kernel, objects, found)

    def functions(self, wanted: str) -> dict[str, frozenset[str]]:
        """The functions of a file, or of all files in a directory, by module. Raises InputError when there is none."""
        name = posixpath.normpath(wanted)
        found: dict[str, frozenset[str]] = {}
        for module, files in self._modules.items():
            if any(_lies_in(file, name) for file in files):
                mine = [some for file, some in self._of(module).items() if _lies_in(file, name)]
                if functions := frozenset[str]().union(*mine):
                    found[module] = functions
        if not found:
            raise InputError(f"{wanted}: {self._why_not(name)}")
        return found

    def _of(self, module: str) -> Mapping[str, frozenset[str]]:
        """The functions of a module by file."""
        if module not in self._functions:
            blocks = Blocks(self._kernel.name, self._kernel.release)
            sources = Sources(blocks, self._objects.source)
            lines = self._objects.lines(module)
            if lines is not None:
                sources.add(module_coverage(blocks, module, self._objects.functions(module)), lines)
            self._functions[module] = {
                file.path: frozenset(found.function.name for found in file.functions) for file in sources.files()
            }
        return self._functions[module]

    def _why_not(self, name: str) -> str:
        files = frozenset[str]().union(*self._modules.values())
        if any(_lies_in(file, name) for file in files):
            return f"no function of the modules that guests of {self._kernel.name} have begins there"
        if any(_lies_in(_plain(self._objects, file), name) for file in self._objects.files(VMLINUX)):
            return f"is built into {self._kernel.name}; only code of modules can be aimed at"
        sources = {file for file in files if file.endswith(".c")}
        folders = {posixpath.dirname(file) for file in sources}
        known = sorted(sources | folders) if "." in posixpath.basename(name) else sorted(folders)
        same = [file for file in known if posixpath.basename(file) == posixpath.basename(name)][:3]
        otherwise = "give a path from the top of the kernel's tree, such as sound/usb/clock.c"
        meant = f"did you mean {' or '.join(same)}?" if same else did_you_mean(name, known, otherwise)
        return f"no module of {self._kernel.name} comes from it; {meant}"


def _plain(objects: KernelObjects, path: str) -> str:
    below = path.removeprefix(f"{objects.source}/")
    return in_tree(path) if below == path else below


def _lies_in(file: str, name: str) -> bool:
    return file == name or file.startswith(f"{name}/")
