"""Which process of a campaign is what, and of which lane."""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum
from pathlib import PurePath

from attrs import define, field, frozen

from usbfuzz.jobs.bench.processes import Running
from usbfuzz.jobs.campaign.case_queue import GENERATOR
from usbfuzz.jobs.campaign.start import WORKER

__all__ = ["Member", "Role", "Roster"]

_PAGE = "usbfuzz.jobs.page.live"  #: the program that makes the page
_QEMU = "qemu-system"  #: how its name begins


class Role(Enum):
    """What a process of a campaign is there for; values are words for people, and those of the file of looks."""

    SUPERVISOR = "supervisor"
    WORKER = "worker"
    GENERATOR = "generator"
    QEMU = "QEMU"
    PAGE = "page"


@frozen
class Member:
    """A process of a campaign."""

    role: Role
    lane: int  #: -1: of none
    process: Running


@define
class Roster:
    """Tells roles by what a process runs and who started it. A worker has the lowest number that no other one has."""

    _lanes: dict[tuple[int, float], int] = field(factory=dict, init=False)  #: of workers, by id and start

    def members(self, supervisor: int, processes: Iterable[Running]) -> list[Member]:
        """The members among these processes, which hang below the process ``supervisor``."""
        alive = {process.pid: process for process in processes if not process.zombie}
        found = []
        workers: dict[int, int] = {}
        mine = [process for process in alive.values() if process.parent == supervisor and WORKER[-1] in process.words]
        present = {(process.pid, process.started) for process in mine}
        self._lanes = {key: lane for key, lane in self._lanes.items() if key in present}
        for process in sorted(mine, key=lambda process: process.started):
            workers[process.pid] = self._lane_of(process)
            found.append(Member(Role.WORKER, workers[process.pid], process))
        for process in alive.values():
            if process.pid == supervisor:
                found.append(Member(Role.SUPERVISOR, -1, process))
            elif process.parent == supervisor and _PAGE in process.words:
                found.append(Member(Role.PAGE, -1, process))
            elif process.parent in workers and GENERATOR[-1] in process.words:
                found.append(Member(Role.GENERATOR, workers[process.parent], process))
            elif process.parent in workers and _is_qemu(process):
                found.append(Member(Role.QEMU, workers[process.parent], process))
        return found

    def _lane_of(self, process: Running) -> int:
        key = (process.pid, process.started)
        if key not in self._lanes:
            taken = set(self._lanes.values())
            self._lanes[key] = next(lane for lane in range(len(taken) + 1) if lane not in taken)
        return self._lanes[key]


def _is_qemu(process: Running) -> bool:
    """Whether it is QEMU itself, perhaps behind a loader, and none of the programs that start it, which name it too."""
    program = process.words[3:4] if process.words[1:2] == ("--library-path",) else process.words[:1]
    return any(PurePath(word).name.startswith(_QEMU) for word in program)
