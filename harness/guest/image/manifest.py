"""Choose an image's contents from a kernel's module indexes: a pure function of the files that depmod(8) wrote."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from fnmatch import fnmatchcase
from pathlib import Path

from attrs import frozen

from harness.guest.kernels import ModuleIndex
from harness.guest.kernels.modules import Alias, module_name
from usbfuzz.errors import KernelError

from . import policy

__all__ = ["Manifest", "Tables", "manifest", "read_tables"]


@frozen
class Tables:
    """The index of a kernel's modules, and the two tables that only an image needs. Names have underscores."""

    index: ModuleIndex
    soft: Mapping[str, tuple[str, ...]]  #: modules.softdep: name -> ``pre`` and ``post`` modules or aliases
    symbols: tuple[Alias, ...]  #: modules.symbols: which module has ``symbol:NAME``


@frozen
class Manifest:
    """What goes into an image."""

    base: tuple[str, ...]  #: modules loaded at boot with ``usbfuzz.modules=base``, dependencies first
    all: tuple[str, ...]  #: the same for ``usbfuzz.modules=all``: every module in the image; starts with ``base``
    modules: Mapping[str, str]  #: the same, sorted: name -> path below lib/modules/RELEASE, ends in .ko
    sources: Mapping[str, Path]  #: the same: name -> the kernel's file, maybe compressed
    dep: str  #: modules.dep of these modules
    alias: str  #: modules.alias for the kernel's helper
    ids: str  #: modules.alias of those that bind USB or HID devices: which ones each asks for


def read_tables(directory: Path) -> Tables:
    """Read a ``lib/modules/RELEASE`` directory. Raises KernelError when depmod has not been run there."""
    symbols = tuple(
        Alias(words[1], module_name(words[2])) for words in _words(directory / "modules.symbols") if words[0] == "alias"
    )
    soft = {
        module_name(words[1]): tuple(module_name(word) for word in words[2:] if not word.endswith(":"))
        for words in _words(directory / "modules.softdep")
        if words[0] == "softdep"
    }
    return Tables(ModuleIndex.read(directory), soft, symbols)


def manifest(tables: Tables) -> Manifest:
    """Choose the modules of an image by :mod:`.policy`. Raises KernelError when the kernel lacks a required one."""
    index = tables.index
    missing = [name for name in policy.REQUIRED if name not in index.paths and name not in index.builtin]
    if missing:
        raise KernelError(
            f"{index.directory}: the kernel has neither built in nor as a module: {', '.join(missing)}; "
            "enable it in the kernel's configuration"
        )
    drivers = _matching(index, (*policy.DRIVER_ALIASES, *policy.COMPANION_ALIASES))
    companions = (*policy.COMPANION_NAMES, *sorted(_in_directories(index) | _dependents(index, drivers - policy.CORES)))
    base = _closure(tables, policy.BASE)
    everything = _closure(tables, (*policy.BASE, *policy.HOST, *sorted(drivers), *companions))
    sources = {name: index.paths[name] for name in sorted(everything)}
    modules = {name: _plain(index, path) for name, path in sources.items()}
    dep, alias, ids = _dep_text(index, modules), _alias_text(tables, modules), _ids_text(index, modules)
    return Manifest(base, everything, modules, sources, dep, alias, ids)


def _words(path: Path) -> Iterator[list[str]]:
    """The words of each line of a table; none when depmod did not write the table."""
    text = path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""
    return (line.split() for line in text.splitlines() if len(line.split()) > 2 and not line.startswith("#"))


def _plain(index: ModuleIndex, path: Path) -> str:
    return str(path.relative_to(index.directory).parent / path.name.partition(".ko")[0]) + ".ko"


def _matching(index: ModuleIndex, patterns: tuple[str, ...]) -> set[str]:
    return {alias.module for alias in _with_patterns(index, patterns)}


def _with_patterns(index: ModuleIndex, patterns: tuple[str, ...]) -> Iterator[Alias]:
    return (alias for alias in index.aliases if any(fnmatchcase(alias.pattern, pattern) for pattern in patterns))


def _in_directories(index: ModuleIndex) -> set[str]:
    return {
        name
        for name, path in index.paths.items()
        if str(path.relative_to(index.directory)).startswith(policy.COMPANION_DIRECTORIES)
    }


def _dependents(index: ModuleIndex, drivers: set[str]) -> set[str]:
    """Modules that use one of the drivers: they bind what it creates (a card reader's hosts), or are parts of it."""
    return {name for name, needs in index.dependencies.items() if not drivers.isdisjoint(needs)}


def _closure(tables: Tables, names: Iterable[str]) -> tuple[str, ...]:
    """The modules ``names`` and all they need, each once, in an order in which they can be loaded.

    Excluded modules and their users stay out.
    """
    index, order = tables.index, dict[str, None]()
    for name in names:
        if name in order or name not in index.paths:
            continue
        needs = (*index.dependencies[name], name)
        if not any(need in policy.EXCLUDED or need not in index.paths for need in needs):
            order.update(dict.fromkeys(need for wanted in needs for need in _with_soft(tables, wanted)))
    return tuple(order)


def _with_soft(tables: Tables, name: str) -> Iterator[str]:
    """A module's soft dependencies (names or aliases) with the modules those need, then the module itself."""
    index = tables.index
    for wish in tables.soft.get(name, ()):
        for soft in (wish, *(alias.module for alias in index.aliases if module_name(alias.pattern) == wish)):
            if soft in index.paths and soft != name and name not in index.dependencies[soft]:
                yield from (need for need in (*index.dependencies[soft], soft) if need not in policy.EXCLUDED)
    yield name


def _dep_text(index: ModuleIndex, modules: Mapping[str, str]) -> str:
    lines = (
        " ".join([f"{path}:", *(modules[need] for need in reversed(index.dependencies[name]))])
        for name, path in modules.items()
    )
    return "".join(f"{line}\n" for line in lines)


def _alias_text(tables: Tables, modules: Mapping[str, str]) -> str:
    return "".join(
        f"alias {alias.pattern} {alias.module}\n"
        for alias in (*tables.index.aliases, *tables.symbols)
        if alias.module in modules and not alias.pattern.startswith(policy.HELPER_ALIASES_SKIPPED)
    )


def _ids_text(index: ModuleIndex, modules: Mapping[str, str]) -> str:
    drivers = (alias for alias in _with_patterns(index, policy.DRIVER_ALIASES) if alias.module in modules)
    return "".join(f"alias {alias.pattern} {alias.module}\n" for alias in drivers)
