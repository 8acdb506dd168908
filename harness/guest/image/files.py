"""Files of the cache: private directories, whole or absent files."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path

from usbfuzz.errors import StorageError

__all__ = ["private_directory", "write_atomically"]


def private_directory(path: Path) -> Path:
    """Make a directory, and those above it, that only this user can enter (0700). Raises StorageError."""
    try:
        for each in (*reversed(path.parents), path):
            if not each.exists():
                each.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise StorageError(f"{path}: cannot make the cache directory ({error.strerror})") from error
    return path


def write_atomically(path: Path, fill: Callable[[Path], None], permissions: int = 0o644) -> None:
    """Let ``fill`` write a file next to ``path``, then give it its name. Of two writers at once the last one wins.

    Raises StorageError when the disk refuses; what ``fill`` raises passes through and leaves nothing behind.
    """
    try:
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    except OSError as error:
        raise StorageError(
            f"{path.parent}: cannot write to the cache ({error.strerror}); free some space or set USBFUZZ_CACHE"
        ) from error
    os.close(handle)
    temporary = Path(name)
    try:
        fill(temporary)
        temporary.chmod(permissions)
        temporary.replace(path)
    except OSError as error:
        raise StorageError(
            f"{path}: cannot write to the cache ({error.strerror}); free some space or set USBFUZZ_CACHE"
        ) from error
    finally:
        temporary.unlink(missing_ok=True)
