"""Files to which lines are appended as things become known, so that an interruption costs nothing.

The first line says what the file is of; each line is a JSON object. A last line that was cut off is taken away when the
file is opened again.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import IO, Any

from attrs import define

from .errors import StorageError

__all__ = ["Journal"]

Line = dict[str, Any]


@define
class Journal:
    """One such file, open for its owner. Symlinks are not followed."""

    path: Path
    head: Line  #: its first line
    remedy: str = "make room there"  #: what to do when it cannot be written
    _file: IO[str] | None = None

    def read(self, most: int) -> list[Line] | None:
        """The lines behind the first, of at most so many bytes; None when there is no file with this first line.

        A line that is no JSON object is ``{}``.
        """
        raw = self._whole(most)
        head, *lines = raw.splitlines() or [b""]
        return [_parsed(line) for line in lines] if _parsed(head) == self.head else None

    def open(self, *, new: bool) -> None:
        """Begin to append, to an empty file if it is to be ``new``; raises StorageError."""
        flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC
        try:
            self._file = os.fdopen(os.open(self.path, flags, 0o600), "w", encoding="ascii")
            os.ftruncate(self._file.fileno(), 0 if new else len(self._whole(os.fstat(self._file.fileno()).st_size)))
        except OSError as error:
            raise self._trouble(error) from error
        if new:
            self.append(self.head)

    def append(self, line: Line) -> None:
        """Write a line, which is in the file when this returns; raises StorageError."""
        assert self._file is not None
        try:
            self._file.write(json.dumps(line, separators=(",", ":")) + "\n")
            self._file.flush()
        except OSError as error:
            raise self._trouble(error) from error

    def close(self, *, done: bool) -> None:
        """Close the file, and remove it when nothing more is needed of it."""
        if self._file is not None:
            self._file.close()
            self._file = None
        if done:
            self.path.unlink(missing_ok=True)

    def _whole(self, most: int) -> bytes:
        """The whole lines among the first bytes of the file; nothing when it is no regular file."""
        try:
            descriptor = os.open(self.path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError:
            return b""
        with os.fdopen(descriptor, "rb") as file:
            raw = file.read(most)
        return raw[: raw.rfind(b"\n") + 1]

    def _trouble(self, error: OSError) -> StorageError:
        return StorageError(f"{self.path}: cannot be written: {error.strerror}; {self.remedy}")


def _parsed(line: bytes) -> Line:
    try:
        value = json.loads(line)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}
