"""A corpus made as small as it can be on some kernels, in their guests.

What each case reaches is measured, those that are enough are kept, and each of these is made smaller while it still
reaches what it is kept for. Everything is on the disk as soon as it is known, and the same call goes on from there.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Sequence
from functools import partial
from itertools import accumulate, pairwise
from pathlib import Path

from attrs import define, field

from harness.lane.config import LaneConfig
from harness.lane.trial import run_believably
from usbfuzz.atomic import discard
from usbfuzz.case.model import Case
from usbfuzz.case.parts import digest, weight
from usbfuzz.corpus import keep, names_in, read_case
from usbfuzz.corpus.directory import check_corpus
from usbfuzz.corpus.kernel_files import KernelFiles, kernels_in
from usbfuzz.corpus.lock import minimizing
from usbfuzz.crashes.layout import VERDICTS_FILE
from usbfuzz.crashes.verdicts import Verdicts, minimization_key
from usbfuzz.errors import CaseError, UsbfuzzError, first_of
from usbfuzz.jobs.minimize import contents, uses
from usbfuzz.jobs.minimize.cut import Totals
from usbfuzz.jobs.minimize.oracle import Oracle
from usbfuzz.jobs.minimize.search import Pass, Search
from usbfuzz.jobs.minimize.structure import LEVELS

from .cover import cover
from .guests import ReachGuests, RunsTrials, reach_pool
from .kernel import OneKernel
from .measured import Measured
from .trim import remove_case

__all__ = ["CorpusMinimization"]

_ATTEMPTS = 2  #: searches for a smaller case; what the first found may not be borne out
_PROOFS, _MOST_PROOFS = 2, 3  #: runs on fresh guests that a smaller case must pass, and of how many
#: What may go, from coarse to fine: whole things, and the lengths around them lowered. Byte by byte would take minutes
#: for each case, and save little.
_PASSES: tuple[Pass, ...] = (
    ("devices", contents.devices),
    ("events", contents.events),
    ("calls", uses.calls),
    ("strings, reports, scripts", contents.extras),
    ("configurations", contents.configurations),
    *(each for each in LEVELS["tree"] if each[0].endswith(Totals.LESS.value)),
    ("answers", contents.steps),
    *(each for each in LEVELS["items"] if each[0].endswith(Totals.LESS.value)),
    ("waits", contents.waits),
)


@define
class CorpusMinimization:
    """``usbfuzz corpus minimize DIR --kernel …``; afterwards the figures say what came of it."""

    directory: Path
    configs: Sequence[LaneConfig]  #: a kernel each
    lanes: int  #: guests of each
    seconds: float  #: wall time it may take
    say: Callable[[str], None]
    pool_of: Callable[[LaneConfig, int, Callable[[str], None]], RunsTrials] = reach_pool
    complete: bool = field(default=False, init=False)  #: nothing more can go; False: the time was up
    removed: int = field(default=0, init=False)  #: cases
    shrunk: int = field(default=0, init=False)  #: cases
    saved: int = field(default=0, init=False)  #: bytes, of these
    unmeasured: int = field(default=0, init=False)  #: cases that are left, as no run of them could be believed
    _cases: dict[str, Case] = field(factory=dict, init=False)
    _kernels: list[OneKernel] = field(factory=list, init=False)
    _elsewhere: set[str] = field(factory=set, init=False)  #: cases that other kernels' files name
    _deadline: float = field(default=0.0, init=False)

    async def run(self) -> None:
        """Minimize; raises InputError (no corpus, broken files), StorageError and what lanes raise."""
        check_corpus(self.directory)
        self._deadline = time.monotonic() + self.seconds
        with minimizing(self.directory):
            try:
                self._read()
                self.complete = await self._measure() and await self._keep_enough() and await self._shrink()
            finally:
                for kernel in self._kernels:
                    await kernel.pool.close()
                    kernel.measured.close(done=self.complete)

    @property
    def _late(self) -> bool:
        return time.monotonic() >= self._deadline

    def _read(self) -> None:
        for name in sorted(names_in(self.directory)):
            try:
                self._cases[name] = read_case(self.directory, name)
            except CaseError as error:
                self.say(f"left alone: {error}")
        mine = {config.kernel.name for config in self.configs}
        self._elsewhere = {
            case for files, blocks in kernels_in(self.directory) if files.kernel not in mine for case in blocks.cases
        }
        for config in self.configs:
            files = KernelFiles(self.directory, config.kernel.name, config.kernel.release)
            path = files.blocks.with_name(f".{files.blocks.stem}.measured")
            measured = Measured.open(path, f"{files.kernel} {files.release}")
            self._kernels.append(OneKernel(files, self.pool_of(config, self.lanes, self.say), measured))

    async def _measure(self) -> bool:
        """Run each case alone on each kernel; whether there was time for all."""
        for kernel in self._kernels:
            left = self._cases.keys() - kernel.measured.cases.keys()
            if left:
                self.say(f"{kernel.name}: running {len(left)} cases alone, to see what each of them reaches")
            if late := await self._each(left, partial(self._measure_one, kernel)):
                self.say(f"{kernel.name}: the time is up before {late} cases were run; the same command goes on")
                return False
        return True

    async def _measure_one(self, kernel: OneKernel, name: str) -> None:
        if not await kernel.measure(name, self._cases[name]):
            self.unmeasured += 1
            self.say(f"{name}: no run of it on {kernel.name} can be believed; it is left as it is")

    async def _each(self, names: Iterable[str], work: Callable[[str], Awaitable[None]]) -> int:
        """Do ``work`` for each case, several at a time; for how many there was no time. Raises what that does."""
        # Those that need a guest booted in another way come together.
        waiting = deque(sorted(names, key=lambda name: (self._cases[name].guest.kernel_params, name)))

        async def some() -> None:
            while waiting and not self._late:
                await work(waiting.popleft())

        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(min(self.lanes, len(waiting))):
                    group.create_task(some())
        except* UsbfuzzError as errors:
            raise first_of(errors) from None
        return len(waiting)

    async def _keep_enough(self) -> bool:
        """Keep the cases that together reach everything, and note what each is kept for; whether there was time."""
        known = [kernel.measured.cases for kernel in self._kernels]
        names = [name for name in self._cases if all(name in cases for cases in known)]
        while True:
            kept = self._covering(names)
            unsteady = [name for name in kept if not all(cases[name].steady for cases in known)]
            if not unsteady:
                break
            if late := await self._each(unsteady, self._steady_one):
                self.say(f"the time is up before {late} cases were run more often; the same command goes on")
                return False
        for at, kernel in enumerate(self._kernels):
            kernel.share({name: bits[at] for name, bits in kept.items()})
            kernel.write()
        for name in set(names) - kept.keys():
            remove_case(self.directory, name)
            self.removed += 1
        self.say(f"{len(kept)} of {len(names)} cases reach all that these reach; {self.removed} are removed")
        return True

    async def _steady_one(self, name: str) -> None:
        for kernel in self._kernels:
            await kernel.steady(name, self._cases[name])

    def _covering(self, names: Sequence[str]) -> dict[str, tuple[int, ...]]:
        """Enough of the cases, each with the blocks it would be kept for on each kernel."""
        known = [kernel.measured.cases for kernel in self._kernels]
        shifts = [*accumulate((len(kernel.measured) for kernel in self._kernels), initial=0)]
        reached = {
            name: sum(cases[name].bits << shift for cases, shift in zip(known, shifts, strict=False)) for name in names
        }
        cost = {name: (any(cases[name].crashed for cases in known), weight(self._cases[name])) for name in names}
        kept = cover(reached, cost, self._elsewhere.intersection(names))
        return {
            name: tuple((bits >> low) & ((1 << (high - low)) - 1) for low, high in pairwise(shifts))
            for name, bits in kept.items()
        }

    async def _shrink(self) -> bool:
        """Make the cases smaller that are kept, the largest first; whether there was time for all."""
        owners = {name for kernel in self._kernels for name in kernel.owners}
        small = [kernel.files.read_smallest() for kernel in self._kernels]
        done = {
            name
            for name in owners
            if all(name in names for kernel, names in zip(self._kernels, small, strict=True) if name in kernel.owners)
        }
        if here := self._elsewhere & owners:
            self.say(
                f"{len(here)} cases reach something on other kernels, too, and stay as they are; name these as well"
            )
        waiting = sorted(owners - done - self._elsewhere, key=lambda name: (-weight(self._cases[name]), name))
        complete = True
        for at, name in enumerate(waiting):
            if self._late:
                left = len(waiting) - at
                self.say(f"the time is up before {left} cases were made smaller; the same command goes on")
                return False
            complete &= await self._shrink_one(name)
        if not complete:
            return False
        for state in self.directory.glob(f".*.{VERDICTS_FILE}"):  # of cases that are gone
            discard(state)
        return True

    async def _shrink_one(self, name: str) -> bool:
        """Make one case smaller; whether nothing more can go."""
        case, mine = self._cases[name], [kernel for kernel in self._kernels if name in kernel.owners]
        small: Case | None = None
        complete = False
        for _ in range(_ATTEMPTS):
            guests = self._guests(name, mine)
            small, complete = await self._search(name, case, guests) if guests.wanted else (case, True)
            proved = await self._is_proved(case, small, guests) if small is not None else False if complete else None
            if proved:
                break
            small = None
            if proved is None:
                self.say(f"{name}: too few runs of it can be believed now; the same command goes on")
                return False
            for kernel in mine:
                await kernel.doubt(name, case)
        now = name
        if small is None:
            self.say(f"{name}: does not do the same again in fresh guests; it is left as it is")
        elif digest(small) != digest(case):
            now = await self._replace(name, case, small)
        if complete:
            for kernel in mine:
                kernel.note_smallest(now)
        return complete

    def _guests(self, name: str, mine: Iterable[OneKernel]) -> ReachGuests:
        """Those that say whether a candidate reaches all that a case is kept for."""
        kernels = [kernel for kernel in mine if kernel.owners[name]]
        known = [kernel.measured.cases[name] for kernel in kernels]
        return ReachGuests(
            pools={kernel.name: kernel.pool for kernel in kernels},
            wanted={kernel.name: kernel.measured.keys(kernel.owners[name]) for kernel in kernels},
            fresh=any(measurement.fresh for measurement in known),
            crashes=any(measurement.crashed for measurement in known),
        )

    async def _search(self, name: str, case: Case, guests: ReachGuests) -> tuple[Case | None, bool]:
        """The smallest case that reaches the same, and whether nothing more can go.

        None if not even this one does, which is complete only if its runs can be believed.
        """
        wanted = frozenset(f"{kernel} {keys}" for kernel, keys in guests.wanted.items())
        verdicts = Verdicts.open(
            self.directory / f".{name}.{VERDICTS_FILE}", minimization_key(case, "corpus", "reach", wanted)
        )
        done = False
        try:
            oracle = Oracle(guests, self._deadline, dict(verdicts.known), verdicts.add)
            found = await Search(oracle, passes=_PASSES, marks=False).run(case)
            done = True
        finally:
            verdicts.close(done=done)
        return (None, not oracle.doubted) if found is None else (found.case, found.complete)

    async def _replace(self, name: str, case: Case, small: Case) -> str:
        """Put the smaller case in the other's place, and give its name."""
        new, _ = keep(self.directory, small)
        self._cases[new] = small
        for kernel in self._kernels:
            await kernel.replace(name, new, small)
        remove_case(self.directory, name)
        before, after = weight(case), weight(small)
        self.shrunk, self.saved = self.shrunk + 1, self.saved + before - after
        self.say(f"{name}: {before:,} to {after:,} bytes, now {new}")
        return new

    @staticmethod
    async def _is_proved(case: Case, small: Case, guests: ReachGuests) -> bool | None:
        """Whether ``small`` reaches in fresh guests what ``case`` is kept for; None: too few runs can be believed."""
        if digest(small) == digest(case):
            return True
        hits = misses = 0
        for _ in range(_MOST_PROOFS):
            proof = await run_believably(lambda: guests.shows(small, fresh=True), lambda seen: seen.believable)
            hits += proof.believed and proof.result.hit
            misses += proof.believed and not proof.result.hit
            if hits == _PROOFS:
                return True
        return False if misses > _MOST_PROOFS - _PROOFS else None
