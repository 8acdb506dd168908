"""One of the kernels that a corpus is minimized on: what its cases reach there, measured and written."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import partial, reduce
from operator import and_, or_

from attrs import define, evolve, field

from harness.lane.trial import run_believably
from usbfuzz.case.model import Case
from usbfuzz.corpus import names_in
from usbfuzz.corpus.kernel_files import KernelFiles
from usbfuzz.corpus.known import Known, key_of
from usbfuzz.corpus.lock import held
from usbfuzz.coverage import Block, Blocks
from usbfuzz.coverage.blocks import Place
from usbfuzz.errors import InfraError

from .guests import RunsTrials
from .measured import Measured, Measurement
from .messages import Ran, Trial

__all__ = ["OneKernel"]

_RUNS = 2  #: of each case, in whatever guest is there: what it reaches in all of them counts
_MORE = 4  #: runs of a case that is to be kept, and one in a fresh guest
_BELIEVED_WITHIN = 5  #: tries for one run


@define(eq=False)
class OneKernel:
    """A kernel with its guests. Numbers have the bits of blocks, as in :class:`.measured.Measured`."""

    files: KernelFiles
    pool: RunsTrials
    measured: Measured
    owners: dict[str, int] = field(factory=dict)  #: cases, each with the blocks that it is kept for
    #: Cases, each with blocks that it, or what it was made from, reached in some runs: known, and no reason to keep it.
    loose: dict[str, int] = field(factory=dict, init=False)
    _claims: dict[str, int] = field(factory=dict, init=False)  #: cases, each with those that it was known for
    _hits: dict[tuple[str, str, int], int] = field(factory=dict, init=False)  #: by module, section and key

    def __attrs_post_init__(self) -> None:
        found: dict[str, dict[Place, list[int]]] = {}
        for block in self.files.read_blocks() or ():
            place, key = (block.module, block.section), key_of(block)
            self._hits[*place, key] = block.hits
            found.setdefault(block.case, {}).setdefault(place, []).append(key)
        for case, keys in found.items():
            self._claims[case] = self.measured.bits(tuple((*place, tuple(some)) for place, some in keys.items()))

    @property
    def name(self) -> str:
        """The kernel's canonical spec."""
        return self.files.kernel

    async def measure(self, name: str, case: Case) -> bool:
        """Find out what a case reaches; False when no run of it can be believed.

        That is what it reaches in any guest; of what it was known for also what it reaches in fresh ones alone. Raises
        what lanes raise.
        """
        seen = await self._runs(case, (False,) * _RUNS)
        if not seen:
            return False
        always, only_fresh = self._in_all(seen), 0
        if missing := self._claims.get(name, 0) & ~always:
            again = await self._runs(case, (True,))
            if again and missing & self._in_all(again):
                again += await self._runs(case, (True,))
                only_fresh = missing & self._in_all(again)
            seen += again
        self.measured.add(name, self._measurement(always | only_fresh, seen, fresh=only_fresh > 0))
        return True

    async def steady(self, name: str, case: Case) -> None:
        """Run a measured case some more times, unless that was done: what does not come in each of them is dropped."""
        known = self.measured.cases[name]
        if not known.steady:
            await self._again(name, case, (*(known.fresh for _ in range(_MORE)), True))

    async def doubt(self, name: str, case: Case) -> None:
        """Run a case that did not do again what it is kept for: what it does not always do, it is not kept for."""
        kept = self.owners[name]
        await self._again(name, case, (False, *(True for _ in range(_MORE))))
        self.owners[name] = kept & self.measured.cases[name].bits
        self.loose[name] = self.loose.get(name, 0) | (kept & ~self.owners[name])

    async def _again(self, name: str, case: Case, fresh: Iterable[bool]) -> None:
        known = self.measured.cases[name]
        seen = await self._runs(case, fresh)
        bits = known.bits & self._in_all(seen) if seen else known.bits
        now = self._measurement(bits, seen, fresh=known.fresh)
        others = (now.sometimes | known.sometimes | known.bits) & ~bits
        self.measured.add(name, evolve(now, sometimes=others, crashed=now.crashed or known.crashed, steady=True))

    def share(self, kept: Mapping[str, int]) -> None:
        """Note what cases are kept for, and hand out what none of those reaches always, but somebody was known for."""
        self.owners = {name: bits for name, bits in kept.items() if bits}
        left = reduce(or_, self._claims.values(), 0) & ~reduce(or_, self.owners.values(), 0)
        self.loose = {}
        for name in sorted(kept):
            known = self.measured.cases[name]
            if mine := left & (known.bits | known.sometimes):
                self.loose[name] = mine
                left &= ~mine

    async def replace(self, name: str, new: str, small: Case) -> None:
        """Keep the case ``new`` for what another was kept for, all of which it was seen to reach."""
        await self.measure(new, small)
        bits, seen = self.owners.pop(name, 0), self.measured.cases.get(new, Measurement(0))
        self.measured.add(new, evolve(seen, bits=seen.bits | bits))
        self.owners[new] = self.owners.get(new, 0) | bits
        self.loose[new] = self.loose.get(new, 0) | self.loose.pop(name, 0)
        self.write()

    def note_smallest(self, name: str) -> None:
        """Note that nothing more can go from a case; raises InputError, StorageError."""
        self.files.write_smallest((self.files.read_smallest() | {name}) & names_in(self.files.directory))

    def write(self) -> None:
        """Write which case is kept for which blocks; what is known of cases that were not measured stays.

        Raises InputError, StorageError.
        """
        with held(self.files.directory):
            on_disk, names = self.files.read_blocks(), names_in(self.files.directory)
            known = Known(self.files.kernel, self.files.release)
            known.learn(Blocks.of(self.files.kernel, self.files.release, self._blocks()))
            if on_disk is not None:
                known.learn(on_disk, only=names - self.measured.cases.keys())
            self.files.write_blocks(known.blocks())
            ran = self.files.read_tried() | self.measured.cases.keys()
            self.files.write_tried((ran & names).difference(known.owners))

    async def _runs(self, case: Case, fresh: Iterable[bool]) -> list[Ran]:
        """Run a case, each time in a fresh guest or in any; without the runs that cannot be believed."""
        found = []
        for each in fresh:
            trial = await run_believably(
                partial(self.pool.run, Trial(case, each)),
                lambda ran: ran is None or not ran.dilated,
                tries=_BELIEVED_WITHIN,
            )
            if trial.believed and trial.result is not None:
                found.append(trial.result)
        if not all(ran.seen for ran in found):
            what = f"{self.name}: nothing sees what its guest executes"
            raise InfraError(f"{what}; minimizing needs a QEMU that shows it (usbfuzz emulator list)")
        return found

    def _in_all(self, runs: Iterable[Ran]) -> int:
        """What every one of some runs reached."""
        return reduce(and_, (self.measured.bits(ran.reached) for ran in runs))

    def _measurement(self, bits: int, runs: Iterable[Ran], *, fresh: bool) -> Measurement:
        """What runs say of a case that always reaches ``bits``."""
        sometimes = reduce(or_, (self.measured.bits(ran.reached) for ran in runs), 0) & ~bits
        return Measurement(bits, sometimes, fresh=fresh, crashed=any(ran.crashed for ran in runs))

    def _blocks(self) -> Iterator[Block]:
        for name, bits in (*self.owners.items(), *self.loose.items()):
            for block in self.measured.blocks(bits, name):
                hits = self._hits.get((block.module, block.section, key_of(block)), 1)
                yield evolve(block, hits=hits)
