"""Writing files and directories so that a reader, or a crash of this machine, finds the old one or the whole new one.

Everything is written under a name that begins with :data:`UNFINISHED`, made durable (fsync), and renamed. What a killed
process leaves under such a name may be removed by the one process that writes there: :func:`discard`.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

__all__ = [
    "UNFINISHED",
    "append_lines",
    "discard",
    "replace_file",
    "write_atomically",
    "write_directory",
    "write_loose",
    "write_synced",
    "write_tree",
]

UNFINISHED = ".saving-"  #: how the name of a file or directory begins until it is whole
_TAIL = 4096  #: bytes from the end of a file in which the end of a line is looked for


def write_atomically(path: Path, raw: bytes, permissions: int = 0o644) -> None:
    """Replace a file by one that holds ``raw``; raises OSError, and the file is as it was then."""
    replace_file(path, lambda unfinished: unfinished.write_bytes(raw), permissions)


def replace_file(path: Path, fill: Callable[[Path], object], permissions: int = 0o644) -> None:
    """Replace a file by one that ``fill`` writes under another name; of two writers at once the last one wins.

    Raises OSError and whatever ``fill`` raises; the file is as it was then.
    """
    descriptor, name = tempfile.mkstemp(prefix=f"{UNFINISHED}{path.name}.", dir=path.parent)
    os.close(descriptor)
    unfinished = Path(name)
    try:
        fill(unfinished)
        unfinished.chmod(permissions)
        _sync(unfinished)
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)  # there only when something failed
    _sync(path.parent)


def append_lines(path: Path, raw: bytes) -> None:
    """Put whole lines behind those of a file; raises OSError, and the file has the lines that it had then.

    Only one process at a time may do this. One that is killed meanwhile, or this machine's crash, may leave a part of a
    line at the end: readers leave it out, and the next call takes it away.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC)
    with os.fdopen(descriptor, "r+b", buffering=0) as file:
        size = _whole_lines(descriptor)
        os.ftruncate(descriptor, size)
        try:
            written = 0
            while written < len(raw):
                written += file.write(raw[written:])
            os.fsync(descriptor)
        except OSError:
            os.ftruncate(descriptor, size)
            raise


def _whole_lines(descriptor: int) -> int:
    """How many bytes of a file are whole lines."""
    end = os.fstat(descriptor).st_size
    while end:
        begin = max(0, end - _TAIL)
        found = os.pread(descriptor, end - begin, begin).rfind(b"\n")
        if found >= 0:
            return begin + found + 1
        end = begin
    return 0


def write_directory(directory: Path, files: Mapping[str, bytes]) -> None:
    """Make a directory that holds these files, in one step; raises OSError, and there is no such directory then.

    Only one process at a time may do this in the same place.
    """
    unfinished = directory.with_name(f"{UNFINISHED}{directory.name}")
    try:
        discard(unfinished)
        unfinished.mkdir()
        write_loose(unfinished, files)
        _sync(unfinished)
        unfinished.rename(directory)
        _sync(directory.parent)
    except OSError:
        discard(unfinished)
        raise


def write_tree(directory: Path, files: Iterable[tuple[str, bytes]]) -> None:
    """Make a directory with files of some paths below it, in one step; raises OSError, and there is no such then.

    For what can be made again: it is not waited for until it is on the disk.
    """
    unfinished = directory.with_name(f"{UNFINISHED}{directory.name}")
    try:
        discard(unfinished)
        unfinished.mkdir()
        for name, raw in files:
            path = unfinished / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(raw)
        unfinished.rename(directory)
    except BaseException:
        discard(unfinished)
        raise


def write_loose(directory: Path, files: Mapping[str, bytes]) -> None:
    """Write files into a directory that no other process reads yet; raises OSError."""
    for name, raw in files.items():
        write_synced(directory / name, raw)


def write_synced(path: Path, raw: bytes) -> None:
    """Write a file that no other process reads yet, and wait until it is on the disk; raises OSError."""
    path.write_bytes(raw)
    _sync(path)


def discard(path: Path) -> None:
    """Remove a file or a directory with all it holds, as far as possible; a link goes, not what it points to."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def _sync(path: Path) -> None:
    """Wait until a file's bytes, or a directory's names, are on the disk."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
