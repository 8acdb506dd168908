"""From blocks to modules, functions and lines."""

from __future__ import annotations

from collections.abc import Callable

from attrs import frozen

from harness.guest.image.manifest import manifest, read_tables
from harness.guest.kernels import Kernel
from harness.guest.kernels.objects import VMLINUX, KernelObjects
from usbfuzz.coverage import Blocks
from usbfuzz.errors import InputError, KernelError

from .modules import ModuleCoverage, module_coverage
from .sources import FileCoverage, Sources

__all__ = ["Coverage", "read_coverage", "read_sources"]


@frozen
class Coverage:
    """The modules of a kernel that were executed."""

    blocks: Blocks
    objects: KernelObjects
    modules: tuple[ModuleCoverage, ...]  #: by name
    there: int = 0  #: how many modules a guest of this kernel has; 0: not known

    @property
    def loadable(self) -> int:
        """How many of the modules that were executed are not the kernel itself."""
        return sum(module.name != VMLINUX for module in self.modules)

    def module(self, name: str) -> ModuleCoverage:
        """The module of that name, executed or not. Raises InputError when the kernel has none."""
        plain = name.replace("-", "_")
        if found := next((module for module in self.modules if module.name == plain), None):
            return found
        if plain not in self.objects.modules and plain != VMLINUX:
            raise InputError(f"{name}: is no module of {self.blocks.kernel}")
        return module_coverage(self.blocks, plain, self.objects.functions(plain))


def read_coverage(blocks: Blocks, kernel: Kernel, objects: KernelObjects) -> Coverage:
    """What the blocks say of the kernel they are of. Raises InputError when it is another one."""
    if kernel.release != blocks.release:
        message = f"{kernel.name} is {kernel.release} now, and the coverage is of {blocks.release}"
        raise InputError(f"{message}; run the campaign again")
    modules = (module_coverage(blocks, name, objects.functions(name)) for name in blocks.modules)
    reached = tuple(module for module in modules if module.blocks)
    return Coverage(blocks, objects, reached, _modules_of_guests(kernel))


def _modules_of_guests(kernel: Kernel) -> int:
    try:
        return len(manifest(read_tables(kernel.modules)).modules)
    except KernelError:
        return 0


def read_sources(coverage: Coverage, on_progress: Callable[[str], None]) -> tuple[FileCoverage, ...]:
    """The source files of the modules that were executed. Raises InputError without debug information."""
    sources = Sources(coverage.blocks, coverage.objects.source)
    on_progress(f"reading the lines of {len(coverage.modules)} modules")
    found = False
    for module in coverage.modules:
        lines = coverage.objects.lines(module.name)
        if lines is not None:
            sources.add(module, lines)
            found = True
    kernel = coverage.blocks.kernel
    if not found:
        how = "fetch it: usbfuzz kernel debug SPEC, or build a tree with CONFIG_DEBUG_INFO"
        raise InputError(f"{kernel}: there is no debug information of it here; {how}")
    return tuple(sources.files())
