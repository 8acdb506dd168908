"""The generator process of a lane: makes cases ahead of time, where it delays no answer to a guest.

Command line: ``python -m usbfuzz.jobs.campaign.generator START PARENT``, where START is a GeneratorStart line. Reads
CaseRange lines and writes Made lines.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator

from attrs import define, evolve

from harness.guest.kernels.constants import Constants
from harness.guest.kernels.firmware import FirmwareNames
from harness.guest.process import NICENESS
from harness.workers.procs import die_with_parent, lower_priority
from harness.workers.upstream import take_stdout
from strategies import Identities, generate
from strategies.learning.shelf import Shelf
from strategies.mutate.identity import driver_of
from strategies.target import target_of
from usbfuzz.corpus import Reader
from usbfuzz.jobs.engine.plan import Source
from usbfuzz.jobs.engine.pool import Entry, Pool
from usbfuzz.jobs.engine.supply import GuidedSupply
from usbfuzz.load import in_bytes

from .messages import CASES, GENERATORS, RANGES, CaseRange, Made

__all__ = ["main"]


@define
class _Generator:
    """Makes the cases of ranges, by their numbers or by a plan."""

    seed: int
    reader: Reader | None  #: None: there is no corpus
    shelf: Shelf
    supply: GuidedSupply
    aimed: bool  #: the identities are not all of the kernel

    def made(self, wanted: CaseRange) -> Iterator[Made]:
        if wanted.plan is None:
            for index, case in enumerate(
                generate(self.seed, wanted.first, wanted.count, self.supply.identities), wanted.first
            ):
                yield Made(index, case, Source.of(case.provenance), target_of(case))
            return
        self._look_around()
        index = wanted.first
        for name in wanted.corpus:
            entry = self.supply.pool.get(name)
            if entry is not None:
                yield Made(index, entry.kept, Source.CORPUS, entry.driver)
                index += 1
        for number, made in enumerate(
            self.supply.cases(index, wanted.first + wanted.count - index, wanted.plan), index
        ):
            yield Made(number, made.case, made.source, made.module)

    def _look_around(self) -> None:
        """See what was learned, and what has come into the corpus: of other drivers only where nothing is aimed at."""
        learned = self.shelf.all()
        if learned != self.supply.identities.learned:  # what is worked out of identities is kept with them
            self.supply.identities = evolve(self.supply.identities, learned=learned)
        for name, case in self.reader.news() if self.reader is not None else ():
            raw = in_bytes(case)
            driver = driver_of(raw, self.supply.identities)
            if not self.aimed or driver in self.supply.identities.by_module:
                self.supply.pool.add(Entry(name, case, raw, driver))


def main(argv: list[str]) -> int:
    """Make cases until standard input ends. An error of a strategy ends the process with its traceback."""
    start = GENERATORS.decode(argv[1].encode())
    die_with_parent(int(argv[2]))
    lower_priority(NICENESS)
    with os.fdopen(take_stdout(), "wb", buffering=0) as channel:
        shelf = Shelf(start.learned)
        identities = evolve(Identities.parse(start.aliases.read_text()), learned=shelf.all(), tables=start.tables)
        if start.modules is not None:
            constants, firmware = Constants(start.modules, start.arch), FirmwareNames(start.modules)
            identities = evolve(identities, constants=constants, firmware=firmware)
        if start.aim:
            identities = identities.only(start.aim)
        reader = None if start.corpus is None else Reader(start.corpus)
        supply = GuidedSupply(start.seed, identities, Pool())
        generator = _Generator(start.seed, reader, shelf, supply, aimed=bool(start.aim))
        for line in sys.stdin.buffer:
            for made in generator.made(RANGES.decode(line)):
                channel.write(CASES.encode(made))
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv))
