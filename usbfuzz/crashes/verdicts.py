"""What a minimization has found out so far, kept in a file so that it can go on after an interruption.

The first line says which minimization it is; each further line is a verdict, appended once it is known: whether the
case with this digest shows the bug.
"""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import IO, Any

from attrs import define, field

from usbfuzz.case.model import Case
from usbfuzz.case.parts import digest
from usbfuzz.errors import StorageError

__all__ = ["Verdicts", "minimization_key"]

_MOST_BYTES = 64 << 20  #: of the file that are read


def minimization_key(case: Case, kernel: str, timing: str, names: frozenset[str]) -> str:
    """A digest of what the verdicts depend on besides the candidate: first case, guest, and titles of the bug."""
    return hashlib.sha256("\n".join((digest(case), kernel, timing, *sorted(names))).encode()).hexdigest()


@define
class Verdicts:
    """The file of one minimization. A last line that was cut off is skipped when the file is read."""

    path: Path
    key: str  #: see :func:`minimization_key`
    known: dict[str, bool] = field(factory=dict)  #: by the candidate's digest: it shows the bug
    resumed: bool = False  #: the file held verdicts of the same minimization
    _file: IO[str] | None = field(default=None, init=False)

    @classmethod
    def open(cls, path: Path, key: str) -> Verdicts:
        """The verdicts in ``path`` if they are those of ``key``, else a new file in its place; raises StorageError."""
        known = _read(path, key)
        verdicts = cls(path, key, known or {}, resumed=known is not None)
        try:
            verdicts._file = _open(path, new=known is None)
            if known is None:
                verdicts._write({"minimization": key})
        except OSError as error:
            raise verdicts._trouble(error) from error
        return verdicts

    def add(self, candidate: str, shows: bool) -> None:
        """Append a verdict on the case with the digest ``candidate``; raises StorageError."""
        try:
            self._write({"case": candidate, "shows": shows})
        except OSError as error:
            raise self._trouble(error) from error

    def close(self, *, done: bool) -> None:
        """Close the file, and remove it when the minimization is ``done``."""
        if self._file is not None:
            self._file.close()
            self._file = None
        if done:
            self.path.unlink(missing_ok=True)

    def _write(self, line: dict[str, object]) -> None:
        assert self._file is not None
        self._file.write(json.dumps(line, separators=(",", ":")) + "\n")
        self._file.flush()

    def _trouble(self, error: OSError) -> StorageError:
        return StorageError(f"{self.path}: cannot be written: {error.strerror}; make room there or give another -o")


def _open(path: Path, *, new: bool) -> IO[str]:
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC | (os.O_TRUNC if new else 0)
    file = os.fdopen(os.open(path, flags, 0o644), "w", encoding="ascii")
    if not new:
        file.write("\n")  # behind a line that was cut off
    return file


def _read(path: Path, key: str) -> dict[str, bool] | None:
    """Verdicts in the file; None when there is none of this minimization."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return None
    with os.fdopen(descriptor, "rb") as file:
        head, *lines = file.read(_MOST_BYTES).split(b"\n")
    if _parsed(head).get("minimization") != key:
        return None
    found = (_parsed(line) for line in lines)
    return {verdict["case"]: verdict["shows"] for verdict in found if _is_verdict(verdict)}


def _parsed(line: bytes) -> dict[str, Any]:
    try:
        value = json.loads(line)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def _is_verdict(value: dict[str, Any]) -> bool:
    return isinstance(value.get("case"), str) and isinstance(value.get("shows"), bool)
