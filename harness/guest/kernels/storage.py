"""The cache directory, and the errors for one that cannot be written."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from usbfuzz.errors import StorageError

__all__ = ["default_cache", "no_space", "storage_errors"]

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})


def default_cache() -> Path:
    """``$USBFUZZ_CACHE``, else ``$XDG_CACHE_HOME/usbfuzz``, else ``~/.cache/usbfuzz``; made when missing, mode 0700.

    Raises StorageError when it cannot be made.
    """
    explicit = os.environ.get("USBFUZZ_CACHE")
    base = os.environ.get("XDG_CACHE_HOME")
    path = Path(explicit) if explicit else Path(base or "~/.cache").expanduser() / "usbfuzz"
    with storage_errors(path):
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    return path.absolute()


def no_space(directory: Path) -> StorageError:
    """The error for a full disk."""
    return StorageError(f"{directory}: no space left; free some, or set USBFUZZ_CACHE to a directory on a larger disk")


@contextmanager
def storage_errors(directory: Path) -> Iterator[None]:
    """Turn what the file system refuses into a StorageError that names ``directory``."""
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            raise no_space(directory) from error
        message = f"{directory}: {error.strerror or error}; make it writable, or set USBFUZZ_CACHE to another directory"
        raise StorageError(message) from error
