"""By which drivers' devices the code of a module is reached."""

from __future__ import annotations

import string
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path

from attrs import define, field

from harness.guest.image.manifest import Manifest, Tables
from harness.guest.image.policy import CORES
from harness.guest.kernels.modules import read_module

__all__ = ["Leads"]

_SHORTEST = 4  #: characters of a name that is looked for among a driver's strings
#: What a longer name would have before the end of it.
_OF_NAMES = frozenset(bytes((byte,)) for byte in b"-_" + string.ascii_letters.encode() + string.digits.encode())
#: A module that more drivers need is part of a subsystem: it does not tell what a module beside it belongs to.
_SHARED = 12


@define
class Leads:
    """The drivers of a kernel, and what they lead to."""

    _tables: Tables
    _manifest: Manifest
    _drivers: frozenset[str]  #: modules that bind USB or HID devices
    _content: dict[str, bytes] = field(factory=dict)

    def to(self, module: str) -> frozenset[str]:
        """The drivers whose devices lead to a module's code; none when that is not known.

        Those are the module itself and what depends on it. A module on which no driver depends may be a part of one,
        which depends on that (em28xx_dvb), or be asked for by name (frontends, tuners).
        """
        needs = self._needs
        found = {driver for driver in self._drivers if driver == module or module in needs.get(driver, ())}
        return frozenset(found or self._owners(module) or self._naming(module))

    @property
    def _needs(self) -> Mapping[str, tuple[str, ...]]:
        return self._tables.index.dependencies

    def _owners(self, module: str) -> set[str]:
        own = self._drivers.intersection(self._needs.get(module, ())) - CORES
        users = Counter(need for driver in self._drivers for need in self._needs.get(driver, ()))
        return {driver for driver in own if users[driver] <= _SHARED}

    def _naming(self, module: str) -> set[str]:
        """The drivers that have the module's name, or a symbol of it, among their strings."""
        symbols = {alias.pattern.removeprefix("symbol:") for alias in self._tables.symbols if alias.module == module}
        names = {module, module.replace("_", "-"), *symbols}
        words = [name.encode() + b"\0" for name in sorted(names) if len(name) >= _SHORTEST]
        return {driver for driver in self._drivers if _has(self._read(driver), words)}

    def _read(self, driver: str) -> bytes:
        if driver not in self._content:
            path: Path | None = self._manifest.sources.get(driver)
            self._content[driver] = read_module(path) if path is not None else b""
        return self._content[driver]


def _has(content: bytes, words: Iterable[bytes]) -> bool:
    """Whether one of some strings is there, alone or behind a mark (``symbol:NAME``)."""
    for word in words:
        at = content.find(word)
        while at >= 0:
            if not at or content[at - 1 : at] not in _OF_NAMES:
                return True
            at = content.find(word, at + 1)
    return False
