"""What is counted in a kernel while no device is plugged in."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum

from attrs import frozen

__all__ = ["Census", "Counted", "Sort"]


class Sort(Enum):
    """Sorts of things that a driver must give back; the values are what reports call them."""

    MEMORY = "memory"  #: objects by the call chain that allocated them
    CACHE = "objects of cache"  #: objects by their slab cache, where nobody sees who allocates
    MODULE = "references to module"  #: a module that has one cannot be unloaded
    THREAD = "kernel threads"
    DEVICE = "device nodes or sysfs entries"


@frozen
class Counted:
    """What is counted as one: its number in the name of a thread or node is left out."""

    sort: Sort
    name: str = ""  #: of everything but memory
    chain: tuple[str, ...] = ()  #: functions as a kernel prints them, the allocator first
    size: int = 0  #: bytes of one; 0: that says nothing


#: How many there are of each.
Census = Mapping[Counted, int]
