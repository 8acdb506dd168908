"""What runs a guest: a QEMU, where its parts are, and what it lets a plugin see."""

from __future__ import annotations

import re
from enum import Enum
from pathlib import Path

from attrs import frozen

__all__ = ["SYSTEM", "Emulator", "Sight"]

#: Name of the QEMU that is installed on this machine.
SYSTEM = "system"


class Sight(Enum):
    """What a plugin can see of a running guest."""

    COVERAGE = "coverage"  #: which blocks of code run
    REGISTERS = "registers"  #: the virtual CPU's registers, without which the heap cannot be checked
    MEMORY = "memory"  #: the guest's memory at any address


@frozen
class Emulator:
    """A QEMU that can be started."""

    program: str  #: its path, or a name that is looked for on PATH
    name: str = SYSTEM  #: by which the user calls it: ``system``, ``debian:VERSION``, or its path
    version: str = ""  #: what it says of itself, as "QEMU emulator version 7.2.22 (Debian …)"
    sees: frozenset[Sight] = frozenset()
    firmware: tuple[Path, ...] = ()  #: directories with its firmware, looked through before those it knows itself
    modules: Path | None = None  #: directory of its loadable modules; None: it knows itself
    libraries: tuple[Path, ...] = ()  #: directories with libraries that this machine lacks
    loader: Path | None = None  #: the dynamic loader that fits those libraries; None: this machine's
    environment: tuple[str, ...] = ()  #: that it has besides ours, as "NAME=value"

    @property
    def number(self) -> str:
        """Its version as a number, "7.2.22"; "" when it says none."""
        found = re.search(r"version (\S+)", self.version)
        return found[1] if found else ""

    @property
    def launcher(self) -> tuple[str, ...]:
        """The words before :attr:`program` that start it.

        They set the environment of this process alone: an older QEMU aborts when it finds a newer one's modules, and
        other programs may not run with these libraries.
        """
        places = {"QEMU_MODULE_DIR": str(self.modules)} if self.modules else {}
        search = ":".join(map(str, self.libraries))
        if search and self.loader is None:
            places["LD_LIBRARY_PATH"] = search
        words = (*(f"{name}={value}" for name, value in places.items()), *self.environment)
        setting = ("env", *words) if words else ()
        return (*setting, str(self.loader), "--library-path", search) if self.loader else setting

    @property
    def options(self) -> tuple[str, ...]:
        """The options of its own that it always needs."""
        return tuple(word for directory in self.firmware for word in ("-L", str(directory)))

    def command(self, *options: str) -> list[str]:
        """The argument list that starts it with these options."""
        return [*self.launcher, self.program, *self.options, *options]

    @property
    def blindness(self) -> str:
        """What it cannot see, as words for the user; "" when it sees enough for every check."""
        if Sight.COVERAGE not in self.sees:
            return "has no plugin interface: no coverage, no heap checks"
        if Sight.REGISTERS not in self.sees:
            return "has no plugin registers: coverage only, no heap checks"
        return ""
