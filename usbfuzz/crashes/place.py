"""Where a minimization reads and writes: a crash directory, or a case file and another next to it."""

from __future__ import annotations

from pathlib import Path

from attrs import frozen

from usbfuzz.case import load, resolve, save
from usbfuzz.case.files import write_file
from usbfuzz.case.model import Case
from usbfuzz.errors import CaseError, StorageError

from .minimized import ORIGINAL_FILE

__all__ = ["Place"]

_STATE = "minimize.state"


@frozen
class Place:
    """Files of one minimization."""

    source: Path  #: the case to begin with
    target: Path  #: the smaller one; may be ``source``
    state: Path
    directory: Path | None = None  #: the crash directory, when the small case is to be its own

    @classmethod
    def of(cls, path: Path, out: Path | None) -> Place:
        """What ``usbfuzz minimize PATH [-o OUT]`` means; raises CaseError."""
        found = resolve(path)
        if out is not None:
            if out.suffix != ".toml":
                raise CaseError(f"{out}: is not a .toml file; give the name of a case file to write")
            return cls(found, out, out.with_name(f".{out.stem}.{_STATE}"))
        if path.is_dir():
            original = found.with_name(ORIGINAL_FILE)
            source = original if original.exists() else found
            return cls(source, found, found.with_name(f".{_STATE}"), found.parent)
        target = found.with_name(f"{found.stem}.min.toml")
        return cls(found, target, target.with_name(f".{target.stem}.{_STATE}"))

    def first(self) -> Case:
        """The case as it was found; raises CaseError."""
        return load(self.source)

    def best(self) -> Case | None:
        """What an earlier minimization came to; raises CaseError."""
        return load(self.target) if self.target.exists() else None

    def improve(self, case: Case) -> None:
        """Write the best case so far; the one it was found with stays as original.toml. Raises StorageError."""
        if self.directory is not None:
            original = self.directory / ORIGINAL_FILE
            if not original.exists():
                try:
                    write_file(original, self.target.read_bytes())
                except OSError as error:
                    raise StorageError(f"{self.target}: cannot be read: {error.strerror}") from error
        save(self.target, case)
