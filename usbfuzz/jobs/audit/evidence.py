"""Whether every crash directory of a campaign is whole, no bug has two, and the books know of each."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from usbfuzz.case import load
from usbfuzz.crashes.joining import joined_in
from usbfuzz.crashes.layout import CASE_FILE, CONSOLE_FILE, JOINED_DIRECTORY, ORIGINAL_FILE
from usbfuzz.crashes.minimized import load_result
from usbfuzz.crashes.record import Crash
from usbfuzz.errors import CaseError

from .books import Books

__all__ = ["crash_findings", "crashes_in"]


def crashes_in(directory: Path) -> dict[str, Crash]:
    """All whole crashes below a campaign's directory by slug, those that were joined with others included."""
    found: dict[str, Crash] = {}
    for path in sorted(directory.iterdir()):
        if path.is_dir() and not path.is_symlink() and (crash := Crash.read(path)) is not None:
            found[crash.slug] = crash
            found |= {below.name: other for below, other in _joined(path)}
    return found


def _joined(path: Path) -> Iterator[tuple[Path, Crash]]:
    """The crashes below a crash directory, those that were joined with them before included."""
    for other in joined_in(path):
        below = path / JOINED_DIRECTORY / other.slug
        yield below, other
        yield from _joined(below)


def crash_findings(paths: Iterable[Path], books: Iterable[Books]) -> Iterator[str]:
    """What is wrong with the crash directories ``paths``, which are all of a campaign's directory."""
    by_kernel: dict[str, list[Books]] = {}  # a kernel has a campaign for each set of its parameters
    for each in books:
        by_kernel.setdefault(each.kernel, []).append(each)
    known: dict[tuple[str, str], Path] = {}
    for path in paths:
        crash = Crash.read(path)
        if crash is None:
            yield f"{path}: is no whole crash directory"
            continue
        yield from _files(path, crash)
        for below, other in _joined(path):
            yield from _files(below, other)
        twin = known.setdefault((crash.title, crash.guilty), path)
        if twin != path:
            yield f"{path}: is the bug of {twin.name}, once more"
        # What was saved before the books were begun is another command's, or an older version's.
        mine = [each for each in by_kernel.get(crash.kernel, ()) if each.begun and crash.first_seen >= each.begun]
        if mine and all(crash.names.isdisjoint(each.sighted) for each in mine):
            yield f"{path}: is a crash that the books have never seen: {crash.title}"


def _files(path: Path, crash: Crash) -> Iterator[str]:
    for name in (CASE_FILE, ORIGINAL_FILE):
        if name == CASE_FILE or (path / name).exists():
            try:
                load(path / name)
            except CaseError as error:
                yield str(error)
    try:
        load_result(path)
    except CaseError as error:
        yield str(error)
    if not (path / CONSOLE_FILE).is_file():
        yield f"{path}: has no {CONSOLE_FILE}"
    if not 0 <= crash.reproduced <= crash.runs or crash.total < 1:
        yield f"{path}: was seen {crash.total} times, and reproduced {crash.reproduced} of {crash.runs}"
