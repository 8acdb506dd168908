"""What was learned of drivers in several directories, while files are added to them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from attrs import define, field

from usbfuzz.case.files import read_text
from usbfuzz.errors import CaseError

from .learned import Learned, loads

__all__ = ["Shelf"]

_Stamp = tuple[int, int]  #: size of a file, and when it was changed


@define(eq=False)
class Shelf:
    """``DRIVER.toml`` files; what a later directory has of a driver counts, and a file that cannot be used does not."""

    directories: Sequence[Path]
    _read: dict[Path, tuple[_Stamp, Learned | None]] = field(factory=dict, init=False)

    def all(self) -> Mapping[str, Learned]:
        """What is known of each driver now; only files that have changed are read again."""
        files = [path for directory in self.directories for path in sorted(directory.glob("*.toml"))]
        return {learned.driver: learned for learned in self._usable(files)}

    def of(self, driver: str) -> Learned | None:
        """What is known of one driver now."""
        found = list(self._usable([directory / f"{driver}.toml" for directory in self.directories]))
        return found[-1] if found else None

    def _usable(self, files: Sequence[Path]) -> Iterator[Learned]:
        for path in files:
            try:
                status = path.stat()
            except OSError:
                continue
            stamp = status.st_size, status.st_mtime_ns
            if path not in self._read or self._read[path][0] != stamp:
                self._read[path] = stamp, _loaded(path)
            learned = self._read[path][1]
            if learned is not None:
                yield learned


def _loaded(path: Path) -> Learned | None:
    try:
        return loads(read_text(path), str(path))
    except CaseError:
        return None
