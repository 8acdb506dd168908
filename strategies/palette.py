"""Which kinds of devices the drivers of a kernel ask for, and how often each is generated."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from functools import cache, cached_property
from types import MappingProxyType

from attrs import define, field

from usbfuzz.kinds import KINDS, resolve

from .board import Board
from .dice import Dice, Weighted
from .identities import Identities, Identity

__all__ = ["COMPOSITE", "SHARES", "Builder", "Palette", "builder_of", "kinds_of"]

#: Puts the interfaces of one function on a board.
Builder = Callable[[Dice, Board], None]

#: Two or three functions of different kinds in one device.
COMPOSITE = "composite"

_COMPOSITE_SHARE = 5
_WHOLE = 1_000_000  #: weights are whole numbers

_GENERATED = {kind.name: kind.share for kind in KINDS.values() if kind.builder}

#: Weight of each generated kind, the commonest first: Hypothesis shrinks towards that one.
SHARES: Mapping[str, int] = MappingProxyType(
    dict(sorted({**_GENERATED, COMPOSITE: _COMPOSITE_SHARE}.items(), key=lambda item: (-item[1], item[0])))
)


def _by_module() -> dict[str, tuple[str, ...]]:
    """Names of kinds by the module names and patterns that ask for them."""
    found: dict[str, tuple[str, ...]] = {}
    for name in _GENERATED:
        for module in KINDS[name].modules:
            found[module] = (*found.get(module, ()), name)
    return found


_BY_MODULE = _by_module()
#: Those of _BY_MODULE that end in ``*``, the longest first; ``*`` alone matches what is left.
_PREFIXES = sorted((pattern for pattern in _BY_MODULE if pattern.endswith("*")), key=len, reverse=True)
_ON_HID_BUS = tuple(name for name in _GENERATED if KINDS[name].hid_bus)


def kinds_of(module: str, ids: tuple[Identity, ...]) -> tuple[str, ...]:
    """The generated kinds of device that a module's identities ask for."""
    if any(identity.hid for identity in ids):
        return _ON_HID_BUS
    if module in _BY_MODULE:
        return _BY_MODULE[module]
    return next(_BY_MODULE[pattern] for pattern in _PREFIXES if module.startswith(pattern[:-1]))


@cache
def builder_of(kind: str) -> Builder:
    """The builder of a generated kind other than COMPOSITE, imported on first use."""
    builder: Builder = resolve(KINDS[kind].builder)
    return builder


@define(eq=False, slots=False)
class Palette:
    """The identities of one kernel sorted by kind of device.

    Where drivers have an ``energy``, a weight for each module, it decides how often a driver is chosen, and so a kind.
    """

    identities: Identities
    energy: Mapping[str, float] = field(factory=dict)

    @cached_property
    def modules(self) -> Mapping[str, tuple[str, ...]]:
        """Modules of each kind this kernel has any for."""
        found: dict[str, list[str]] = {}
        for module in self.identities.modules:
            for kind in kinds_of(module, self.identities.of(module)):
                found.setdefault(kind, []).append(module)
        return MappingProxyType({kind: tuple(modules) for kind, modules in found.items()})

    @cached_property
    def shares(self) -> Weighted[str]:
        """Kinds to choose from, by their SHARES, or by the energy of those who take devices of the kind."""
        if self.energy:
            return Weighted(self._energies())
        return Weighted({kind: share for kind, share in SHARES.items() if kind in self.modules or kind == COMPOSITE})

    @cached_property
    def functions(self) -> Weighted[str]:
        """Kinds a composite device may consist of; rare kinds have a larger share here than alone."""
        if self.energy:
            return Weighted({kind: weight for kind, weight in self._energies().items() if kind != COMPOSITE})
        return Weighted({kind: 4 + min(share, 16) for kind, share in SHARES.items() if kind in self.modules})

    def identity(self, dice: Dice, kind: str) -> Identity:
        """An identity whose driver takes devices of ``kind``."""
        if self.energy:
            return self.identities.pick(dice, (dice.weighted(self._weighted[kind]),))
        return self.identities.pick(dice, self.modules[kind])

    @cached_property
    def _weighted(self) -> Mapping[str, Weighted[str]]:
        """The modules of each kind by their energy."""
        return {
            kind: Weighted({module: _whole(self.energy.get(module, 0.0)) for module in modules})
            for kind, modules in self.modules.items()
        }

    def _energies(self) -> dict[str, int]:
        """The energy of each kind; a module that takes devices of several kinds gives each a part of its own."""
        kinds = Counter(module for modules in self.modules.values() for module in modules)
        found = {
            kind: sum(self.energy.get(module, 0.0) / kinds[module] for module in modules)
            for kind, modules in self.modules.items()
        }
        found[COMPOSITE] = sum(found.values()) * _COMPOSITE_SHARE / sum(SHARES.values())
        return {kind: _whole(found[kind]) for kind in SHARES if kind in found}


def _whole(energy: float) -> int:
    return int(energy * _WHOLE) + 1
