"""What every importer returns."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from attrs import frozen

from usbfuzz.case.model import DeviceSpec

__all__ = ["Format", "Imported", "Importer", "Problem", "distinct"]


@frozen
class Problem:
    """Something in the file that could not be used as it stands; the rest of the device was kept."""

    line: int  #: counted from 1; 0 is the whole file
    reason: str  #: what is wrong and what was done about it

    def __str__(self) -> str:
        return f"line {self.line}: {self.reason}" if self.line else self.reason


@frozen
class Imported:
    """One device of a file."""

    device: DeviceSpec
    origin: str  #: which device of the file: ``Bus 003 Device 004: 046d:c52b``
    synthesised: tuple[str, ...] = ()  #: what the file did not say and was made up, a phrase each
    problems: tuple[Problem, ...] = ()
    unread: tuple[str, ...] = ()  #: a message for each device of the file that could not be read, with the first one


Importer = Callable[[bytes, str], tuple[Imported, ...]]  #: content and name of a file; raises InputError


@frozen
class Format:
    """A kind of file: how it is recognised, and who reads it."""

    name: str  #: as messages call it
    looks_like: Callable[[bytes], bool]  #: cheap, and never raises, whatever the bytes
    read: Importer
    unwraps: bool = False  #: whether it takes off by itself what a mail, a page or a listing adds


def distinct(devices: Iterable[Imported]) -> tuple[Imported, ...]:
    """The devices without those that are there before: a mail may show one as text, as HTML, and quoted."""
    found: dict[tuple[str, DeviceSpec], Imported] = {}
    for imported in devices:
        found.setdefault((imported.origin, imported.device), imported)
    return tuple(found.values())
