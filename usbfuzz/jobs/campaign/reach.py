"""Which code a lane's cases reached, and which case reached it first: kept in files, so that nothing is lost.

A round has several cases. A block that is new in it is the one case's that bound the driver which the block belongs to;
where none or several did, it stays open until a case that may have reached it has run alone.
"""

from __future__ import annotations

import os
import time
from collections import deque
from typing import TYPE_CHECKING

import numpy as np
from attrs import define, field

from usbfuzz.case import dumps
from usbfuzz.coverage import CASES, Blocks, case_path, merge, write_blocks
from usbfuzz.atomic import write_atomically

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from harness.guest.probe.coverage import Covered
    from harness.lane.outcome import Binding
    from usbfuzz.case.model import Case

__all__ = ["LANE_FILES", "Reach"]

LANE_FILES = "lane-*.tsv"  #: what lanes have written and the campaign has not added up yet
_SAVE_S = 20.0  #: seconds between two writes
#: Of a lane's time, for running cases alone; and seconds at once, for the first rounds, in which most code is new.
_SHARE, _AT_ONCE_S = 0.03, 5.0
_OPEN = 64  #: rounds that are remembered because code is open that they reached
_TOGETHER = 256  #: rounds whose blocks are added up at once


@define
class Reach:
    """The blocks of one lane: how often each ran, and the case that reached it first."""

    directory: Path  #: of the campaign's coverage
    drivers: Mapping[str, str]  #: the module of each driver
    blocks: int = field(default=0, init=False)  #: that ran so far
    _parts: list[Blocks] = field(factory=list, init=False)  #: not added up yet
    _unowned: set[int] = field(factory=set, init=False)  #: addresses of blocks whose case is open
    _open: deque[Case] = field(factory=lambda: deque(maxlen=8 * _OPEN), init=False)  #: that may have reached them
    _started: float = field(factory=time.monotonic, init=False)
    _saved: float = field(factory=time.monotonic, init=False)
    _alone: float = field(default=0.0, init=False)  #: seconds spent on cases alone

    def add(self, cases: Sequence[Case], covered: Covered, bindings: Sequence[Binding], ports: Sequence[Sequence[int]]) -> None:
        """Note what a round executed; ``ports`` are those of each case."""
        new = int(np.count_nonzero(covered.new))
        self.blocks += new
        owners = self._owners(bindings, ports) if len(cases) > 1 else None
        names = [self._keep(case) if new else "" for case in cases]
        if owners is None:
            self._parts.append(covered.blocks(names[0] if new else "", claimed=covered.new | covered.among(self._unowned)))
            self._unowned.difference_update(covered.starts.tolist())
        else:
            modules = {module: names[case] for module, case in owners.items()}
            open_ = covered.new & ~covered.of_modules(modules)
            self._parts.append(covered.blocks_of(modules))
            self._unowned.update(covered.starts[open_].tolist())
            if open_.any():
                self._open.extend(cases)
        self._write()
