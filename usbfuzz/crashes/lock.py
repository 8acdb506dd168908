"""The lock on a directory of crashes: one process at a time writes there."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from types import TracebackType
from typing import Self

from attrs import define

from usbfuzz.errors import StorageError

from .layout import LOCK_FILE

__all__ = ["DirectoryLock"]


@define
class DirectoryLock:
    """Held by one process at a time. The kernel frees the lock when its owner dies, however it dies.

    Also a context manager that releases it.
    """

    _file: int

    @classmethod
    def acquire(cls, directory: Path) -> DirectoryLock:
        """Lock ``directory``, made when it is missing; raises StorageError that names who has it."""
        try:
            directory.mkdir(parents=True, exist_ok=True)
            file = os.open(directory / LOCK_FILE, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        except OSError as error:
            raise StorageError(
                f"{directory}: cannot be used for crashes: {error.strerror}; give another --out"
            ) from error
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            owner = os.pread(file, 32, 0).decode(errors="replace").strip() or "unknown"
            os.close(file)
            raise StorageError(
                f"{directory}: a campaign is running on this directory (process {owner}); "
                "wait for it, or give another --out"
            ) from error
        try:
            os.ftruncate(file, 0)
            os.pwrite(file, f"{os.getpid()}\n".encode(), 0)
        except OSError as error:
            os.close(file)
            raise StorageError(f"{directory}: cannot be written: {error.strerror}; give another --out") from error
        return cls(file)

    def release(self) -> None:
        """Let the next process in; may be called twice."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        del kind, error, at
        self.release()
