"""The cases a lane is to run: made by a generator process ahead of time, handed out in rounds that fill the ports."""

from __future__ import annotations

import asyncio
import os
import sys
from collections import deque
from collections.abc import Iterable, Iterator

from attrs import define, field

from harness.lane.config import LaneConfig
from harness.workers.child import Child
from usbfuzz.errors import InfraError

from .messages import CASES, RANGES, Block, CaseRange, Made

__all__ = ["GENERATOR", "CaseQueue", "ranges"]

#: Command of a generator process, without its arguments.
GENERATOR = (sys.executable, "-m", "usbfuzz.jobs.campaign.generator")

_END_SECONDS = 2.0


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
    _held: Made | None = field(default=None, init=False)  #: did not fit into the last round
    _width: int = field(init=False)  #: ports that the cases of the next round may take together
    _added: asyncio.Event = field(factory=asyncio.Event, init=False)

    @classmethod
    async def start(cls, command: tuple[str, ...], seed: int, config: LaneConfig, learned: str = "") -> CaseQueue:
        """Start a generator process with ``command`` for a lane with ``config``; raises InfraError.

        ``learned`` is the directory of what was learned of drivers, "" for none.
        """
        words = (*command, str(seed), str(config.image.aliases), learned, str(os.getpid()))
        return cls(await Child.start("case generator", words, RANGES, CASES, group=False), config.ports)

    def __attrs_post_init__(self) -> None:
        self._width = self._ports
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
        for case_range in ranges(block.indices):
            self._generator.send(case_range)
        self._added.set()

    @property
    def due(self) -> tuple[int, ...]:
        """The case the generator makes next, if any: to blame when it dies."""
        return (self._due[0],) if self._due else ()

    async def round(self) -> list[Made]:
        """The next round: as many cases as the ports are enough for, or one that is to run alone.

        Waits for the generator, and for blocks when all that was added is used up. What a generator made before it
        died is a round of its own; raises InfraError once there is nothing left of it.
        """
        cases: list[Made] = []
        free = self._width
        while free > 0 and (self._held or self._due or not cases):
            try:
                made, self._held = self._held or await self._made(), None
            except InfraError:
                if cases:
                    break
                raise
            alone = made.index in self._alone
            if cases and (alone or made.case.ports > free):
                self._held = made
                break
            cases.append(made)
            free -= self._width if alone else made.case.ports
        return cases

    def learn(self, *, quiet: bool) -> None:
        """Fit the rounds to the kernel: one that keeps crashing takes the round's other cases down with it.

        The width halves with each round that cost the guest, and grows by one with each that did not.
        """
        self._width = min(self._ports, self._width + 1) if quiet else max(1, self._width // 2)

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
