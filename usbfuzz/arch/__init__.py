"""The architectures a guest can have: one record each, in a module of its own.

::

    record.py: Arch ◀── x86_64.py: ARCH        ARCHES: every record there is        DEFAULT: of kernels that say none

To add one, write a module here that defines ``ARCH``; it is found by itself. All other rooms ask a record and name no
architecture.
"""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules

from .record import Arch, BootImage, MachineCode, Printed
from .x86_64 import ARCH as DEFAULT

__all__ = ["ARCHES", "DEFAULT", "Arch", "BootImage", "MachineCode", "Printed", "by_name", "by_uname"]


def _discover() -> tuple[Arch, ...]:
    modules = (import_module(f"{__name__}.{module.name}") for module in iter_modules(__path__))
    return tuple(module.ARCH for module in modules if hasattr(module, "ARCH"))


#: Every known architecture.
ARCHES = _discover()


def by_name(name: str) -> Arch:
    """The architecture called ``name``; raises KeyError when it is not known."""
    return {arch.name: arch for arch in ARCHES}[name]


def by_uname(machine: str) -> Arch | None:
    """The architecture whose machines call themselves ``machine``; None when it is not known."""
    return next((arch for arch in ARCHES if arch.uname == machine), None)
