"""The firmware that drivers say they may ask for: MODULE_FIRMWARE() in their modules (linux/module.h)."""

from __future__ import annotations

from attrs import define

from .elf import ElfFile
from .mined import Mined

__all__ = ["FirmwareNames"]

_TAG = b"firmware="
_MOST = 64  #: names of one module


@define(eq=False, slots=False)
class FirmwareNames(Mined[str]):
    """Of the modules in a directory, in the order of the module."""

    def _mine(self, elf: ElfFile) -> tuple[str, ...]:
        section = elf.section(".modinfo")
        entries = elf.bytes_of(section).split(b"\0") if section is not None else []
        names = (entry[len(_TAG) :].decode("ascii", "replace") for entry in entries if entry.startswith(_TAG))
        return tuple(dict.fromkeys(names))[:_MOST]
