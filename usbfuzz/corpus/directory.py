"""The directory of a corpus: made, recognised, swept; what does not belong in it is told."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from usbfuzz.atomic import UNFINISHED, discard
from usbfuzz.coverage import BLOCKS_FILE, CASES
from usbfuzz.errors import InputError, StorageError

from .entries import strangers_in
from .kernel_files import ASIDE, BLOCKS, SMALLEST, TRIED
from .lock import LOCK_FILE

__all__ = ["check_corpus", "open_directory"]

_STALE_S = 3600.0  #: seconds after which a file that is being written never will be: its process was killed
_LISTED = 5  #: strangers that a line names


def open_directory(directory: Path, say: Callable[[str], None]) -> None:
    """Make the corpus if it is missing, and tell what lies in it and is not of a corpus.

    Raises InputError for a directory that is something else, StorageError.
    """
    if _is_new(directory):
        try:
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            (directory / CASES).mkdir(mode=0o700, exist_ok=True)
        except OSError as error:
            raise StorageError(f"{directory}: cannot be made: {error.strerror}; give another corpus") from error
        return
    check_corpus(directory)
    for place in (directory, directory / CASES):
        _sweep(place)
    _tell(directory, [path.name for path in _foreign(directory)], say)
    _tell(directory / CASES, strangers_in(directory), say)


def check_corpus(directory: Path) -> None:
    """Raises InputError that says what a path is instead of a corpus, when it is none."""
    if _is_new(directory):
        what = "is empty" if directory.exists() else "there is no such directory"
        raise InputError(f"{directory}: {what}; make a corpus of it: usbfuzz corpus add {directory} FILE...")
    cases = directory / CASES
    if (directory / BLOCKS_FILE).exists():
        what = f"is the coverage of a campaign; make a corpus of it: usbfuzz corpus merge NEW_DIR {directory}"
    elif cases.is_symlink() or not cases.is_dir():
        what = f"is no corpus: it holds other things, and no directory {CASES}/; give an empty or a new directory"
    else:
        return
    raise InputError(f"{directory}: {what}")


def _is_new(directory: Path) -> bool:
    """Whether there is nothing yet. Raises InputError when that cannot be said."""
    try:
        if not directory.is_dir():
            if directory.exists() or directory.is_symlink():
                raise InputError(f"{directory}: is a file; a corpus is a directory")
            return True
        return not any(directory.iterdir())
    except OSError as error:
        raise InputError(f"{directory}: cannot be read: {error.strerror}; give another corpus") from error


def _sweep(place: Path) -> None:
    """Remove what killed processes left half written."""
    for path in place.glob(f"{UNFINISHED}*"):
        try:
            stale = time.time() - path.lstat().st_mtime > _STALE_S
        except OSError:  # it is whole now
            continue
        if stale:
            discard(path)


def _foreign(directory: Path) -> Iterator[Path]:
    for path in sorted(directory.iterdir()):
        known = path.name in (CASES, LOCK_FILE) or path.name.endswith((BLOCKS, TRIED, SMALLEST, ASIDE))
        if not known and not path.name.startswith("."):
            yield path


def _tell(place: Path, names: Sequence[str], say: Callable[[str], None]) -> None:
    if names:
        more = f" and {len(names) - _LISTED} more" if len(names) > _LISTED else ""
        say(f"{place}: left out, as of no corpus: {', '.join(map(_shown, names[:_LISTED]))}{more}")


def _shown(name: str) -> str:
    return name if name.isprintable() else ascii(name)
