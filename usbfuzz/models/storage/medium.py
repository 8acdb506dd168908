"""Where a simulated disk keeps its blocks: in memory, or in a file of the user's."""

from __future__ import annotations

import os
import weakref
from pathlib import Path
from typing import Protocol

from attrs import define, field

from usbfuzz.errors import InputError

__all__ = ["ImageFile", "Medium", "Memory"]


class Medium(Protocol):
    """The bytes of a disk. Offsets and lengths are within ``size``: the disk has checked them."""

    @property
    def size(self) -> int:
        """Bytes."""

    @property
    def writable(self) -> bool:
        """Whether blocks may be written; if not, the disk is write-protected."""

    def read(self, offset: int, length: int) -> bytes:
        """``length`` bytes from ``offset``."""

    def write(self, offset: int, data: bytes) -> None:
        """Replace what is at ``offset``."""

    def flush(self) -> None:
        """Return when what was written will survive."""


@define
class Memory:
    """A medium in memory, lost with its disk."""

    content: bytearray = field(converter=bytearray)
    writable: bool = True

    @property
    def size(self) -> int:
        """Bytes."""
        return len(self.content)

    def read(self, offset: int, length: int) -> bytes:
        """A copy."""
        return bytes(memoryview(self.content)[offset : offset + length])

    def write(self, offset: int, data: bytes) -> None:
        """In place."""
        self.content[offset : offset + len(data)] = data

    def flush(self) -> None:
        """Nothing to do."""


class ImageFile:
    """A disk image. Reads and writes go to the kernel's page cache, so they hardly ever wait.

    The size is that of the file when it was opened; a file that cannot be written is a write-protected medium. Raises
    InputError when it is no readable regular file. It is closed with the last reference to it: nobody tells a device
    that it will not be plugged again.
    """

    def __init__(self, path: Path | str) -> None:
        self.path = Path(path)
        self.writable = os.access(self.path, os.W_OK)
        if not self.path.is_file():
            raise InputError(f"{self.path}: not a file; make one of the wanted size (truncate -s 64M {self.path})")
        try:
            self._fd = os.open(self.path, (os.O_RDWR if self.writable else os.O_RDONLY) | os.O_CLOEXEC)
        except OSError as error:
            raise InputError(f"{self.path}: cannot be opened as a disk image ({error.strerror})") from error
        weakref.finalize(self, os.close, self._fd)
        self.size = os.fstat(self._fd).st_size

    def read(self, offset: int, length: int) -> bytes:
        """Bytes of the file; zeros where it was truncated meanwhile."""
        return os.pread(self._fd, length, offset).ljust(length, b"\0")

    def write(self, offset: int, data: bytes) -> None:
        """Raises OSError when the disk it is on is full; the guest sees an I/O error."""
        while data:
            written = os.pwrite(self._fd, data, offset)
            offset, data = offset + written, data[written:]

    def flush(self) -> None:
        """Do nothing: the page cache survives this process, and a guest that flushes often must not wait for a disk."""
