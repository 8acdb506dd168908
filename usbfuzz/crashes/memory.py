"""What a minimization must remember to go on after an interruption: verdicts by digest, one a line, appended."""

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

__all__ = ["Memory", "key_of"]

_MOST_BYTES = 64 << 20


def key_of(case: Case, kernel: str, timing: str, names: frozenset[str]) -> str:
    """What verdicts depend on besides the candidate: where it started, on what guest, which bug."""
    return hashlib.sha256("\n".join((digest(case), kernel, timing, *sorted(names))).encode()).hexdigest()


@define
class Memory:
    """The file of one minimization. A line that was not written to its end is left out when it is read."""

    path: Path
    key: str
    verdicts: dict[str, bool] = field(factory=dict)
    resumed: bool = False  #: there were verdicts of the same minimization
    _file: IO[str] | None = field(default=None, init=False)

    @classmethod
    def open(cls, path: Path, key: str) -> Memory:
        """The memory in ``path`` if it is that of ``key``, else a new one in its place; raises StorageError."""
        verdicts = _read(path, key)
        memory = cls(path, key, verdicts or {}, resumed=verdicts is not None)
        try:
            memory._file = _open(path, new=verdicts is None)
            if verdicts is None:
                memory._write({"minimization": key})
        except OSError as error:
            raise memory._trouble(error) from error
        return memory

    def add(self, candidate: str, shows: bool) -> None:
        """Note a verdict; raises StorageError."""
        try:
            self._write({"case": candidate, "shows": shows})
        except OSError as error:
            raise self._trouble(error) from error

    def close(self, *, done: bool) -> None:
        """Close the file; ``done``: there is nothing to go on with."""
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
    return {one["case"]: one["shows"] for one in found if _is_verdict(one)}


def _parsed(line: bytes) -> dict[str, Any]:
    try:
        value = json.loads(line)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def _is_verdict(value: dict[str, Any]) -> bool:
    return isinstance(value.get("case"), str) and isinstance(value.get("shows"), bool)
