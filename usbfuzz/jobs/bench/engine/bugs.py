"""Known bugs: case files that say which title a kernel showed, and when a campaign saw one of them first."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from attrs import frozen

from usbfuzz.jobs.page.data import Course
from usbfuzz.jobs.regress.collect import collect

__all__ = ["KnownBug", "first_seen", "known_bugs"]


@frozen
class KnownBug:
    """A bug that a kernel is known to have."""

    name: str  #: of its file
    title: str
    names: frozenset[str]  #: all titles that it gets


def known_bugs(directory: Path, kernel: str, on_progress: Callable[[str], None]) -> tuple[KnownBug, ...]:
    """The bugs that case files below ``directory`` expect of ``kernel``, each once.

    Raises InputError when there is no such directory or no case in it; a file that cannot be read costs a line.
    """
    found: dict[frozenset[str], KnownBug] = {}
    for entry in collect([directory]):
        if entry.error is not None:
            on_progress(f"{entry.error}; left out")
        rows = entry.case.expect if entry.case is not None else ()
        for row in rows:
            if row.kernel == kernel and row.title:
                found.setdefault(row.names, KnownBug(entry.name, row.title, row.names))
    return tuple(found.values())


def first_seen(bugs: Sequence[KnownBug], course: Course, within: float) -> dict[str, float | None]:
    """Wall seconds until each bug was seen, by its name; None: not in the first ``within`` seconds."""
    times: dict[str, float | None] = {}
    for bug in bugs:
        walls = [sighting.wall for sighting in course.sightings if not sighting.names.isdisjoint(bug.names)]
        wall = min(walls, default=within + 1)
        times[bug.name] = wall if wall <= within else None
    return times
