"""What a minimization has found out so far, kept in a file so that it can go on after an interruption.

The first line says which minimization it is; each further line is a verdict, appended once it is known: whether the
case with this digest shows the bug.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from attrs import define

from usbfuzz.case.model import Case
from usbfuzz.case.parts import digest
from usbfuzz.journal import Journal

__all__ = ["Verdicts", "minimization_key"]

_MOST_BYTES = 64 << 20  #: of the file that are read


def minimization_key(case: Case, kernel: str, timing: str, names: frozenset[str]) -> str:
    """A digest of what the verdicts depend on besides the candidate: first case, guest, and titles of the bug."""
    return hashlib.sha256("\n".join((digest(case), kernel, timing, *sorted(names))).encode()).hexdigest()


@define
class Verdicts:
    """The file of one minimization."""

    key: str  #: see :func:`minimization_key`
    known: dict[str, bool]  #: by the candidate's digest: it shows the bug
    resumed: bool  #: the file held verdicts of the same minimization
    _journal: Journal

    @classmethod
    def open(cls, path: Path, key: str) -> Verdicts:
        """The verdicts in ``path`` if they are those of ``key``, else a new file in its place; raises StorageError."""
        journal = Journal(path, {"minimization": key}, "make room there or give another -o")
        lines = journal.read(_MOST_BYTES)
        journal.open(new=lines is None)
        known = {line["case"]: line["shows"] for line in lines or () if _is_verdict(line)}
        return cls(key, known, resumed=lines is not None, journal=journal)

    def add(self, candidate: str, shows: bool) -> None:
        """Append a verdict on the case with the digest ``candidate``; raises StorageError."""
        self._journal.append({"case": candidate, "shows": shows})

    def close(self, *, done: bool) -> None:
        """Close the file, and remove it when the minimization is ``done``."""
        self._journal.close(done=done)


def _is_verdict(value: dict[str, Any]) -> bool:
    return isinstance(value.get("case"), str) and isinstance(value.get("shows"), bool)
