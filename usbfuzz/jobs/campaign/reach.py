"""Which code a lane's cases reached, and which case reached it first: kept in a file, so that nothing is lost.

A round has several cases. A block that is new in it is the one case's that was made for the driver which the block
belongs to, or bound it, or whose driver alone needs the block's module; where none or several do, it stays open until a
case that may have reached it has run alone.
A case that let the guest live, and reached code that no such case had, is worth making others from.
"""

from __future__ import annotations

import os
import time
from collections import Counter, deque
from typing import TYPE_CHECKING

from attrs import define, field

from harness.lane.stage import places
from usbfuzz.atomic import write_atomically
from usbfuzz.case import dumps
from usbfuzz.corpus import name_of
from usbfuzz.coverage import BLOCKS_FILE, case_path, write_blocks
from usbfuzz.errors import StorageError

from .messages import Reached

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from harness.guest.probe.coverage import Coverage, Covered
    from harness.lane.outcome import Binding, Outcome
    from usbfuzz.case.model import Case

    from .messages import Made

__all__ = ["LANE_FILES", "Reach"]

LANE_FILES = "lane-*.tsv"  #: what lanes have written and the campaign has not added up yet
_SAVE_S = 20.0  #: seconds between two writes
#: Of a lane's time, for running cases alone; and seconds at once, for the first rounds, in which most code is new.
_SHARE, _AT_ONCE_S = 0.03, 5.0
_WAITING = 256  #: cases that may have reached open code, remembered
_CORE = "usbcore"  #: runs for every device, whoever its driver is


@define
class Reach:
    """The case that reached each block of one lane first."""

    coverage: Coverage
    directory: Path  #: of the campaign's coverage
    ports: int  #: of the guest
    needs: Mapping[str, Iterable[str]] = field(factory=dict)  #: all modules that each needs
    _owners: dict[int, str] = field(factory=dict, init=False)  #: names of cases, by the block's address
    _open: set[int] = field(factory=set, init=False)  #: addresses of blocks whose case is not known
    _waiting: deque[Made] = field(factory=lambda: deque(maxlen=_WAITING), init=False)  #: that may have reached them
    _lived: set[int] = field(factory=set, init=False)  #: addresses of blocks that ran in a guest that lived on
    _kept: set[str] = field(factory=set, init=False)  #: names of cases that are saved
    _started: float = field(factory=time.monotonic, init=False)
    _saved: float = field(factory=time.monotonic, init=False)
    _alone: float = field(default=0.0, init=False)  #: seconds spent on cases that ran alone

    def idle(self, outcome: Outcome) -> None:
        """What a round without a device ran is no case's."""
        if outcome.covered is not None:
            self._lived.update(outcome.covered.starts.tolist())

    def add(self, cases: Sequence[Made], outcome: Outcome, *, again: bool = False) -> tuple[Reached, ...]:
        """Note what a round reached; ``again``: its case ran before, among others. Raises StorageError.

        Returns what each case reached that let the guest live, where no such case of this lane had reached it before.
        """
        covered = outcome.covered
        if again:
            self._alone += outcome.seconds
        if covered is None:
            return ()
        starts = covered.starts.tolist()
        if outcome.restored:
            fresh = {start for start, new in zip(starts, covered.new.tolist(), strict=True) if new}
        else:
            fresh = set(starts) - self._lived
            self._lived |= fresh
        if len(cases) == 1:
            fresh |= self._open.intersection(starts)
        found = self._shared(cases, covered, outcome.bindings, fresh) if fresh else {}
        for index, mine in found.items():
            self._claim(cases[index], mine)
        if time.monotonic() - self._saved > _SAVE_S:
            self.save()
        if outcome.restored:
            return ()
        return tuple(
            Reached(cases[index].source, cases[index].module, cases[index].case, tuple(covered.only(mine).blocks()))
            for index, mine in found.items()
        )

    def candidate(self) -> Made | None:
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

    def _shared(
        self, cases: Sequence[Made], covered: Covered, bindings: Sequence[Binding], fresh: set[int]
    ) -> dict[int, set[int]]:
        """Which of the blocks each case of a round reached, by its place in the round; the others stay open."""
        if len(cases) == 1:
            return {0: fresh}
        owners = _owners(cases, bindings, covered, self.ports, self.needs)
        found: dict[int, set[int]] = {}
        for start, module in zip(covered.starts.tolist(), covered.module_names(), strict=True):
            if start in fresh:
                if module in owners:
                    found.setdefault(owners[module], set()).add(start)
                else:
                    self._open.add(start)
        if self._open:
            self._waiting.extend(cases)
        return found

    def _claim(self, made: Made, starts: set[int]) -> None:
        name = f"case-{made.index:06d}" if made.index >= 0 else f"learning-{name_of(made.case)}"
        self._keep(name, made.case)
        self._owners |= dict.fromkeys(starts, name)
        self._open -= starts

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


def _owners(
    cases: Sequence[Made],
    bindings: Sequence[Binding],
    covered: Covered,
    ports: int,
    needs: Mapping[str, Iterable[str]],
) -> dict[str, int]:
    """The number of the case that owns each module: it alone is made for it, bound it, or needs it."""
    made_for = Counter(made.module for made in cases)
    owners = {made.module: index for index, made in enumerate(cases) if made.module and made_for[made.module] == 1}
    placing = places([made.case for made in cases], ports) or []
    port_of = {port: index for index, place in enumerate(placing) for port in place.values()}
    users: dict[str, set[int]] = {}
    drivers = [{made.module} for made in cases]  #: of each case, those that may be included
    took = covered.owners({binding.driver for binding in bindings})
    for binding in bindings:
        if module := took[binding.driver]:
            # Where a HID device is plugged in is not known: its driver may be any case's.
            mine = {port_of[binding.port]} if binding.port in port_of else set(port_of.values())
            for index in mine:
                drivers[index].add(module)
            if module not in made_for:
                users.setdefault(module, set()).update(mine)
    needed: dict[str, set[int]] = {_CORE: set(range(len(cases)))}
    for index, modules in enumerate(drivers):
        for need in {need for module in modules for need in needs.get(module, ())}:
            needed.setdefault(need, set()).add(index)
    return _single(needed) | owners | _single(users)


def _single(users: Mapping[str, set[int]]) -> dict[str, int]:
    """Modules that one case alone uses."""
    return {module: min(indices) for module, indices in users.items() if len(indices) == 1}
