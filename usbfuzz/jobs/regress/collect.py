"""From the paths a user gives to the rows of the matrix."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from strategies.learning.learned import LEARNED
from usbfuzz.case import load, resolve
from usbfuzz.crashes.layout import CASE_FILE, may_be_case
from usbfuzz.errors import CaseError, InputError
from usbfuzz.reading import printable

from .matrix import Entry

__all__ = ["collect"]

_MOST_FILES = 20_000


def collect(paths: Iterable[Path]) -> tuple[Entry, ...]:
    """A row for each case file below ``paths``, in the order given and sorted within a directory.

    A path is a case file, a crash directory, or a directory to search, but for folders of what was learned. A file that
    cannot be read is a row with its error. Raises InputError for a path that does not exist, and when there is nothing
    at all.
    """
    found = list(dict.fromkeys(file for path in paths for file in _files(path)))
    if not found:
        raise InputError(f"{', '.join(map(str, paths))}: no case files there; give .toml files or directories of them")
    names = _names(found)
    return tuple(_entry(path, name) for path, name in zip(found, names, strict=True))


def _files(path: Path) -> Iterator[Path]:
    if not path.exists():
        raise InputError(f"{path}: there is no such file or directory")
    if not path.is_dir() or (path / CASE_FILE).exists():
        yield resolve(path)
        return
    count = 0
    for directory, below, files in os.walk(path):  # does not follow links
        below[:] = sorted(name for name in below if not name.startswith(".") and name != LEARNED.name)
        for name in sorted(files):
            if may_be_case(name, in_crash_directory=CASE_FILE in files):
                count += 1
                if count > _MOST_FILES:
                    raise InputError(f"{path}: more than {_MOST_FILES} case files below it; name a smaller directory")
                yield Path(directory, name)


def _entry(path: Path, name: str) -> Entry:
    try:
        return Entry(path, name, load(path))
    except CaseError as error:
        return Entry(path, name, error=error)


def _names(paths: list[Path]) -> list[str]:
    """The last part of each path that tells it from the others: a file's stem, a crash directory's name."""
    parts = [(path.parent if path.name == CASE_FILE else path.with_suffix("")).absolute().parts for path in paths]
    depth = 1
    names = ["/".join(part[-depth:]) for part in parts]
    while len(set(names)) < len(names) and depth < max(map(len, parts)):
        depth += 1
        taken = {name for name in names if names.count(name) > 1}
        names = ["/".join(part[-depth:]) if n in taken else n for part, n in zip(parts, names, strict=True)]
    return [printable(name) for name in names]
