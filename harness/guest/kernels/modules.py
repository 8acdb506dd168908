"""The modules of a kernel: their files, dependencies, aliases and content."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Self

from attrs import frozen

from usbfuzz.errors import InputError, KernelError
from usbfuzz.reading import unpack

__all__ = ["Alias", "ModuleIndex", "module_name", "read_module"]

_ELF = b"\x7fELF"


@frozen
class Alias:
    """One line of modules.alias."""

    pattern: str  #: shell pattern over modalias strings, ``usb:v046Dp*d*dc*dsc*dp*ic*isc*ip*in*``
    module: str


@frozen
class ModuleIndex:
    """The indexes depmod wrote for a module directory. Names have ``_`` for ``-``, as in /proc/modules."""

    directory: Path  #: ``.../lib/modules/RELEASE``
    paths: Mapping[str, Path]  #: file of each loadable module
    dependencies: Mapping[str, tuple[str, ...]]  #: all modules each needs, in an order they can be loaded in
    aliases: tuple[Alias, ...]  #: in file order
    builtin: frozenset[str]  #: modules that are part of the image

    @classmethod
    def read(cls, directory: Path) -> Self:
        """Read modules.dep, modules.alias and modules.builtin. Raises KernelError when one is missing."""
        paths: dict[str, Path] = {}
        dependencies: dict[str, tuple[str, ...]] = {}
        for line in _lines(directory / "modules.dep"):
            path, _, needs = line.partition(":")
            name = module_name(path)
            paths[name] = directory / path
            dependencies[name] = tuple(module_name(need) for need in reversed(needs.split()))
        aliases = []
        for line in _lines(directory / "modules.alias"):
            words = line.split()
            if len(words) == 3 and words[0] == "alias":
                aliases.append(Alias(words[1], module_name(words[2])))
        builtin = frozenset(module_name(line) for line in _lines(directory / "modules.builtin"))
        return cls(directory, paths, dependencies, tuple(aliases), builtin)


def module_name(path: str) -> str:
    """``kernel/sound/usb/snd-usb-audio.ko.xz`` gives ``snd_usb_audio``."""
    return path.strip().rpartition("/")[2].partition(".ko")[0].replace("-", "_")


def read_module(path: Path) -> bytes:
    """The ELF object of a module file, compressed or not. Raises KernelError, and InfraError without ``zstd``."""
    try:
        content = unpack(path.read_bytes(), str(path))
    except InputError as error:
        raise KernelError(str(error)) from error
    except OSError as error:
        raise KernelError(f"{path}: cannot be read as a kernel module: {error}") from error
    if not content.startswith(_ELF):
        raise KernelError(f"{path}: not a kernel module (no ELF header)")
    return content


def _lines(path: Path) -> Iterator[str]:
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise KernelError(f"{path}: {error.strerror}; run depmod on this kernel's modules") from error
    return (line for line in text.splitlines() if line.strip() and not line.startswith("#"))
