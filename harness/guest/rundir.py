"""Private directories of running machines, removed when their owner ends, even if it was killed."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Self

from attrs import define, field

from usbfuzz.errors import StorageError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import TracebackType

__all__ = ["RunDir", "sweep"]

_LOCK = "lock"


def _root() -> Path:
    """``$TMPDIR/usbfuzz-UID``, 0700 and ours; raises StorageError when someone else holds the name."""
    root = Path(tempfile.gettempdir()) / f"usbfuzz-{os.getuid()}"
    try:
        root.mkdir(mode=0o700, exist_ok=True)
        status = root.lstat()
    except OSError as error:
        raise StorageError(
            f"{root}: cannot make the run directory: {error.strerror}; set TMPDIR to a writable place"
        ) from error
    if status.st_uid != os.getuid() or status.st_mode & 0o077 or root.is_symlink():
        raise StorageError(f"{root}: not a private directory of this user (owner, mode 0700); remove it or set TMPDIR")
    return root


@contextlib.contextmanager
def _root_locked() -> Iterator[Path]:
    """The root, locked against other processes' sweeps while a new directory is not yet locked by its owner."""
    root = _root()
    with (root / _LOCK).open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield root


def sweep() -> int:
    """Delete the run directories whose owner is gone (its lock is free); returns how many. Raises StorageError."""
    with _root_locked() as root:
        return _sweep(root)


def _sweep(root: Path) -> int:
    gone = 0
    for path in root.iterdir():
        try:
            lock = os.open(path / _LOCK, os.O_RDWR)
        except OSError:
            continue
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            continue
        else:
            shutil.rmtree(path, ignore_errors=True)
            gone += 1
        finally:
            os.close(lock)
    return gone


@define
class RunDir:
    """A 0700 directory for one machine's sockets, console and disk; a held lock says that its owner lives.

    Raises StorageError when it cannot be made. The lock belongs to the open file: the kernel frees it when the owner
    dies, and :func:`sweep` then removes the directory on the next start.
    """

    path: Path = field(init=False)
    _lock: int = field(init=False)

    def __attrs_post_init__(self) -> None:
        with _root_locked() as root:
            _sweep(root)
            try:
                self.path = Path(tempfile.mkdtemp(prefix="m", dir=root))
                self._lock = os.open(self.path / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            except OSError as error:
                raise StorageError(
                    f"{root}: cannot make a run directory: {error.strerror}; free some space or set TMPDIR"
                ) from error
            fcntl.flock(self._lock, fcntl.LOCK_EX)

    def close(self) -> None:
        """Remove the directory and all in it; may be called twice."""
        if self._lock >= 0:
            shutil.rmtree(self.path, ignore_errors=True)
            os.close(self._lock)
            self._lock = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
