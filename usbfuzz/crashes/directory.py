"""The files of one crash directory on the disk: written whole, replaced, or saved elsewhere when that fails."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

from usbfuzz.atomic import write_atomically, write_directory, write_loose
from usbfuzz.case import dumps
from usbfuzz.case.model import Case
from usbfuzz.errors import StorageError

from .layout import CAPTURE_FILE, CASE_FILE, CONSOLE_FILE, FUNCTIONS_FILE

__all__ = ["evidence_files", "overwrite", "save_new", "save_over", "storage_error"]

Files = Mapping[str, bytes]  #: content by name


def evidence_files(case: Case, console: str, capture: bytes = b"", coverage: str = "") -> dict[str, bytes]:
    """Name and content of the files that hold evidence; ``capture`` and ``coverage`` may be empty."""
    files = {CASE_FILE: dumps(case).encode(), CONSOLE_FILE: console.encode("utf-8", "replace")}
    of_the_run = {CAPTURE_FILE: capture, FUNCTIONS_FILE: coverage.encode()}
    return files | {name: raw for name, raw in of_the_run.items() if raw}


def save_new(directory: Path, files: Files, title: str) -> None:
    """Make a crash directory in one step, or save its files elsewhere; raises StorageError that says where they are."""
    _or_elsewhere(write_directory, directory, files, title)


def save_over(directory: Path, files: Files, title: str) -> None:
    """:func:`overwrite`, or save the files elsewhere; raises StorageError that says where they are."""
    _or_elsewhere(overwrite, directory, files, title)


def overwrite(directory: Path, files: Files) -> None:
    """Replace files one after the other. What was recorded of a run and is not among them is of another one, and goes.

    Raises OSError.
    """
    for name in {CAPTURE_FILE, FUNCTIONS_FILE} - files.keys():
        (directory / name).unlink(missing_ok=True)
    for name, raw in files.items():
        write_atomically(directory / name, raw)


def storage_error(path: Path, error: OSError) -> StorageError:
    """What the user is told when a campaign cannot write."""
    return StorageError(f"{path}: cannot be written: {error.strerror}; free some space and run the same command again")


def _or_elsewhere(write: Callable[[Path, Files], None], directory: Path, files: Files, title: str) -> None:
    try:
        write(directory, files)
    except OSError as error:
        failure = storage_error(directory, error)
        raise StorageError(f"{failure}; {_saved_elsewhere(directory.name, files, title)}") from error


def _saved_elsewhere(name: str, files: Files, title: str) -> str:
    """Save the files below $TMPDIR; says what became of them."""
    try:
        elsewhere = Path(tempfile.mkdtemp(prefix="usbfuzz-rescued-"), name)
        elsewhere.mkdir()
        write_loose(elsewhere, files)
    except OSError as error:
        return f"{title!r} is lost: {error.filename}: {error.strerror}"
    return f"{title!r} was saved to {elsewhere} instead"
