"""``usbfuzz crashes merge`` and ``split``: bugs joined and parted by hand, with the directory locked."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path

from attrs import evolve

from usbfuzz.atomic import write_atomically, write_directory
from usbfuzz.case import load
from usbfuzz.case.model import Expectation
from usbfuzz.errors import InputError

from .by_hand import ByHand, Ruling
from .directory import evidence_files, storage_error
from .joining import join, joined_in, part
from .layout import CONSOLE_FILE, CRASH_FILE
from .lock import DirectoryLock
from .manifestation import Manifestation, Where
from .record import Crash, How, find_crash, slug_of
from .saved import Renderer, write_texts

__all__ = ["merge", "split"]


def merge(directory: Path, names: Sequence[str], render: Renderer) -> Crash:
    """Make the crashes ``names[1:]`` manifestations of the first, and remember it; the first's new record.

    Names are as in :func:`~usbfuzz.crashes.record.find_crash`. Raises InputError, StorageError.
    """
    with DirectoryLock.acquire(_checked(directory)), _storing(directory):
        first, *others = _distinct(directory, names)
        by_hand = ByHand.load(directory)
        for other in others:
            first = join(directory, first, other, Where.BY_HAND)
            for title in sorted(other.names):
                by_hand = by_hand.merging(Ruling(first.slug, title, other.guilty))
            write_atomically(directory / first.slug / CRASH_FILE, first.to_toml().encode())
        by_hand.save(directory)
        write_texts(directory / first.slug, render)
    return first


def split(directory: Path, name: str, title: str, render: Renderer) -> Crash:
    """Make a manifestation of a crash a bug of its own again, and remember it; the record of that bug.

    Raises InputError, StorageError.
    """
    with DirectoryLock.acquire(_checked(directory)), _storing(directory):
        bug = _crash(directory, name)
        row = next((row for row in bug.manifestations if title in row.names), None)
        if row is None:
            known = "; ".join(row.title for row in bug.manifestations) or "none"
            raise InputError(f"{bug.slug}: does not list {title!r}; what it lists: {known}")
        by_hand = ByHand.load(directory)
        for each in sorted(row.names):
            by_hand = by_hand.parting(Ruling(bug.slug, each, row.driver))
        by_hand.save(directory)
        own = _on_its_own(directory, bug, row)
        bug = evolve(bug, manifestations=tuple(other for other in bug.manifestations if other is not row))
        write_atomically(directory / bug.slug / CRASH_FILE, bug.to_toml().encode())
        for crash in (bug, own):
            write_texts(directory / crash.slug, render)
    return own


def _on_its_own(directory: Path, bug: Crash, row: Manifestation) -> Crash:
    """The directory that the manifestation once had; else a new one with the bug's case, which led to it."""
    for other in joined_in(directory / bug.slug):
        if other.title in row.names:
            return evolve(other, slug=part(directory, bug, other).name)
    home = directory / bug.slug
    own = evolve(
        bug,
        slug=slug_of(row.title, row.driver),
        title=row.title,
        alt_titles=row.alt_titles,
        type="",
        driver=row.driver,
        guilty=row.driver,
        doubt=f"it was seen {row.where} with {bug.title}",
        how=How.NOT.value,
        reproduced=0,
        runs=0,
        attempts=0,
        confirmed=-1,
        confirmations=0,
        hits={bug.kernel: row.count},
        manifestations=(),
    )
    case = evolve(load(home), title=row.title, expect=(Expectation(bug.kernel, row.title, row.alt_titles),))
    files = evidence_files(case, (home / CONSOLE_FILE).read_text(errors="replace"))
    if (directory / own.slug).exists():
        raise InputError(f"{directory / own.slug}: is there already; move it away or merge it first")
    write_directory(directory / own.slug, {**files, CRASH_FILE: own.to_toml().encode()})
    return own


def _checked(directory: Path) -> Path:
    if not directory.is_dir():
        raise InputError(f"{directory}: is no directory; give the one a campaign saved crashes in")
    return directory


def _distinct(directory: Path, names: Sequence[str]) -> list[Crash]:
    found = {crash.slug: crash for crash in (_crash(directory, name) for name in names)}
    if len(found) < 2 or len(found) < len(names):
        raise InputError(f"{', '.join(names)}: name one crash twice or none to merge it with; name two that differ")
    return list(found.values())


def _crash(directory: Path, name: str) -> Crash:
    path = find_crash(name, directory)
    if path.resolve().parent != directory.resolve():
        raise InputError(f"{path}: is not in {directory}; say where it is with --in")
    crash = Crash.read(path)
    assert crash is not None, "find_crash has read it"
    return evolve(crash, slug=path.resolve().name)


@contextlib.contextmanager
def _storing(directory: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise storage_error(directory, error) from error
