"""What a kind is, and a reference to code that is imported only when it is used."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from types import MappingProxyType
from typing import Any

from attrs import field, frozen

__all__ = ["Kind", "Node", "resolve"]


def _read_only(models: Mapping[str, str]) -> Mapping[str, str]:
    return MappingProxyType(dict(models))


@frozen
class Node:
    """A device node that drivers of a kind create, and what the guest agent does with it.

    A pattern ending in ``*`` matches as a prefix, ``*text*`` anywhere; an empty name matches every node of the
    subsystem that no other pattern matches. A node of no kind is opened and held open for a while.
    """

    subsystem: str  #: of the kobject, exactly
    name: str = ""  #: pattern of the kobject's name
    exercise: str = ""  #: X of a function ``exercise_X`` of harness/guest/agent/nodes_*.c; empty: leave the node alone


@frozen
class Kind:
    """One class of devices: all that the rest of usbfuzz must know to generate, plug, print and exercise it.

    References to code are dotted names, so that a declaration costs no import.
    """

    name: str
    share: int = 0  #: weight among generated devices; those of all kinds add up to about 100
    builder: str = ""  #: ``module:function`` that puts one function of this kind on a board; empty: none is generated
    modules: tuple[str, ...] = ()  #: kernel modules that ask for this kind; ``ums_*`` is a prefix, ``*`` any other
    hid_bus: bool = False  #: drivers on the HID bus ask for it too, of any module
    models: Mapping[str, str] = field(factory=dict, converter=_read_only)  #: name users type: ``module:class``
    descriptors: tuple[str, ...] = ()  #: modules with the FAMILIES of descriptors behind its interfaces
    lsusb: str = ""  #: module that shows its descriptors as lsusb does; empty: they have none
    nodes: tuple[Node, ...] = ()


def resolve(reference: str) -> Any:
    """What ``module:name`` refers to, imported now."""
    module, _, name = reference.partition(":")
    return getattr(import_module(module), name)
