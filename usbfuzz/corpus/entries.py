"""The case files of a corpus: their names, reading them, adding one, and noticing new ones."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path

from attrs import define, field

from usbfuzz.case import load, save
from usbfuzz.case.model import Case
from usbfuzz.case.parts import digest
from usbfuzz.coverage import CASES
from usbfuzz.errors import CaseError, StorageError
from usbfuzz.reading import Stamp, stamp_of

__all__ = ["Reader", "entry_path", "keep", "name_of", "names_in", "read_case", "strangers_in"]

_DIGITS = 16  #: of a name; two of a million cases share one with a chance of 1 in 40 million
_FILE = re.compile(rf"([0-9a-f]{{{_DIGITS}}})\.toml")


def name_of(case: Case) -> str:
    """The name of a case: the beginning of the digest of what it does, so that equal cases have the same."""
    return digest(case)[:_DIGITS]


def entry_path(directory: Path, name: str) -> Path:
    """The file of the case with that name; raises CaseError for what is no name."""
    file = f"{name}.toml"
    if not _FILE.fullmatch(file):
        raise CaseError(f"{name}: is no name of a case in a corpus; give {_DIGITS} hex digits")
    return directory / CASES / file


def names_in(directory: Path) -> set[str]:
    """The names of the case files in the corpus ``directory``, unread. Raises StorageError."""
    return {match[1] for entry in _files(directory) if (match := _FILE.fullmatch(entry.name))}


def strangers_in(directory: Path) -> list[str]:
    """What lies among the case files and is none, sorted; raises StorageError. Files that are being written are not."""
    return sorted(entry.name for entry in _entries(directory) if not (_FILE.fullmatch(entry.name) and _is_file(entry)))


def read_case(directory: Path, name: str) -> Case:
    """The case of that name. Raises CaseError when there is none, it is broken, or it is not what its name says."""
    path = entry_path(directory, name)
    case = load(path)
    if (right := name_of(case)) != name:
        raise CaseError(
            f"{path}: was changed: what it does now has the name {right}; add the file to the corpus to keep it"
        )
    return case


def keep(directory: Path, case: Case) -> tuple[str, bool]:
    """Write a case into a corpus that is there; its name, and whether it is new there. Raises StorageError."""
    name = name_of(case)
    try:
        read_case(directory, name)
    except CaseError:  # none, or one that is broken
        save(entry_path(directory, name), case)
        return name, True
    return name, False


@define
class Reader:
    """Notices the cases that others add to a corpus; for a process that makes cases of them."""

    directory: Path
    say: Callable[[str], None] = lambda _: None  #: told of each file that cannot be used, once
    _read: set[str] = field(factory=set, init=False)
    _broken: dict[str, Stamp | None] = field(factory=dict, init=False)  #: as they were when they were looked at

    def news(self, most: int | None = None) -> list[tuple[str, Case]]:
        """The cases that were not given before, ``most`` of them at once, with their names.

        A file that is broken is left out until it is changed. Raises StorageError when the directory cannot be read.
        """
        found: list[tuple[str, Case]] = []
        for entry in _files(self.directory):
            match = _FILE.fullmatch(entry.name)
            if match is None or match[1] in self._read or self._is_still_broken(entry):
                continue
            if most is not None and len(found) >= most:
                break
            if (case := self._case(match[1])) is not None:
                found.append((match[1], case))
        return found

    def _case(self, name: str) -> Case | None:
        path = entry_path(self.directory, name)
        stamp = stamp_of(path)  # before it is read: what is written meanwhile is looked at next time
        try:
            case = read_case(self.directory, name)
        except CaseError as error:
            if name not in self._broken:
                self.say(f"left out of the corpus: {error}")
            self._broken[name] = stamp
            return None
        self._read.add(name)
        return case

    def _is_still_broken(self, entry: os.DirEntry[str]) -> bool:
        name = entry.name.removesuffix(".toml")
        return name in self._broken and self._broken[name] == stamp_of(Path(entry.path))


def _files(directory: Path) -> Iterator[os.DirEntry[str]]:
    return (entry for entry in _entries(directory) if _is_file(entry))


def _is_file(entry: os.DirEntry[str]) -> bool:
    return entry.is_file(follow_symlinks=False)


def _entries(directory: Path) -> Iterator[os.DirEntry[str]]:
    """What lies among the cases, hidden files left out: such are being written."""
    try:
        with os.scandir(directory / CASES) as entries:
            yield from (entry for entry in entries if not entry.name.startswith("."))
    except FileNotFoundError:
        return
    except OSError as error:
        raise StorageError(f"{directory / CASES}: cannot be read: {error.strerror}; give another corpus") from error
