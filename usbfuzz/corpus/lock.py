"""One process at a time writes what all cases of a corpus reached, for a moment each."""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
from collections.abc import Iterator
from pathlib import Path

from usbfuzz.errors import StorageError

__all__ = ["LOCK_FILE", "held", "minimizing"]

LOCK_FILE = "lock"  #: in the corpus
_MINIMIZING_FILE = ".minimizing"  #: there, too
_PATIENCE_S = 20.0  #: seconds; reading and writing the largest file takes two
_AGAIN_S = 0.02  #: seconds between two tries


@contextlib.contextmanager
def held(directory: Path) -> Iterator[None]:
    """Be the only one in here; raises StorageError when that cannot be had."""
    what = f"has been locked by another process for {_PATIENCE_S:.0f} s; end it and try again"
    with _locked(directory / LOCK_FILE, _PATIENCE_S, f"{directory}: {what}"):
        yield


@contextlib.contextmanager
def minimizing(directory: Path) -> Iterator[None]:
    """Be the only one that minimizes the corpus, which others may use meanwhile; raises StorageError."""
    what = f"{directory}: is being minimized by another process; wait for it"
    with _locked(directory / _MINIMIZING_FILE, 0.0, what):
        yield


@contextlib.contextmanager
def _locked(file: Path, patience: float, trouble: str) -> Iterator[None]:
    try:
        descriptor = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    except OSError as error:
        raise StorageError(f"{file}: cannot be locked: {error.strerror}; make room there") from error
    try:
        _wait(file, descriptor, patience, trouble)
        yield
    finally:
        os.close(descriptor)


def _wait(file: Path, descriptor: int, patience: float, trouble: str) -> None:
    until = time.monotonic() + patience
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= until:
                raise StorageError(trouble) from None
            time.sleep(_AGAIN_S)
        except OSError as error:
            raise StorageError(f"{file}: cannot be locked: {error.strerror}; give another corpus") from error
        else:
            return
