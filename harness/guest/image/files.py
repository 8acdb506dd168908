"""Files of the cache: private directories, whole or absent files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from usbfuzz.atomic import replace_file
from usbfuzz.errors import StorageError

__all__ = ["private_directory", "write_atomically"]


def private_directory(path: Path) -> Path:
    """Make a directory, and those above it, that only this user can enter (0700). Raises StorageError."""
    try:
        for directory in (*reversed(path.parents), path):
            if not directory.exists():
                directory.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise StorageError(f"{path}: cannot make the cache directory ({error.strerror})") from error
    return path


def write_atomically(path: Path, fill: Callable[[Path], None], permissions: int = 0o644) -> None:
    """Let ``fill`` write a file of the cache, which gets its name when it is whole.

    Raises StorageError when the disk refuses; what else ``fill`` raises passes through. Then nothing is left behind.
    """
    try:
        replace_file(path, fill, permissions)
    except OSError as error:
        raise StorageError(
            f"{path}: cannot write to the cache ({error.strerror}); free some space or set USBFUZZ_CACHE"
        ) from error
