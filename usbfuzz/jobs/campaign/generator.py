"""The generator process of a lane: makes cases ahead of time, where it delays no answer to a guest.

Command line: ``python -m usbfuzz.jobs.campaign.generator SEED MODULES_ALIAS LEARNED PARENT``, where LEARNED is a
directory of what was learned of drivers, or nothing. Reads CaseRange lines and writes Made lines.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from attrs import evolve

from harness.guest.process import NICENESS
from harness.workers.procs import die_with_parent, lower_priority
from harness.workers.upstream import take_stdout
from strategies import Identities, generate
from strategies.learning.learned import load_all

from .messages import CASES, RANGES, Made

__all__ = ["main"]


def main(argv: list[str]) -> int:
    """Make cases until standard input ends. An error of a strategy ends the process with its traceback."""
    seed, aliases, learned, parent = int(argv[1]), Path(argv[2]), argv[3], int(argv[4])
    die_with_parent(parent)
    lower_priority(NICENESS)
    with os.fdopen(take_stdout(), "wb", buffering=0) as channel:
        identities = Identities.parse(aliases.read_text())
        if learned:
            identities = evolve(identities, learned=load_all(Path(learned), []))
        for line in sys.stdin.buffer:
            wanted = RANGES.decode(line)
            for index, case in enumerate(generate(seed, wanted.first, wanted.count, identities), wanted.first):
                channel.write(CASES.encode(Made(index, case)))
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv))
