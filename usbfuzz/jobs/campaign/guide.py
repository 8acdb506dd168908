"""What a campaign has learned of its cases: which are worth making others from, and what brings most for its time."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator
from itertools import islice
from pathlib import Path

from attrs import define, evolve, field

from harness.lane.config import LaneConfig
from strategies.target import target_of
from usbfuzz.case.model import Case
from usbfuzz.corpus import Corpus
from usbfuzz.coverage import Blocks
from usbfuzz.errors import StorageError
from usbfuzz.jobs.aim import AimedCode
from usbfuzz.jobs.engine.plan import Source
from usbfuzz.jobs.engine.yields import Yields

from .curriculum import Curriculum
from .history import History
from .messages import Block, Learnt, Lesson, RoundDone
from .messages import Reached as ReachedCode

__all__ = ["Guide"]


@define(eq=False)
class Guide:
    """The corpus of a campaign, and what its sources and drivers bring."""

    corpus: Corpus
    yields: Yields
    curriculum: Curriculum
    history: History
    say: Callable[[str], None]
    aimed: AimedCode | None = None  #: what alone counts as brought; None: all code
    _unrun: deque[str] = field(factory=deque, init=False)  #: cases of the corpus that this kernel has not seen
    _running: dict[int, str] = field(factory=dict, init=False)  #: those of them that were handed out, by number
    _full: bool = field(default=False, init=False)  #: the disk was, and that was said

    @classmethod
    def open(
        cls,
        directory: Path,
        lessons: Path,
        config: LaneConfig,
        modules: Collection[str],
        history: History,
        say: Callable[[str], None],
        aimed: AimedCode | None = None,
    ) -> Guide:
        """The corpus in a directory, for devices of these drivers, or of those aimed at.

        What is learned of them is kept in ``lessons``.

        Raises InputError, StorageError.
        """
        corpus = Corpus.open(directory, config.kernel.name, config.kernel.release, say)
        yields = Yields(tuple(modules)) if aimed is None else Yields(tuple(aimed.shares), aimed.shares)
        for name, cases, seconds, blocks, bugs in history.yields():
            yields.sources[Source(name)].earlier(cases, seconds, blocks, bugs)
        guide = cls(corpus, yields, Curriculum(lessons, yields.modules, yields), history, say, aimed)
        guide._unrun.extend(corpus.unrun)
        return guide

    def planned(self, block: Block) -> Block:
        """A block with what its cases are to be; cases of the corpus that this kernel has not seen come first."""
        names = list(islice(self._due(), len(block.indices)))
        self._running |= dict(zip(block.indices, names, strict=False))
        return evolve(block, plan=self.yields.plan(len(block.indices)), corpus=tuple(names))

    def _due(self) -> Iterator[str]:
        """The cases that this kernel has not seen; of drivers that are not aimed at they wait for another campaign."""
        while self._unrun:
            name = self._unrun.popleft()
            case = self.corpus.case(name)
            if case is not None and (self.aimed is None or target_of(case) in self.aimed.shares):
                yield name

    def reached(self, message: ReachedCode) -> int:
        """A case reached new code in its lane: keep it, if no case of the corpus had; how many blocks are new."""
        before = len(self.corpus)
        files = self.corpus.files
        try:
            self.corpus.add(message.case, Blocks.of(files.kernel, files.release, message.blocks))
        except StorageError as error:
            self._say_once(error)
            return 0
        new = len(self.corpus) - before
        if new:
            counted = new if self.aimed is None else min(new, self.aimed.count(message.blocks))
            self.yields.brought(message.source, message.module, blocks=counted)
            if message.source is Source.LEARNED and self.curriculum.learned_here(message.module):
                self.yields.taught(counted)
        return new

    def round_done(self, message: RoundDone) -> None:
        """Count what cases cost, and which of the corpus have run now."""
        self.curriculum.round_done(message)
        for ran in message.ran:
            self.yields.ran(ran.source, ran.module, ran.cases, ran.seconds)
        for index in message.indices:
            if name := self._running.pop(index, ""):
                self.corpus.tried(name)

    def lane_begun(self, lane: int) -> None:
        """A lane has a new process."""
        self.curriculum.lane_begun(lane)

    def lessons(self, lane: int) -> Iterable[Lesson]:
        """What a lane is to learn now."""
        return self.curriculum.lessons(lane)

    def learnt(self, message: Learnt) -> bool:
        """A lesson is over; whether anything was learned."""
        try:
            return self.curriculum.learnt(message)
        except StorageError as error:
            self._say_once(error)
            return False

    def found(self, case: Case) -> None:
        """A case shows a bug that is new."""
        self.yields.brought(Source.of(case.provenance), target_of(case), bugs=1)

    def flush(self, *, last: bool = False) -> None:
        """Write what is known of the corpus and of the sources, and see what others have added to the corpus."""
        self.history.yielded(
            *(
                (source.value, account.cases, account.seconds, account.blocks, account.bugs)
                for source, account in self.yields.sources.items()
                if account.cases
            )
        )
        try:
            self.corpus.flush(in_order=last)
        except StorageError as error:
            self._say_once(error)
            return
        self._full = False

    def _say_once(self, error: StorageError) -> None:
        if not self._full:
            self.say(f"{error}; the campaign goes on")
        self._full = True
