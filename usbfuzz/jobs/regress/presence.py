"""Is a case's bug there on these kernels? The matrix is asked, with that bug as what is expected on each of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import Enum
from pathlib import Path

from attrs import evolve, frozen

from usbfuzz.case import load, resolve
from usbfuzz.case.model import ALWAYS, Case, Expectation
from usbfuzz.crashes.minimized import load_result
from usbfuzz.crashes.record import Crash
from usbfuzz.errors import CaseError, GuestError, UsbfuzzError

from .matrix import Cell, Entry, Status
from .run import RegressOptions, run_regress

__all__ = ["Bug", "Presence", "Shown", "find_presence", "presence_of"]

_ROUNDS = 3  #: for a kernel all of whose runs were answered too late
_ANY = "(any crash)"  #: the title that is looked for where none is recorded: no report has it


class Shown(Enum):
    """What a kernel did; values are the words for it."""

    YES = "crashes"
    NO = "clean"
    OTHER = "crashes otherwise"  #: another bug came, and not this one
    UNKNOWN = "not known"  #: it could not be run


@frozen
class Bug:
    """A case, and the bug that it is kept for."""

    path: Path
    case: Case
    title: str = ""  #: "" when no crash is recorded
    alt_titles: tuple[str, ...] = ()
    kernel: str = ""  #: the bug was seen on; "" when that is not recorded
    reliability: int = ALWAYS  #: percent of runs that show it

    @classmethod
    def read(cls, path: Path) -> Bug:
        """The bug of a case file or a crash directory. Raises CaseError."""
        file = resolve(path)
        case = load(file)
        row = next((row for row in case.expect if row.title), None)
        if row is None:
            return cls(file, case)
        others = tuple(sorted(case.recorded_names - {row.title}))
        return cls(file, case, row.title, others, row.kernel, _reliability(file.parent, row))

    def on(self, kernel: str) -> Expectation:
        """What is expected when the bug is there on a kernel."""
        return Expectation(kernel, self.title or _ANY, self.alt_titles, self.reliability)

    @property
    def recorded(self) -> dict[str, Expectation]:
        """What the case says of kernels, by their names."""
        return {row.kernel: row for row in self.case.expect}


@frozen
class Presence:
    """What a case did on one kernel."""

    spec: str  #: as it was asked for
    kernel: str  #: its name
    shown: Shown
    runs: int = 0  #: that could be believed; no more are made once the bug came
    other: str = ""  #: the title of another crash
    error: UsbfuzzError | None = None  #: why it is not known
    late: bool = False  #: it is not known because this machine was too busy to answer the guest in time


async def find_presence(
    bug: Bug,
    options: RegressOptions,
    *,
    on_found: Callable[[Presence], None] = lambda _: None,
    on_progress: Callable[[str], None] = lambda _: None,
) -> tuple[Presence, ...]:
    """Run a case on kernels, as often on each as its reliability asks for, and say where its bug came.

    Raises InfraError when no worker can be started; what is wrong with one kernel is in its answer.
    """
    case = evolve(bug.case, expect=tuple(map(bug.on, dict.fromkeys(options.kernels))))
    entry = Entry(bug.path, bug.path.parent.name if bug.path.stem == "case" else bug.path.stem, case)
    found: dict[str, Presence] = {}

    def learn(cell: Cell) -> None:
        seen = presence_of(cell)
        found[seen.spec] = seen
        if not seen.late:
            on_found(seen)

    waiting = options.kernels
    for _ in range(_ROUNDS):
        await run_regress(evolve(options, kernels=waiting), (entry,), on_cell=learn, on_progress=on_progress)
        waiting = tuple(seen.spec for seen in found.values() if seen.late)
        if not waiting:
            break
    for spec in waiting:
        on_found(found[spec])
    return tuple(found[spec] for spec in dict.fromkeys(options.kernels) if spec in found)


def presence_of(cell: Cell) -> Presence:
    """What a cell says of the bug that is expected in it."""
    runs = sum(seen.trusted for seen in cell.runs)
    known = Presence(cell.column.spec, cell.column.name, Shown.UNKNOWN, runs)
    match cell.status:
        case Status.OK:
            return evolve(known, shown=Shown.YES)
        case Status.CRASH | Status.WARNING:
            return evolve(known, shown=Shown.OTHER, other=cell.finding.title if cell.finding else "")
        case Status.GONE if known.runs and cell.error is None:
            return evolve(known, shown=Shown.NO)
        case _ if cell.error is None:
            error = GuestError(f"{known.kernel}: every run was answered too late; try again when this machine is idle")
            return evolve(known, error=error, late=True)
        case _:
            return evolve(known, error=cell.error)


def _reliability(directory: Path, row: Expectation) -> int:
    """Percent of runs that show the bug: of a crash directory what was counted there, else what the case says."""
    crash = Crash.read(directory)
    counted = _counted(directory, crash) if crash else None
    if counted is None or row.reliability != ALWAYS:
        return row.reliability
    hits, runs = counted
    return max(1, hits * ALWAYS // runs)


def _counted(directory: Path, crash: Crash) -> tuple[int, int] | None:
    """Hits and runs on fresh guests; None when it was not run again."""
    try:
        minimized = load_result(directory)
    except CaseError:
        minimized = None
    pairs: Sequence[tuple[int, int]] = ((minimized.hits, minimized.runs),) if minimized else ()
    return next((pair for pair in (*pairs, (crash.reproduced, crash.runs)) if pair[1]), None)
