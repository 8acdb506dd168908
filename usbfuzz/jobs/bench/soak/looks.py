"""Looks at the processes of a campaign, kept as lines of a file as they are made: a kill loses none."""

from __future__ import annotations

import math
import os
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from attrs import field, frozen

from usbfuzz.atomic import UNFINISHED
from usbfuzz.jobs.bench.processes import held_by
from usbfuzz.journal import Journal

from .growth import LEAST_SECONDS, WARM_CASES, Growth, Look, grown
from .plan import Wanted
from .roles import Member, Role

__all__ = ["Glance", "Row", "glance", "journal_of", "read_glances", "rows", "size_of"]

_MOST_BYTES = 1 << 30  #: of a file of looks: two lanes for a month
_BLOCK = 512  #: bytes of ``st_blocks`` (stat(2))
_SLACK = 2.0  #: descriptors or threads that may come: a look may find one that is there for a moment


@frozen
class Glance:
    """What one process held at one moment."""

    role: Role
    lane: int  #: -1: of none
    pid: int
    started: float
    age: float
    memory: int
    descriptors: int
    threads: int


def glance(member: Member) -> Glance | None:
    """What a process holds now; None when it has ended."""
    held, process = held_by(member.process), member.process
    if held is None:
        return None
    figures = (held.memory, held.descriptors, held.threads)
    return Glance(member.role, member.lane, process.pid, process.started, round(process.age, 1), *figures)


def journal_of(wanted: Wanted) -> Journal:
    """The file of looks: a head, then ``{"at": second, "of": [[role, lane …]], "cases": …, "sizes": {…}}`` each."""
    head = {"soak": 1, "kernel": wanted.kernel, "lanes": wanted.lanes, "arguments": list(wanted.arguments)}
    return Journal(wanted.looks, head, remedy="give another --out")


def line_of(at: float, seen: Iterable[Glance], cases: int, sizes: dict[str, int]) -> dict[str, Any]:
    """The line of a look; ``cases`` have run by then."""
    of = [
        [each.role.value, each.lane, each.pid, each.started, each.age, each.memory, each.descriptors, each.threads]
        for each in seen
    ]
    return {"at": round(at, 1), "of": of, "cases": cases, "sizes": sizes}


@frozen
class Seen:
    """All looks of a file."""

    glances: tuple[tuple[float, Glance], ...]  #: and the second of each
    cases: tuple[tuple[float, int], ...] = ()  #: that had run at each second
    sizes: dict[str, list[Look]] = field(factory=dict)

    @property
    def begin(self) -> float:
        """Second of the first look at which a guest ran, if one did, and the first cases were through, if they were."""
        return next((at for at in self._times if at >= self._warm), self._times[0] if self._times else 0.0)

    @property
    def judged(self) -> bool:
        """Whether it was long enough for that."""
        return self._warm < self.end - LEAST_SECONDS

    @property
    def end(self) -> float:
        """Second of the last such look: what comes then is a campaign that ends."""
        return self._times[-1] if self._times else 0.0

    @property
    def last(self) -> float:
        """Second of the last look of all."""
        return self.glances[-1][0] if self.glances else 0.0

    @property
    def _warm(self) -> float:
        return next((at for at, cases in self.cases if cases >= WARM_CASES), math.inf)

    @property
    def _times(self) -> list[float]:
        guests = [at for at, each in self.glances if each.role is Role.QEMU]
        return guests or [at for at, _ in self.glances]


def read_glances(journal: Journal) -> Seen | None:
    """The looks in a file; None when there is none of these campaigns."""
    lines = journal.read(_MOST_BYTES)
    if lines is None:
        return None
    sizes: dict[str, list[Look]] = defaultdict(list)
    glances, cases = [], []
    for line in lines:
        at = line.get("at", 0.0)
        cases.append((at, line.get("cases", 0)))
        glances += [(at, Glance(Role(role), *figures)) for role, *figures in line.get("of", ())]
        for what, size in line.get("sizes", {}).items():
            sizes[what].append(Look(at, at, size))
    return Seen(tuple(glances), tuple(cases), dict(sizes))


@frozen
class Row:
    """What became of the processes of one role and lane."""

    name: str
    lives: int
    looks: int
    judged: bool  #: it was long enough for that
    memory: Growth | None
    descriptors: Growth | None
    threads: Growth | None

    @property
    def findings(self) -> list[str]:
        """What grew; nothing is known of a soak that was too short."""
        found: list[str] = []
        if not self.judged:
            return found
        if self.memory is not None and not self.memory.flat():
            grew, of = self.memory.last - self.memory.first, self.memory.first
            found.append(f"{self.name}: memory grew by {grew / 2**20:.1f} MiB of {of / 2**20:.1f} MiB")
        for what, growth in (("descriptors", self.descriptors), ("threads", self.threads)):
            if growth is not None and not growth.flat(_SLACK):
                found.append(f"{self.name}: {what} grew from {growth.first:g} to {growth.last:g}")
        return found


def rows(seen: Seen) -> Iterator[Row]:
    """A row for each role and lane."""
    by_role: dict[tuple[int, int], dict[tuple[int, float], list[tuple[float, Glance]]]] = {}
    order = list(Role)
    for at, each in seen.glances:
        lives = by_role.setdefault((order.index(each.role), each.lane), defaultdict(list))
        lives[each.pid, each.started].append((at, each))

    for (role, lane), lives in sorted(by_role.items()):

        def of(name: str, lives: Iterable[list[tuple[float, Glance]]] = lives.values()) -> Growth | None:
            series = [[Look(at, each.age, getattr(each, name)) for at, each in life] for life in lives]
            return grown(series, seen.begin, seen.end)

        name = order[role].value + (f" of lane {lane}" if lane >= 0 else "")
        count = sum(map(len, lives.values()))
        yield Row(name, len(lives), count, seen.judged, of("memory"), of("descriptors"), of("threads"))


def size_of(path: Path) -> int:
    """Bytes that a file, or a directory with all below it, takes on the disk; what goes meanwhile counts or not."""
    try:
        size = path.lstat().st_blocks * _BLOCK
        if path.is_dir() and not path.is_symlink():
            with os.scandir(path) as entries:
                size += sum(size_of(Path(entry.path)) for entry in entries if not entry.name.startswith(UNFINISHED))
    except OSError:
        return 0
    return size
