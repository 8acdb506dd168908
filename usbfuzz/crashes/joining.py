"""Two crash directories that are one bug: the second moves below the first, whose record lists it from then on.

::

    OUT/SLUG/           the bug
        also/OTHER/     what was a crash directory of its own, whole as it was
"""

from __future__ import annotations

from pathlib import Path

from attrs import evolve

from usbfuzz.atomic import write_atomically

from .layout import CRASH_FILE, JOINED_DIRECTORY
from .manifestation import Manifestation, Where, added
from .record import Crash

__all__ = ["join", "joined_in", "listing_all", "part"]


def join(directory: Path, bug: Crash, other: Crash, where: Where) -> Crash:
    """Move ``other`` below ``bug``; the bug's new record, which is not written yet. Raises OSError."""
    home = directory / bug.slug / JOINED_DIRECTORY
    home.mkdir(exist_ok=True)
    write_atomically(directory / other.slug / CRASH_FILE, other.to_toml().encode())
    (directory / other.slug).rename(_free(home / other.slug))
    return _listing(bug, other, where)


def part(directory: Path, bug: Crash, other: Crash) -> Path:
    """Move ``other``, which was joined with ``bug``, back; its directory. Raises OSError."""
    target = _free(directory / other.slug)
    (directory / bug.slug / JOINED_DIRECTORY / other.slug).rename(target)
    return target


def joined_in(directory: Path) -> list[Crash]:
    """The crashes below a crash directory."""
    home = directory / JOINED_DIRECTORY
    paths = sorted(home.iterdir()) if home.is_dir() and not home.is_symlink() else []
    return [crash for path in paths if (crash := Crash.read(path)) is not None]


def listing_all(directory: Path, bug: Crash) -> Crash:
    """The record with all crashes below its directory: of one that was moved before a kill, nothing was written."""
    for other in joined_in(directory / bug.slug):
        if not any(other.title in row.names for row in bug.manifestations):
            bug = _listing(bug, other, Where.OWN_RUNS)
    return bug


def _listing(bug: Crash, other: Crash, where: Where) -> Crash:
    row = Manifestation(other.title, other.alt_titles, other.guilty, other.total, where.value)
    rows = bug.manifestations
    for each in (row, *other.manifestations):
        rows = added(rows, each)
    return evolve(bug, manifestations=rows)


def _free(path: Path) -> Path:
    """The path, numbered when it is taken."""
    number = 1
    free = path
    while free.exists():
        number += 1
        free = path.with_name(f"{path.name}-{number}")
    return free
