"""What lanes on other machines make cases of: the corpus, and what was learned of drivers, as files that come about."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

from attrs import define, field

from usbfuzz.case.files import read_text
from usbfuzz.corpus import entry_path, names_in
from usbfuzz.errors import CaseError

from .messages import CaseFile, LearnedFile

__all__ = ["Outgoing"]

_LOOK_S = 2.0  #: seconds between two looks for new files

_Stamp = tuple[int, int]  #: size of a file, and when it was changed


@define(eq=False)
class Outgoing:
    """All files that lanes have to get, in the order in which they were noticed; each is read once for all lanes."""

    corpus: Path | None  #: None: there is none
    shelves: tuple[Path, ...]  #: directories of what was learned of drivers
    _files: list[CaseFile | LearnedFile] = field(factory=list, init=False)
    _names: set[str] = field(factory=set, init=False)  #: of cases
    _stamps: dict[Path, _Stamp] = field(factory=dict, init=False)  #: of what was learned
    _looked: float | None = field(default=None, init=False)

    def since(self, count: int) -> Sequence[CaseFile | LearnedFile]:
        """The files behind the first ``count``. Raises StorageError when the corpus cannot be read."""
        now = time.monotonic()
        if self._looked is None or now - self._looked > _LOOK_S:
            self._look()
            self._looked = time.monotonic()
        return self._files[count:]

    def _look(self) -> None:
        for number, directory in enumerate(self.shelves):
            for path in sorted(directory.glob("*.toml")):
                self._look_at(number, path)
        if self.corpus is not None:
            for name in sorted(names_in(self.corpus) - self._names):
                self._names.add(name)
                try:
                    self._files.append(CaseFile(name, read_text(entry_path(self.corpus, name))))
                except CaseError:  # another campaign's, which is said where it is used
                    continue

    def _look_at(self, shelf: int, path: Path) -> None:
        try:
            status = path.stat()
            stamp = status.st_size, status.st_mtime_ns
            if self._stamps.get(path) != stamp:
                self._stamps[path] = stamp
                self._files.append(LearnedFile(shelf, path.stem, read_text(path)))
        except (OSError, CaseError):  # that it cannot be used was said when the campaign began
            return
