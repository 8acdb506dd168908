"""Whether a file is still what it was when it was looked at last."""

from __future__ import annotations

from pathlib import Path

__all__ = ["Stamp", "stamp_of"]

Stamp = tuple[int, int, int]  #: inode, size and time of a change (stat(2)): another one is another content


def stamp_of(path: Path) -> Stamp | None:
    """What changes whenever a file does, without following a link; None when nothing can be seen there."""
    try:
        status = path.lstat()
    except OSError:
        return None
    return status.st_ino, status.st_size, status.st_mtime_ns
