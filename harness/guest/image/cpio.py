"""Write an initramfs: a cpio archive in ``newc`` format. Equal content gives equal bytes.

Format (Documentation/driver-api/early-userspace/buffer-format.rst): a 110-byte header of magic ``070701`` and thirteen
8-digit hex numbers, the name with its NUL, padding to 4 bytes, the data, padding to 4 bytes; the entry ``TRAILER!!!``
ends it.
"""

from __future__ import annotations

import stat
from collections.abc import Iterable, Iterator
from pathlib import PurePosixPath

from attrs import frozen

__all__ = ["Entry", "archive", "device", "directory", "file", "symlink"]

_TRAILER = "TRAILER!!!"


@frozen
class Entry:
    """One file of the archive. ``name`` is relative and without ``..``; owner is root, the time is 0."""

    name: str
    mode: int  #: type and permission bits as in ``st_mode``
    data: bytes = b""
    rdev: tuple[int, int] = (0, 0)  #: major, minor of a device node


def file(name: str, data: bytes, permissions: int = 0o644) -> Entry:
    """A regular file."""
    return Entry(name, stat.S_IFREG | permissions, data)


def directory(name: str) -> Entry:
    """A directory, 0755."""
    return Entry(name, stat.S_IFDIR | 0o755)


def symlink(name: str, target: str) -> Entry:
    """A symbolic link to ``target``."""
    return Entry(name, stat.S_IFLNK | 0o777, target.encode())


def device(name: str, major: int, minor: int) -> Entry:
    """A character device node, 0600."""
    return Entry(name, stat.S_IFCHR | 0o600, rdev=(major, minor))


def archive(entries: Iterable[Entry]) -> Iterator[bytes]:
    """The archive in pieces: entries sorted by name, with every parent directory that is missing.

    Raises ValueError for a bad name or a duplicate.
    """
    wanted: dict[str, Entry] = {}
    for entry in entries:
        _check(entry.name)
        if entry.name in wanted:
            raise ValueError(f"two entries are named {entry.name!r}")
        wanted[entry.name] = entry
    for name in list(wanted):
        for parent in PurePosixPath(name).parents:
            if str(parent) != ".":
                wanted.setdefault(str(parent), directory(str(parent)))
    # Sorted by path components, a directory comes before what is in it.
    ordered = sorted(wanted.values(), key=lambda entry: entry.name.split("/"))
    for inode, entry in enumerate(ordered, start=1):
        yield _record(inode, entry)
    yield _record(0, Entry(_TRAILER, 0))


def _check(name: str) -> None:
    path = PurePosixPath(name)
    if (
        not name
        or str(path) != name
        or path.is_absolute()
        or ".." in path.parts
        or name in {".", _TRAILER}
        or "\0" in name
    ):
        raise ValueError(f"not a plain relative path: {name!r}")


def _record(inode: int, entry: Entry) -> bytes:
    name = entry.name.encode() + b"\0"
    links = 2 if stat.S_ISDIR(entry.mode) else 1
    fields = (inode, entry.mode, 0, 0, links, 0, len(entry.data), 0, 0, *entry.rdev, len(name), 0)
    header = b"070701" + b"".join(b"%08x" % field for field in fields) + name
    return header + _padding(len(header)) + entry.data + _padding(len(entry.data))


def _padding(length: int) -> bytes:
    return bytes(-length % 4)
