"""What is found in a kernel's modules one by one, each when it is first asked for."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import TypeVar

from attrs import define, field

from usbfuzz.errors import KernelError

from .elf import ElfFile
from .modules import ModuleIndex, read_module

__all__ = ["Mined"]

Found = TypeVar("Found")


@define(eq=False, slots=False)
class Mined(Mapping[str, tuple[Found, ...]]):
    """By the names of modules; nothing of a module that is not there, or damaged."""

    directory: Path  #: with modules.dep
    _known: dict[str, tuple[Found, ...]] = field(factory=dict, init=False)

    @cached_property
    def _paths(self) -> Mapping[str, Path]:
        return ModuleIndex.read(self.directory).paths

    def __getitem__(self, module: str) -> tuple[Found, ...]:
        if module not in self._known:
            self._known[module] = self._found(self._paths[module])
        return self._known[module]

    def __iter__(self) -> Iterator[str]:
        return iter(self._paths)

    def __len__(self) -> int:
        return len(self._paths)

    def _found(self, path: Path) -> tuple[Found, ...]:
        try:
            return self._mine(ElfFile.of(read_module(path), str(path)))
        except KernelError:  # who loads the module says so
            return ()

    @abstractmethod
    def _mine(self, elf: ElfFile) -> tuple[Found, ...]:
        """What there is in one; raises KernelError when it is damaged."""
