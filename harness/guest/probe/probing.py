"""What the probe is asked to look at."""

from __future__ import annotations

from enum import Enum

from attrs import evolve, frozen

__all__ = ["BLOCKS", "Heap", "Probing"]


class Heap(Enum):
    """What happens at a bad access to the heap; the values are those of ``--heap``."""

    REPORT = "report"  #: the guest stops there: it prints the stack of that very access and panics
    WARN = "warn"  #: it is noted, once for each place in the code, and the guest goes on
    OFF = "off"  #: nothing is checked


@frozen
class Probing:
    """What is looked at in a guest."""

    coverage: bool = True  #: count the blocks of modules that run
    kernel: bool = False  #: and those of the kernel itself
    heap: Heap = Heap.OFF
    compare: bool = False  #: code may be armed: what its instructions compare is kept
    alive: bool = False  #: keep who allocated what is not given back; needs the heap to be checked

    def counting(self) -> Probing:
        """The same, and it is kept who allocated what is alive, unless the heap is not looked at."""
        return evolve(self, alive=self.heap is not Heap.OFF)


#: What costs next to nothing.
BLOCKS = Probing()
