"""A corpus as a campaign on one kernel sees it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from attrs import define, field

from usbfuzz.case.model import Case
from usbfuzz.coverage import Blocks
from usbfuzz.errors import CaseError, InputError

from .directory import open_directory
from .entries import keep, names_in, read_case
from .kernel_files import KernelFiles, put_aside
from .known import Known
from .lock import held

__all__ = ["Corpus"]

_Read = TypeVar("_Read")


@define(eq=False)
class Corpus:
    """The cases of a directory, and which blocks of one kernel they reached.

    Any number of processes may have the same one open. What a failed write leaves undone is done by the next one.
    """

    files: KernelFiles
    say: Callable[[str], None]  #: told what is left out
    _known: Known = field(init=False)
    _mine: Known = field(init=False)  #: what the files do not have yet
    _ran: set[str] = field(factory=set, init=False)  #: cases that were run on this kernel, here or elsewhere
    _new: bool = field(default=False, init=False)  #: the files do not have all of them
    _broken: set[str] = field(factory=set, init=False)
    _stamp: object = field(default=None, init=False)  #: of the files when they were read or written
    _left: set[str] = field(factory=set, init=False)  #: cases that the files have as tried, as of then
    _dated: bool = field(default=False, init=False)  #: the file has blocks that are not known any more
    _appended: bool = field(default=False, init=False)  #: blocks were put behind those of the file, out of their order

    @classmethod
    def open(cls, directory: Path, kernel: str, release: str, say: Callable[[str], None]) -> Corpus:
        """The corpus in ``directory``, made (for its owner alone) when it is missing; what does not belong is told.

        Raises InputError for a directory that is something else, StorageError.
        """
        open_directory(directory, say)
        corpus = cls(KernelFiles(directory, kernel, release), say)
        with held(directory):
            on_disk, corpus._left, _ = corpus._read()
            corpus._known = corpus._of_cases_there(on_disk)
            if gone := len(on_disk) - len(corpus._known):
                say(f"{corpus.files.blocks}: {gone} blocks name cases that are not there, and count as new again")
                corpus._dated = True
            corpus._stamp = corpus.files.stamp()
        return corpus

    def __attrs_post_init__(self) -> None:
        self._known, self._mine = self._nothing(), self._nothing()

    def __len__(self) -> int:
        """How many blocks its cases reached."""
        return len(self._known)

    @property
    def directory(self) -> Path:
        """Where it is."""
        return self.files.directory

    @property
    def names(self) -> set[str]:
        """The cases that are there now, those that were never run on this kernel included. Raises StorageError."""
        return names_in(self.directory) - self._broken

    @property
    def unrun(self) -> list[str]:
        """Those that were not run on this kernel yet, sorted: seeds, and what others have added."""
        return sorted(self.names - self._ran)

    @property
    def blocks(self) -> Blocks:
        """The blocks that its cases reached, each with the case that did first."""
        return self._known.blocks()

    def case(self, name: str) -> Case | None:
        """The case of that name; None, and a line that says why, when it cannot be used: then it is left out."""
        try:
            return read_case(self.directory, name)
        except CaseError as error:
            if name not in self._broken:
                self.say(f"left out of the corpus: {error}")
            self._broken.add(name)
            return None

    def add(self, case: Case, blocks: Blocks) -> str | None:
        """Keep a case that reached ``blocks``, if that is any block that no case of the corpus has reached.

        Its name, or None. The file is on the disk then; the blocks are once they are flushed. Raises StorageError, and
        nothing is noted then.
        """
        assert (blocks.kernel, blocks.release) == (self.files.kernel, self.files.release)
        new = self._known.lacking(blocks)
        if not len(new):
            return None
        name, _ = keep(self.directory, case)
        self._broken.discard(name)
        self._known.learn(new, name)
        self._mine.learn(new, name)
        self.tried(name)
        return name

    def learn(self, blocks: Blocks) -> None:
        """Note blocks as reached by the cases that they name, which must be in the corpus; others are left out."""
        assert (blocks.kernel, blocks.release) == (self.files.kernel, self.files.release)
        names, new = self.names, self._known.lacking(blocks)
        self._known.learn(new, only=names)
        self._mine.learn(new, only=names)
        for name in names.intersection(blocks.cases):
            self.tried(name)

    def tried(self, name: str) -> None:
        """Note that a case of the corpus was run on this kernel."""
        self._new |= name not in self._ran
        self._ran.add(name)

    def flush(self, *, in_order: bool = False) -> None:
        """Write what is new here, and learn what others have written; raises StorageError.

        Blocks are put behind those that the file has, which takes time for the new ones only, as long as nobody else
        writes; ``in_order``: where that was done the file is written whole, as its blocks are sorted.
        """
        in_order &= self._appended
        if not self._new and not len(self._mine) and not in_order and self._stamp == self.files.stamp():
            return
        with held(self.directory):
            if self._stamp == self.files.stamp():  # nobody else wrote: what is there is known
                known = self._of_cases_there(self._known)
                whole = in_order or self._dated or known is not self._known or not self.files.blocks.exists()
                changed = bool(len(self._mine)) or in_order or known is not self._known
            else:
                on_disk, self._left, is_there = self._read()
                before, known = len(on_disk), self._of_cases_there(on_disk)
                known.learn(self._of_cases_there(self._mine if is_there else self._known).blocks())
                whole, changed = True, bool(len(self._mine)) or len(known) != before or not is_there
            if changed and whole:
                self.files.write_blocks(known.blocks())
                self._dated = self._appended = False
            elif changed:
                self.files.append_blocks(self._mine.blocks())
                self._appended = True
            left = (self._ran & self.names) - set(known.owners)
            if left != self._left:
                self.files.write_tried(left)
            self._known, self._mine, self._new, self._left = known, self._nothing(), False, left
            self._stamp = self.files.stamp()

    def _read(self) -> tuple[Known, set[str], bool]:
        """What the files hold: blocks, the cases that were tried, and whether there is a file with blocks at all."""
        known = self._nothing()
        blocks = self._usable(self.files.blocks, self.files.read_blocks)
        if blocks is not None:
            known.learn(blocks)
        tried = self._usable(self.files.tried, self.files.read_tried) or set()
        self._ran |= {*known.owners, *tried}
        return known, tried, blocks is not None

    def _usable(self, path: Path, read: Callable[[], _Read]) -> _Read | None:
        """What ``read`` gives; a file that it cannot use is put aside, and told."""
        try:
            return read()
        except InputError as error:
            aside = put_aside(path)
            self.say(f"left out of the corpus: {error}; it is {aside.name} now")
            return None

    def _of_cases_there(self, known: Known) -> Known:
        """The blocks whose cases are there."""
        names = self.names
        if names.issuperset(known.owners):
            return known
        left = self._nothing()
        left.learn(known.blocks(), only=names)
        return left

    def _nothing(self) -> Known:
        return Known(self.files.kernel, self.files.release)
