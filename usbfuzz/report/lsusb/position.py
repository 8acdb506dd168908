"""Where a descriptor stands, and what a class's module must say to have its descriptors shown."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from attrs import field, frozen

from usbfuzz.descriptors import Context

from .sheet import Sheet

__all__ = ["ClassWords", "Position", "Show"]


@frozen
class Position:
    """Where in a configuration a descriptor stands."""

    interface: bytes  #: descriptor last seen; empty before the first
    endpoint: bytes  #: of that interface, likewise
    reports: Mapping[int, bytes]  #: HID report descriptors by interface
    rest: bytes  #: what follows, to the end of the configuration

    @property
    def context(self) -> Context:
        """The three codes of the interface."""
        return Context(*self.interface[5:8])


Show = Callable[[Sheet, bytes, Position], bool]
"""Shows one descriptor; False when it is none of the class, or cut short."""

Table = Mapping[tuple[int, int | None], Show]


@frozen
class ClassWords:
    """What shows the descriptors of a class, by bInterfaceClass and bInterfaceSubClass (None: of any subclass).

    The module that a kind names as its ``lsusb`` has one, called WORDS.
    """

    interface: Table = field(factory=dict)  #: descriptors behind the interface
    endpoint: Table = field(factory=dict)  #: descriptors behind one of its endpoints
