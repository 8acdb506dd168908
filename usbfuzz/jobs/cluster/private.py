"""The files of a lane on a machine that is not the campaign's: what was sent to it, and what is to go back."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

from attrs import define, evolve, field

from usbfuzz.atomic import write_atomically
from usbfuzz.case.files import read_text
from usbfuzz.corpus import entry_path
from usbfuzz.coverage import CASES, Block, Blocks, read_blocks, text_of
from usbfuzz.errors import InputError, StorageError
from usbfuzz.jobs.campaign.reach import LANE_FILES

from .messages import CaseFile, Covered, FoundFile, LearnedFile

__all__ = ["Private"]

_TELL_S = 30.0  #: seconds between two looks at what was reached

_Key = tuple[str, str, int, int]  #: module, section, offset, size


@define(eq=False)
class Private:
    """A directory of one lane, which goes with it. Methods raise StorageError."""

    directory: Path
    shelves: int  #: directories of what was learned of drivers
    _told: dict[_Key, Block] = field(factory=dict, init=False)  #: with the hits that were told
    _named: set[str] = field(factory=set, init=False)  #: cases whose files were sent
    _looked: float = field(factory=time.monotonic, init=False)

    def __attrs_post_init__(self) -> None:
        for directory in (self.corpus / CASES, self.coverage, *self.learned):
            try:
                directory.mkdir(mode=0o700, parents=True)
            except OSError as error:
                raise StorageError(f"{directory}: cannot be made: {error.strerror}; make room there") from error

    @property
    def corpus(self) -> Path:
        """The campaign's corpus, as far as it was sent."""
        return self.directory / "corpus"

    @property
    def learned(self) -> tuple[Path, ...]:
        """What was learned of drivers, likewise."""
        return tuple(self.directory / f"learned-{number}" for number in range(self.shelves))

    @property
    def coverage(self) -> Path:
        """What the lane's cases reached."""
        return self.directory / "coverage"

    def keep(self, sent: CaseFile | LearnedFile) -> None:
        """Write a file that was sent."""
        match sent:
            case CaseFile(name, text):
                path = entry_path(self.corpus, name)
            case LearnedFile(shelf, driver, text):
                path = self.learned[shelf] / f"{driver}.toml"
        try:
            write_atomically(path, text.encode())
        except OSError as error:
            raise StorageError(f"{path}: cannot be written: {error.strerror}; make room there") from error

    def reached(self, *, last: bool = False) -> Iterator[FoundFile | Covered]:
        """What is new since it was asked for before, if that is a while ago; at last with how often all of it ran."""
        if not last and time.monotonic() - self._looked < _TELL_S:
            return
        self._looked = time.monotonic()
        for path in sorted((self.coverage / CASES).glob("*.toml")):
            if path.stem not in self._named:
                self._named.add(path.stem)
                yield FoundFile(path.stem, read_text(path))
        for path in self.coverage.glob(LANE_FILES):
            try:
                blocks = read_blocks(path)
            except InputError as error:
                raise StorageError(f"{error}; it was whole when it was written") from error
            news = [block for block in map(self._news, blocks) if block.hits or block.case]
            told = [block for block in news if last or block.case or self._key(block) not in self._told]
            if told:
                self._remember(told)
                yield Covered(text_of(Blocks.of(blocks.kernel, blocks.release, told)))

    def _news(self, block: Block) -> Block:
        """A block with the hits that were not told; without its case where that was."""
        before = self._told.get(self._key(block))
        if before is None:
            return block
        return evolve(block, hits=block.hits - before.hits, case="" if before.case else block.case)

    def _remember(self, told: list[Block]) -> None:
        for block in told:
            key = self._key(block)
            before = self._told.get(key)
            hits, case = (before.hits, before.case) if before else (0, "")
            self._told[key] = evolve(block, hits=hits + block.hits, case=case or block.case)

    @staticmethod
    def _key(block: Block) -> _Key:
        return block.module, block.section, block.offset, block.size
