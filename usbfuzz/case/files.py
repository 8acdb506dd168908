"""Cases in files: which file a path means, reading it with a bound on its size, replacing it as a whole."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from usbfuzz.atomic import write_atomically
from usbfuzz.errors import CaseError, StorageError

from .dump import dumps
from .model import Case
from .toml import loads

__all__ = ["CASE_FILE", "MAX_BYTES", "load", "read_text", "resolve", "save", "write_file"]

CASE_FILE = "case.toml"  #: its name inside a crash directory
MAX_BYTES = 4 << 20  #: larger files are refused unread


def resolve(path: str | os.PathLike[str]) -> Path:
    """The case file meant by a path: a ``.toml`` file, or a directory that holds ``case.toml``. Raises CaseError."""
    found = Path(path)
    if found.is_dir():
        if not (found / CASE_FILE).exists():
            raise CaseError(f"{found}: the directory holds no {CASE_FILE}; give a case directory or a .toml file")
        return found / CASE_FILE
    if found.suffix != ".toml":
        raise CaseError(f"{found}: is not a .toml file; give a case file or a directory that holds {CASE_FILE}")
    return found


def load(path: str | os.PathLike[str]) -> Case:
    """The case at a path, as :func:`resolve` finds it; raises CaseError."""
    found = resolve(path)
    return loads(read_text(found), str(found))


def read_text(path: Path) -> str:
    """The text of a case file, unparsed; raises CaseError."""
    try:
        return _read(path).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise CaseError(f"{path}: is not UTF-8 text (byte {error.start}); save it as UTF-8") from error
    except OSError as error:
        raise CaseError(f"{path}: cannot be read: {error.strerror}") from error


def _read(path: Path) -> bytes:
    """The bytes of a regular file; a link, pipe or device is refused before a byte of it is read."""
    if path.is_symlink():
        raise CaseError(f"{path}: is a symbolic link; give the file it points to")
    # Without O_NONBLOCK the open would wait for somebody to write to a pipe.
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb") as file:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise CaseError(f"{path}: is not a regular file; give a case file")
        raw = file.read(MAX_BYTES + 1)
    if len(raw) > MAX_BYTES:
        raise CaseError(f"{path}: is larger than {MAX_BYTES >> 20} MiB; no case is, so this is some other file")
    return raw


def save(path: str | os.PathLike[str], case: Case) -> None:
    """Write a case so that the file is either the old one or the whole new one; raises StorageError."""
    write_file(Path(path), dumps(case).encode())


def write_file(target: Path, raw: bytes) -> None:
    """Write a file so that it is either the old one or the whole new one; raises StorageError."""
    try:
        write_atomically(target, raw)
    except OSError as error:
        what = f"cannot write {target.name}: {error.strerror}"
        raise StorageError(f"{target.parent}: {what}; make room there or choose another directory") from error
