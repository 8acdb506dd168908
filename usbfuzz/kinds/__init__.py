"""Kinds of devices: one file a class of devices, and in it one :class:`Kind`, from which each room takes what it needs.

::

    kinds/printer.py ──▶ KINDS ──▶ strategies      how many are generated, by what, for which drivers
                               ├─▶ models          names that users plug
                               ├─▶ descriptors     what stands behind its interfaces
                               ├─▶ report.lsusb    words of its descriptors
                               └─▶ guest agent     what to do with its device nodes

The files of this folder are found by themselves, so a new class edits no list. Their order is that of their names:
the stream of generated cases depends on it.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from pkgutil import iter_modules
from types import MappingProxyType

from .kind import Kind, Node, resolve

__all__ = ["KINDS", "Kind", "Node", "resolve"]

_NO_KINDS = ("kind",)  #: files of this folder that declare none


def _declared() -> dict[str, Kind]:
    names = sorted(found.name for found in iter_modules(__path__) if found.name not in _NO_KINDS)
    kinds: list[Kind] = [import_module(f"{__name__}.{name}").KIND for name in names]
    return {kind.name: kind for kind in kinds}


#: All kinds by name, in the order of their files.
KINDS: Mapping[str, Kind] = MappingProxyType(_declared())
