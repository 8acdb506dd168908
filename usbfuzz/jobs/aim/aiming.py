"""From what a user wants to aim at to functions, and to the drivers that lead to them."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from functools import cached_property
from pathlib import Path

from attrs import define

from harness.guest.image.manifest import Manifest, Tables, manifest, read_tables
from harness.guest.kernels import Kernel, resolve
from harness.guest.kernels.objects import KernelObjects
from strategies import Identities
from usbfuzz.coverage import Blocks
from usbfuzz.errors import InputError
from usbfuzz.jobs.coverage.modules import module_coverage

from .changes import changes
from .files import SourceFiles
from .leading import Leads
from .model import Aim, Wanted
from .naming import known_drivers

__all__ = ["aim_at"]

_Functions = Mapping[str, frozenset[str]]  #: by module


def aim_at(kernel: Kernel, wanted: Wanted, cache: Path, say: Callable[[str], None]) -> Aim | None:
    """What is to be aimed at on a kernel; None when nothing is.

    Another kernel is fetched when it is not there. Raises InputError, KernelError and StorageError, one line each.
    """
    return _Aiming(kernel, wanted, cache, say).aim() if wanted else None


@define(eq=False, slots=False)
class _Aiming:
    kernel: Kernel
    wanted: Wanted
    cache: Path
    say: Callable[[str], None]

    def aim(self) -> Aim:
        """The aim; raises InputError when no driver leads there, or nothing changed."""
        named = self._named()
        functions = self._since(self.wanted.since, named) if self.wanted.since else named
        chosen = self._drivers & self._modules_named  # may lead where nobody knows who does
        leads = {module: self._leads.to(module) or chosen for module in functions}
        lost = sorted(module for module, lead in leads.items() if not lead)
        if len(lost) == len(leads):
            raise InputError(
                f"{self.wanted}: it is not known which USB driver of {self.kernel.name} leads to "
                f"{', '.join(lost[:3])}; name one with --driver as well"
            )
        if lost:
            functions = {module: some for module, some in functions.items() if module not in lost}
            self.say(f"left out, as no USB driver is known to lead there: {', '.join(lost)}")
        return Aim(self.wanted, _shares(functions, leads), functions)

    @cached_property
    def _tables(self) -> Tables:
        return read_tables(self.kernel.modules)

    @cached_property
    def _manifest(self) -> Manifest:
        return manifest(self._tables)

    @cached_property
    def _drivers(self) -> frozenset[str]:
        return frozenset(Identities.parse(self._manifest.ids).modules)

    @cached_property
    def _leads(self) -> Leads:
        return Leads(self._tables, self._manifest, self._drivers)

    @cached_property
    def _objects(self) -> KernelObjects:
        return KernelObjects.of(self.kernel, self.cache)

    @cached_property
    def _modules_named(self) -> frozenset[str]:
        """The modules that are aimed at as a whole."""
        known = self._manifest.modules
        for name in self.wanted.drivers:
            if (plain := name.replace("-", "_")) not in known and plain in self._tables.index.builtin:
                raise InputError(f"{name}: is built into {self.kernel.name}; only modules can be aimed at")
        return frozenset(known_drivers(self.wanted.drivers, known, self.kernel.name))

    def _named(self) -> _Functions:
        """The functions of the drivers and files that are named."""
        found: dict[str, frozenset[str]] = {}
        for module in self._modules_named:
            found[module] = self._all_of(module)
        if self.wanted.files:
            sources = SourceFiles.of(self.kernel, self._objects, self._manifest.modules, self.say)
            for file in self.wanted.files:
                for module, functions in sources.functions(file).items():
                    found[module] = found.get(module, frozenset()) | functions
        return found

    def _all_of(self, module: str) -> frozenset[str]:
        """The functions of a module that can run while a case runs."""
        blocks = Blocks(self.kernel.name, self.kernel.release)
        functions = module_coverage(blocks, module, self._objects.functions(module)).functions
        return frozenset(function.name for function in functions)

    def _since(self, spec: str, named: _Functions) -> _Functions:
        """What of the functions that are named, or of all, is other than in the kernel ``spec``."""
        old = resolve(spec, self.cache, on_progress=self.say)
        self.say(f"comparing the modules of {self.kernel.name} with those of {old.name}")
        before = manifest(read_tables(old.modules)).sources
        changed = changes(self.kernel, self._manifest.sources, old, before, self.cache)
        found = {}
        for module, functions in changed.items():
            among = named.get(module, frozenset()) if named else self._all_of(module)
            if mine := functions & among:
                found[module] = mine
        if not found:
            places = ", ".join((*self.wanted.drivers, *self.wanted.files)) or "all modules of guests"
            raise InputError(
                f"{places}: the code is the same in {self.kernel.name} and {old.name}; there is no change to aim at"
            )
        return found


def _shares(functions: _Functions, leads: Mapping[str, frozenset[str]]) -> Mapping[str, float]:
    """The share of each driver: what a module has to offer is divided among the drivers that lead to it.

    That is the root of how many functions it has, so that large modules do not take everything.
    """
    found: dict[str, float] = {}
    for module, drivers in leads.items():
        for driver in drivers:
            found[driver] = found.get(driver, 0.0) + math.sqrt(len(functions[module])) / len(drivers)
    total = sum(found.values())
    return {driver: share / total for driver, share in sorted(found.items())}
