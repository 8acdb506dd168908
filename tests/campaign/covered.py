"""What the probe would have seen of a round, for tests of what a lane makes of it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import cast

from attrs import field, frozen

from harness.guest.probe.coverage import Covered

__all__ = ["covered"]


#: The modules of drivers, as sysfs says.
_DRIVERS = {
    "AX88179": "asix",
    "wacom": "wacom",
    "ftdi-sio": "usbserial",
    "quatech-serial": "usbserial",
    "navman": "usbserial",
}
#: Modules of whose code nothing runs while their devices bind.
_LOADED = {"navman"}


@frozen
class _Pretended:
    modules: frozenset[str]
    drivers: dict[str, str] = field(factory=_DRIVERS.copy)

    @property
    def loaded(self) -> frozenset[str]:
        return self.modules | _LOADED

    def ran(self) -> set[str]:
        return set(self.modules)

    def owners(self, drivers: Iterable[str]) -> dict[str, str]:
        return Covered.owners(cast(Covered, self), drivers)


def covered(*modules: str) -> Covered:
    """A round in which code of these modules ran, in a guest with drivers of asix, wacom and usbserial."""
    return cast(Covered, _Pretended(frozenset(modules)))
