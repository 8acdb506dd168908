"""The driver that a case was made for."""

from __future__ import annotations

from usbfuzz.case.model import Case

__all__ = ["module_of", "target_of"]


def module_of(name: str) -> str:
    """The module that a device with this name was made for: names of generated devices begin with it."""
    return name.partition(" ")[0].replace("-", "_")


def target_of(case: Case) -> str:
    """The module that the first device of a case was made for; "" when there is no device."""
    return module_of(case.devices[0].name) if case.devices else ""
