"""Which code a lane's cases reached, and which case reached it first: kept in a file, so that nothing is lost.

A round has several cases. A block that is new in it is the one case's that bound the driver which the block belongs to;
where none or several did, it stays open until a case that may have reached it has run alone.
"""

from __future__ import annotations

import os
import time
from collections import deque
from typing import TYPE_CHECKING

from attrs import define, field

from harness.lane.stage import places
from usbfuzz.atomic import write_atomically
from usbfuzz.case import dumps
from usbfuzz.coverage import BLOCKS_FILE, case_path, write_blocks
from usbfuzz.errors import StorageError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from harness.guest.probe.coverage import Coverage, Covered
    from harness.lane.outcome import Binding, Outcome
    from usbfuzz.case.model import Case

__all__ = ["LANE_FILES", "Reach"]

LANE_FILES = "lane-*.tsv"  #: what lanes have written and the campaign has not added up yet
_SAVE_S = 20.0  #: seconds between two writes
#: Of a lane's time, for running cases alone; and seconds at once, for the first rounds, in which most code is new.
_SHARE, _AT_ONCE_S = 0.03, 5.0
_WAITING = 256  #: cases that may have reached open code, remembered


@define
class Reach:
    """The case that reached each block of one lane first."""

    coverage: Coverage
    directory: Path  #: of the campaign's coverage
    ports: int  #: of the guest
    _owners: dict[int, str] = field(factory=dict, init=False)  #: names of cases, by the block's address
    _open: set[int] = field(factory=set, init=False)  #: addresses of blocks whose case is not known
    _waiting: deque[Case] = field(factory=lambda: deque(maxlen=_WAITING), init=False)  #: that may have reached them
    _kept: set[str] = field(factory=set, init=False)  #: names of cases that are saved
    _started: float = field(factory=time.monotonic, init=False)
    _saved: float = field(factory=time.monotonic, init=False)
    _alone: float = field(default=0.0, init=False)  #: seconds spent on cases that ran alone

    def add(self, cases: Sequence[Case], outcome: Outcome) -> int:
        """Note what a round reached; how many blocks of it are new. Raises StorageError."""
        covered = outcome.covered
        if covered is None:
            return 0
        if len(cases) == 1:
            self._reached_by(cases[0], covered)
            self._alone += outcome.seconds
        elif covered.new.any():
            self._share(cases, covered, outcome.bindings)
        if time.monotonic() - self._saved > _SAVE_S:
            self.save()
        return int(covered.new.sum())

    def candidate(self) -> Case | None:
        """A case to run alone, because code is open that it may have reached; None while there is no time for one."""
        if not self._open:
            self._waiting.clear()
        spare = _AT_ONCE_S + _SHARE * (time.monotonic() - self._started)
        return self._waiting.popleft() if self._waiting and self._alone < spare else None

    def save(self) -> None:
        """Write the lane's file; raises StorageError."""
        self._saved = time.monotonic()
        blocks = self.coverage.everything().owned(self._owners)
        write_blocks(self.directory / LANE_FILES.replace("*", str(os.getpid())), blocks)

    def _reached_by(self, case: Case, covered: Covered) -> None:
        """The case ran alone: all that is open and that it executed is its own."""
        starts = covered.starts.tolist()
        mine = [start for start, new in zip(starts, covered.new.tolist(), strict=True) if new or start in self._open]
        self._claim(case, mine)

    def _share(self, cases: Sequence[Case], covered: Covered, bindings: Sequence[Binding]) -> None:
        owners = _owners(cases, bindings, covered, self.ports)
        found: dict[int, list[int]] = {}
        for start, module, new in zip(
            covered.starts.tolist(), covered.module_names(), covered.new.tolist(), strict=True
        ):
            if not new:
                continue
            if module in owners:
                found.setdefault(owners[module], []).append(start)
            else:
                self._open.add(start)
        for index, starts in found.items():
            self._claim(cases[index], starts)
        if self._open:
            self._waiting.extend(cases)

    def _claim(self, case: Case, starts: Sequence[int]) -> None:
        if not starts:
            return
        name = f"case-{case.provenance.index or 0:06d}"
        self._keep(name, case)
        self._owners |= dict.fromkeys(starts, name)
        self._open.difference_update(starts)

    def _keep(self, name: str, case: Case) -> None:
        if name in self._kept:
            return
        path = case_path(self.directory / BLOCKS_FILE, name)
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            write_atomically(path, dumps(case).encode())
        except OSError as error:
            raise StorageError(f"{path}: cannot be written: {error.strerror}; make room there") from error
        self._kept.add(name)


def _owners(cases: Sequence[Case], bindings: Sequence[Binding], covered: Covered, ports: int) -> dict[str, int]:
    """The number of the case that owns each module: the only one of the round that bound its driver."""
    placing = places(cases, ports) or []
    port_of = {port: index for index, place in enumerate(placing) for port in place.values()}
    users: dict[str, set[int]] = {}
    for binding in bindings:
        module = covered.drivers.get(binding.driver)
        if module is not None:
            # Where a HID device is plugged in is not known: its driver may be any case's.
            users.setdefault(module, set()).update(
                [port_of[binding.port]] if binding.port in port_of else port_of.values()
            )
    return {module: min(indices) for module, indices in users.items() if len(indices) == 1}
