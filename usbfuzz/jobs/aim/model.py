"""What a user wants to aim at, and what that means in one kernel."""

from __future__ import annotations

import shlex
from collections.abc import Mapping

from attrs import frozen

from harness.guest.kernels.code import whole_name

__all__ = ["Aim", "Wanted"]


@frozen
class Wanted:
    """What ``--driver``, ``--file`` and ``--since`` say."""

    drivers: tuple[str, ...] = ()  #: modules, with ``-`` or ``_``
    files: tuple[str, ...] = ()  #: source files or directories, from the top of the kernel's tree
    since: str | None = None  #: a kernel

    def __bool__(self) -> bool:
        """Whether anything is aimed at."""
        return bool(self.drivers or self.files or self.since)

    @property
    def as_options(self) -> str:
        """``--file sound/usb/clock.c --since debian:6.1.190``."""
        words = [f"--driver {shlex.quote(name)}" for name in self.drivers]
        words += [f"--file {shlex.quote(name)}" for name in self.files]
        return " ".join([*words, *([f"--since {shlex.quote(self.since)}"] if self.since else [])])

    def __str__(self) -> str:
        """``sound/usb/clock.c, changed since debian:6.1.190``."""
        places = ", ".join((*self.drivers, *self.files))
        changed = f"{places and ', '}changed since {self.since}" if self.since else ""
        return places + changed


@frozen
class Aim:
    """What a campaign on one kernel aims at."""

    wanted: Wanted
    #: module that binds devices and leads to the code (names with ``_``) -> its share of the devices; they sum to 1
    shares: Mapping[str, float]
    functions: Mapping[str, frozenset[str]]  #: module -> functions, each with its cold part

    @property
    def modules(self) -> frozenset[str]:
        """The modules whose devices are to be plugged."""
        return frozenset(self.shares)

    def wants(self, module: str, function: str) -> bool:
        """Whether a function, or its cold part, is aimed at."""
        return whole_name(function) in self.functions.get(module.replace("-", "_"), ())

    @property
    def count(self) -> int:
        """How many functions are aimed at."""
        return sum(map(len, self.functions.values()))

    def __str__(self) -> str:
        """``sound/usb/clock.c: 12 functions of 1 module, by devices of 1 driver``."""
        return (
            f"{self.wanted}: {_number(self.count, 'function')} of {_number(len(self.functions), 'module')}, "
            f"by devices of {_number(len(self.modules), 'driver')}"
        )


def _number(count: int, what: str) -> str:
    return f"{count:,} {what}{'s' * (count != 1)}"
