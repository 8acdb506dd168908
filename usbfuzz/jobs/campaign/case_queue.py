"""The cases a lane is to run: made by a generator process ahead of time, handed out in rounds that fill the ports."""

from __future__ import annotations

import asyncio
import os
import sys
from collections import deque
from collections.abc import Collection, Iterable, Iterator, Sequence

from attrs import define, evolve, field

from harness.lane.config import LaneConfig
from harness.workers.child import Child
from usbfuzz.errors import InfraError
from usbfuzz.jobs.engine.risk import Risks

from .messages import CASES, GENERATORS, RANGES, Block, CaseRange, GeneratorStart, Made

__all__ = ["GENERATOR", "CaseQueue", "ranges"]

#: Command of a generator process, without its arguments.
GENERATOR = (sys.executable, "-m", "usbfuzz.jobs.campaign.generator")

_END_SECONDS = 2.0
#: Rounds share ports while the sum of their cases' risks is not higher.
_MOST_RISK = 0.3
#: Cases that are held because they do not fit, in rounds' worth.
_AHEAD = 6


def ranges(indices: Iterable[int]) -> Iterator[CaseRange]:
    """``indices`` as ranges: one for each run of consecutive numbers."""
    first = count = 0
    for index in indices:
        if count and index == first + count:
            count += 1
            continue
        if count:
            yield CaseRange(first, count)
        first, count = index, 1
    if count:
        yield CaseRange(first, count)


@define
class CaseQueue:
    """Cases of the blocks added so far, in rounds."""

    _generator: Child[CaseRange, Made]
    _ports: int  #: of the guest, each a host controller of its own
    _reading: asyncio.Task[None] = field(init=False)
    _lines: asyncio.Queue[bytes | None] = field(factory=asyncio.Queue, init=False)
    _due: deque[int] = field(factory=deque, init=False)  #: asked of the generator and not yet taken
    _alone: set[int] = field(factory=set, init=False)
    _held: deque[Made] = field(factory=deque, init=False)  #: did not fit into earlier rounds
    _risks: Risks = field(factory=Risks, init=False)
    _added: asyncio.Event = field(factory=asyncio.Event, init=False)

    @classmethod
    async def start(
        cls,
        command: tuple[str, ...],
        start: GeneratorStart,
        config: LaneConfig,
    ) -> CaseQueue:
        """Start a generator process with ``command`` for a lane with ``config``; raises InfraError."""
        words = (*command, GENERATORS.encode(start).decode().rstrip(), str(os.getpid()))
        return cls(await Child.start("case generator", words, RANGES, CASES, group=False), config.ports)

    def __attrs_post_init__(self) -> None:
        self._reading = asyncio.create_task(self._read())

    async def _read(self) -> None:
        # Lines are decoded when they are needed, between rounds: in a round only the guest's requests matter.
        while (line := await self._generator.receive_line()) is not None:
            self._lines.put_nowait(line)
        self._lines.put_nowait(None)

    def add(self, block: Block) -> None:
        """Have the cases of ``block`` made."""
        self._alone.update(block.alone)
        self._due.extend(block.indices)
        corpus = block.corpus
        for case_range in ranges(block.indices):
            mine, corpus = corpus[: case_range.count], corpus[case_range.count :]
            self._generator.send(evolve(case_range, plan=block.plan, corpus=mine))
        self._added.set()

    @property
    def due(self) -> tuple[int, ...]:
        """The case the generator makes next, if any: to blame when it dies."""
        return (self._due[0],) if self._due else ()

    async def round(self) -> list[Made]:
        """The next round: as many cases as the ports are enough for, or one that is to run alone.

        A crash takes the round's other cases down with it, so that cases are put together only as long as it is more
        likely that none crashes; and no two that were made for one driver, so that it is known which of them reached
        something. Waits for the generator, and for blocks when all that was added is used up. What a generator made
        before it died is a round of its own; raises InfraError once there is nothing left of it.
        """
        cases: list[Made] = []
        for _ in range(len(self._held)):
            self._take(cases, self._held.popleft())
        while self._free(cases) and len(self._held) < _AHEAD * self._ports and (self._due or not cases):
            try:
                made = await self._made()
            except InfraError:
                if cases:
                    break
                raise
            self._take(cases, made)
        return cases

    def _take(self, cases: list[Made], made: Made) -> None:
        """Put a case into the round, or hold it for another one."""
        if not cases or self._fits(cases, made):
            cases.append(made)
        else:
            self._held.append(made)

    def _fits(self, cases: Sequence[Made], made: Made) -> bool:
        risk = sum(self._risks.of(case.module) for case in (*cases, made))
        return (
            made.index not in self._alone
            and made.case.ports <= self._free(cases)
            and risk <= _MOST_RISK
            and (not made.module or all(made.module != case.module for case in cases))
        )

    def _free(self, cases: Sequence[Made]) -> int:
        """Ports of the round that are left."""
        if any(case.index in self._alone for case in cases):
            return 0
        return self._ports - sum(case.case.ports for case in cases)

    def learn(self, cases: Iterable[Made], *, blamed: Collection[str] | None = None) -> None:
        """A round ran; where it cost the guest, ``blamed`` are the drivers of its cases that are to blame."""
        self._risks.ran([case.module for case in cases], blamed or ())

    async def _made(self) -> Made:
        while not self._due:
            self._added.clear()
            await self._added.wait()
        line = await self._lines.get()
        if line is None:
            self._lines.put_nowait(None)  # for the next round, which has nothing else to begin with
            await self._generator.end(_END_SECONDS)
            raise InfraError(f"case generator: died at case {self._due[0]}: {self._generator.last_words or '-'}")
        self._due.popleft()
        return CASES.decode(line)

    async def close(self) -> None:
        """End the generator process."""
        self._reading.cancel()
        await self._generator.end(0.0)
