"""The files of a report as a tree of folders, with what was executed below each."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from attrs import define, field, frozen

from .sources import FileCoverage

__all__ = ["Folder", "Tally", "tree"]


@frozen
class Tally:
    """How much of what there is was executed."""

    covered: int = 0  #: lines
    known: int = 0  #: lines that there is code of
    reached: int = 0  #: functions
    functions: int = 0

    @classmethod
    def of(cls, file: FileCoverage) -> Tally:
        """That of a file."""
        reached = sum(found.function.covered > 0 for found in file.functions)
        return cls(file.covered, file.known, reached, len(file.functions))

    def __add__(self, other: Tally) -> Tally:
        return Tally(
            self.covered + other.covered,
            self.known + other.known,
            self.reached + other.reached,
            self.functions + other.functions,
        )


@define
class Folder:
    """A folder of the source tree; the top has the path ""."""

    path: str
    folders: dict[str, Folder] = field(factory=dict)  #: by name
    files: list[tuple[FileCoverage, Tally]] = field(factory=list)
    tally: Tally = Tally()  #: of all below it

    def below(self) -> list[tuple[str, Folder]]:
        """The folders in it, by name; one that holds nothing but another folder stands for that: ``usb/core``."""
        found = []
        for name, folder in sorted(self.folders.items()):
            inner = folder
            while not inner.files and len(inner.folders) == 1:
                inner = next(iter(inner.folders.values()))
            found.append((name + inner.path.removeprefix(folder.path), inner))
        return found

    def walk(self, depth: int = 0) -> Iterator[tuple[int, str, Folder]]:
        """All folders below it as they are shown: how deep each lies, and its name there."""
        for name, folder in self.below():
            yield depth, name, folder
            yield from folder.walk(depth + 1)


def tree(files: Iterable[FileCoverage]) -> Folder:
    """The top of the tree of these files."""
    top = Folder("")
    for file in files:
        tally, here = Tally.of(file), top
        top.tally += tally
        parts = file.path.split("/")[:-1]
        for number, part in enumerate(parts, 1):
            here = here.folders.setdefault(part, Folder("/".join(parts[:number])))
            here.tally += tally
        here.files.append((file, tally))
    return top
