"""The generator process of a sweep: each field of one case's devices with each value worth trying, one at a time.

Command line: ``python -m usbfuzz.jobs.campaign.sweeper CASE`` and what :mod:`.generator` takes, of which only PARENT
counts. Reads CaseRange lines and writes Made lines.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

from attrs import define, evolve

from harness.guest.process import NICENESS
from harness.workers.procs import die_with_parent, lower_priority
from harness.workers.upstream import take_stdout
from strategies.fields import FieldSweep
from usbfuzz.case import load
from usbfuzz.case.model import Case, Provenance

from .messages import CASES, RANGES, Made

__all__ = ["SWEEPER", "CaseSweep", "main"]

#: Command of the process, without its arguments.
SWEEPER = (sys.executable, "-m", "usbfuzz.jobs.campaign.sweeper")


@define(eq=False, slots=False)
class CaseSweep(Sequence[Case]):
    """All single-field mutations of the devices of one case, in an order in which neighbours lie far apart."""

    case: Case

    @cached_property
    def _sweeps(self) -> list[FieldSweep]:
        return [FieldSweep(spec) for spec in self.case.devices]

    def __len__(self) -> int:
        return sum(map(len, self._sweeps))

    def __getitem__(self, number: int) -> Case:  # type: ignore[override]
        """The case in which mutation ``number`` is made; raises IndexError behind the last."""
        for at, sweep in enumerate(self._sweeps):
            if number < len(sweep):
                spec, note = sweep[sweep.spread(number)]
                devices = (*self.case.devices[:at], spec, *self.case.devices[at + 1 :])
                origin = Provenance(source="sweep", strategy="field sweep", notes=note)
                return evolve(self.case, devices=devices, title=f"{spec.name}, {note}", expect=(), provenance=origin)
            number -= len(sweep)
        raise IndexError(number)


def main(argv: list[str]) -> int:
    """Make cases until standard input ends."""
    die_with_parent(int(argv[-1]))
    lower_priority(NICENESS)
    with os.fdopen(take_stdout(), "wb", buffering=0) as channel:
        sweep = CaseSweep(load(Path(argv[1])))
        for line in sys.stdin.buffer:
            wanted = RANGES.decode(line)
            for index in range(wanted.first, wanted.first + wanted.count):
                channel.write(CASES.encode(Made(index, sweep[index])))
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv))
