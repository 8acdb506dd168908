"""What each case of a corpus reaches on one kernel, measured alone; in a file, so that an interruption costs nothing.

The first line says of which guest, each further line is appended once it is known: a block, whose number is how many
there were before it, or a case with the blocks it reaches, as a number that has the bits of theirs.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from attrs import define, field, frozen

from usbfuzz.corpus.known import block_of
from usbfuzz.coverage import Block
from usbfuzz.journal import Journal

from .messages import Keys

__all__ = ["Measured", "Measurement"]

_MOST_BYTES = 1 << 30  #: of the file that are read
_HEX = re.compile("[0-9a-f]{1,1000000}")  #: of four million blocks

_FLAGS = ("fresh", "crashed", "steady")

_Key = tuple[str, str, int]  #: module, section, key


@frozen
class Measurement:
    """What one case reaches."""

    bits: int  #: blocks that it reaches whenever it runs, by their numbers
    sometimes: int = 0  #: blocks that it reached in some of its runs
    fresh: bool = False  #: some of them only in a guest that has run nothing since its snapshot
    crashed: bool = False  #: the kernel reported something
    steady: bool = False  #: the case ran more often than others


@define
class Measured:
    """The file of one kernel; methods raise StorageError."""

    _journal: Journal
    cases: dict[str, Measurement] = field(factory=dict)
    _blocks: list[_Key] = field(factory=list, init=False)
    _number: dict[_Key, int] = field(factory=dict, init=False)

    def __len__(self) -> int:
        """How many blocks have numbers."""
        return len(self._blocks)

    @classmethod
    def open(cls, path: Path, of: str) -> Measured:
        """What is in the file if it is of the guest ``of``, else a new file in its place."""
        measured = cls(Journal(path, {"measured": of}))
        lines = measured._journal.read(_MOST_BYTES)
        usable = lines is not None and all(map(measured._take, lines))
        if not usable:
            measured = cls(Journal(path, {"measured": of}))
        measured._journal.open(new=not usable)
        return measured

    def add(self, case: str, measurement: Measurement) -> None:
        """Note what a case reaches."""
        self.cases[case] = measurement
        numbers = {name: f"{getattr(measurement, name):x}" for name in ("bits", "sometimes")}
        told: dict[str, Any] = {"case": case, **numbers}
        self._journal.append(told | {name: True for name in _FLAGS if getattr(measurement, name)})

    def bits(self, keys: Keys) -> int:
        """The number that has the bits of these blocks."""
        found = 0
        for module, section, some in keys:
            for key in some:
                found |= 1 << self._numbered((module, section, key))
        return found

    def keys(self, bits: int) -> Keys:
        """The blocks that a number stands for, as they are told to workers."""
        found: dict[tuple[str, str], list[int]] = {}
        for module, section, key in map(self._blocks.__getitem__, _ones(bits)):
            found.setdefault((module, section), []).append(key)
        return tuple((*place, tuple(sorted(keys))) for place, keys in sorted(found.items()))

    def blocks(self, bits: int, case: str) -> Iterator[Block]:
        """The blocks that a number stands for, as reached by ``case``."""
        return (block_of(*self._blocks[number], case) for number in _ones(bits))

    def close(self, *, done: bool) -> None:
        """Close the file, and remove it when nothing more is needed of it."""
        self._journal.close(done=done)

    def _numbered(self, key: _Key) -> int:
        number = self._number.get(key)
        if number is None:
            number = self._number[key] = len(self._blocks)
            self._blocks.append(key)
            self._journal.append({"block": key})
        return number

    def _take(self, line: dict[str, Any]) -> bool:
        """Take one line; whether it is one that was written here."""
        match line:
            case {"block": [str(module), str(section), int(key)]}:
                block = (module, section, key)
                self._number.setdefault(block, len(self._blocks))
                self._blocks.append(block)
                return True
            case {"case": str(name), "bits": str(bits), "sometimes": str(others)}:
                flags = {flag: line.get(flag) is True for flag in _FLAGS}
                if not (_HEX.fullmatch(bits) and _HEX.fullmatch(others)):
                    return False
                found = self.cases[name] = Measurement(int(bits, 16), int(others, 16), **flags)
                return found.bits | found.sometimes < 1 << len(self._blocks)
        return False


def _ones(bits: int) -> Iterator[int]:
    """The numbers of the bits that are set."""
    return (number for number, digit in enumerate(reversed(f"{bits:b}")) if digit == "1")
