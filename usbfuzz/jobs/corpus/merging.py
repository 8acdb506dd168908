"""Corpora and the coverage of campaigns joined in one corpus: each case once, and what is known of each kernel."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from attrs import define, evolve, field

from usbfuzz.case import load
from usbfuzz.case.model import Case
from usbfuzz.corpus import Corpus, keep, names_in, read_case
from usbfuzz.corpus.directory import check_corpus, open_directory
from usbfuzz.corpus.kernel_files import KernelFiles, block_files
from usbfuzz.coverage import BLOCKS_FILE, CASES, COVERAGE, Blocks, merge, read_blocks
from usbfuzz.crashes.layout import CORPUS
from usbfuzz.errors import InputError
from usbfuzz.jobs.campaign.reach import LANE_FILES

__all__ = ["Merged", "merge_into"]

_Say = Callable[[str], None]


@define
class Merged:
    """What a merge brought."""

    new: int = 0  #: cases
    known: int = 0  #: cases that were there already
    blocks: dict[str, int] = field(factory=dict)  #: how many are new, by kernel


def merge_into(into: Path, sources: Sequence[Path], say: _Say) -> Merged:
    """Add all that the sources hold, corpora and outputs of campaigns, to the corpus ``into``, made if it is missing.

    What cannot be used is told and left out. Raises InputError for a source that is neither, before anything is
    written, and StorageError.
    """
    places = [place for source in sources for place in _places(source)]
    for place in places:
        if into.exists() and place.samefile(into):
            raise InputError(f"{into}: cannot be merged into itself; give other corpora")
    open_directory(into, say)
    merged = Merged()
    for place in places:
        _Source(place, into, merged, say).add()
    return merged


def _places(path: Path) -> list[Path]:
    """The corpora and coverage directories that a path means; raises InputError."""
    if not path.is_dir():
        what = "is a file" if path.exists() else "there is no such directory"
        raise InputError(f"{path}: {what}; give a corpus or a campaign's output")
    if _is_coverage(path):
        return [path]
    if (path / CASES).is_dir():
        check_corpus(path)
        return [path]
    inside = [path / COVERAGE] if _is_coverage(path / COVERAGE) else []
    inside += [path / CORPUS] if (path / CORPUS / CASES).is_dir() else []
    if not inside:
        what = "is empty" if not any(path.iterdir()) else f"holds no {CASES}/, {COVERAGE}/ or {CORPUS}/"
        raise InputError(f"{path}: {what}; give a corpus or a campaign's output")
    return inside


def _is_coverage(path: Path) -> bool:
    """Whether it is what a campaign keeps of what its cases reached."""
    return (path / BLOCKS_FILE).is_file() or any(path.glob(LANE_FILES))


@define
class _Source:
    """One directory that is merged."""

    place: Path
    into: Path
    merged: Merged
    say: _Say

    def add(self) -> None:
        """Cases first: blocks are only known with the case that reached them."""
        if _is_coverage(self.place):
            self._add_coverage()
            return
        for name in sorted(names_in(self.place)):
            try:
                self._keep(read_case(self.place, name))
            except InputError as error:
                self.say(f"left out: {error}")
        for path in block_files(self.place):
            blocks = self._read((path,))
            if blocks is not None:
                self._learn(blocks, self._tried(blocks))

    def _add_coverage(self) -> None:
        """What an earlier version's campaign kept, or one that was killed: its cases get the names of a corpus."""
        names: dict[str, str] = {}
        for path in sorted((self.place / CASES).glob("*.toml")):
            try:
                names[path.stem] = self._keep(load(path))
            except InputError as error:
                self.say(f"left out: {error}")
        files = [path for path in (self.place / BLOCKS_FILE,) if path.is_file()]
        blocks = self._read([*files, *sorted(self.place.glob(LANE_FILES))])
        if blocks is None:
            return
        if missing := [case for case in blocks.cases if case not in names]:
            self.say(f"{self.place}: {len(missing)} cases that blocks name are not there, such as {missing[0]}")
        self._learn(evolve(blocks, cases=tuple(names.get(case, "") for case in blocks.cases)), ())

    def _keep(self, case: Case) -> str:
        name, new = keep(self.into, case)
        self.merged.new += new
        self.merged.known += not new
        return name

    def _read(self, files: Iterable[Path]) -> Blocks | None:
        """The blocks in files of one kernel; None when nothing of them can be used."""
        found: list[Blocks] = []
        for path in files:
            try:
                found = [merge([*found, read_blocks(path)])]
            except InputError as error:
                self.say(f"left out: {error}")
        return found[0] if found else None

    def _tried(self, blocks: Blocks) -> set[str]:
        try:
            return KernelFiles(self.place, blocks.kernel, blocks.release).read_tried()
        except InputError as error:
            self.say(f"left out: {error}")
            return set()

    def _learn(self, blocks: Blocks, tried: Iterable[str]) -> None:
        there = KernelFiles(self.into, blocks.kernel, blocks.release)
        try:
            there.read_blocks()
        except InputError as error:  # a campaign would put it aside; whoever merges may want to look at it first
            self.say(f"left out: what {self.place} knows of {blocks.kernel}: {error}")
            return
        corpus = Corpus.open(self.into, blocks.kernel, blocks.release, lambda _: None)
        before = len(corpus)
        corpus.learn(blocks)
        for name in corpus.names.intersection(tried):
            corpus.tried(name)
        corpus.flush()
        news = self.merged.blocks
        news[blocks.kernel] = news.get(blocks.kernel, 0) + len(corpus) - before
