"""The files and directories that ``-o`` names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from usbfuzz.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["check_free", "make_directory"]


def check_free(target: Path, *, force: bool) -> None:
    """Raises InputError when there is a file of that name already and it is not to be overwritten."""
    if target.exists() and not force:
        raise InputError(f"{target}: exists already; give --force to overwrite it, or another -o")


def make_directory(directory: Path) -> None:
    """Make a directory and those above it, unless they are there; raises InputError when that is not possible."""
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"{directory}: cannot be made: {error.strerror}; give another -o") from error
