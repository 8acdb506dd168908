"""A campaign's directory as an :class:`Account`, whoever wrote it and whether it is whole or not."""

from __future__ import annotations

import fcntl
import os
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from attrs import evolve, frozen

from usbfuzz.crashes.layout import CAMPAIGN_FILE, LOCK_FILE
from usbfuzz.crashes.suppress import read_suppressed
from usbfuzz.errors import InputError

from .bugs import Details, read_bugs
from .courses import Raw, read_courses
from .data import Account, Bug, Course, Driver, Source
from .reached import Reached, kernel_here, read_reached, subsystems

__all__ = ["Whole", "campaigns_in", "read_account"]


@frozen
class Whole:
    """An account, and the details of its first bugs, which its JSON does not have."""

    account: Account
    details: dict[str, Details]


def campaigns_in(path: Path) -> list[Path]:
    """The campaigns' directories that a path means: itself, or those right below it. Raises InputError."""
    if not path.is_dir():
        raise InputError(f"{path}: is no directory; give what a campaign was told with --out")
    if (path / CAMPAIGN_FILE).exists():
        return [path]
    below = sorted(child for child in path.iterdir() if child.is_dir() and (child / CAMPAIGN_FILE).is_file())
    return below or [path]


def read_account(out: Path, *, functions: bool = True) -> Whole:
    """What is known of the campaign in ``out``; ``functions``: look also at which functions of modules ran.

    Raises InputError when it is neither a campaign's directory nor holds any crash.
    """
    database = out / CAMPAIGN_FILE
    notes: list[str] = []
    raws: list[Raw] = []
    if database.is_file():
        try:
            raws = read_courses(database)
        except InputError as error:
            notes.append(f"{error}.")
    kernel = kernel_here(raws[0].course.kernel) if raws else None
    found = read_bugs(out, subsystems(kernel))
    if not database.is_file() and not found.bugs:
        raise InputError(f"{out}: holds neither {CAMPAIGN_FILE} nor a crash; give what a campaign was told with --out")
    reached = read_reached(out, kernel, functions=functions)
    process = _owner(out)
    courses = tuple(_with_code(raw, reached, found.bugs, alone=len(raws) == 1) for raw in raws)
    account = Account(
        directory=str(out),
        made=datetime.now(UTC).isoformat(timespec="seconds"),
        state=_state(courses, process),
        process=process,
        courses=courses,
        bugs=found.bugs,
        suppressed={title: sum(hits.values()) for title, hits in read_suppressed(out).items()},
        notes=(*notes, *_missing(database, courses, reached), *found.notes),
        code={"kernel": reached.kernel, "blocks": reached.blocks, "modules": len(reached.modules)}
        if reached.blocks
        else {},
    )
    return Whole(account, found.details)


def _owner(out: Path) -> int | None:
    """The process that has the directory's lock; 0 when it does not say which it is, None when nobody has it."""
    try:
        file = os.open(out / LOCK_FILE, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        said = os.pread(file, 32, 0).decode(errors="replace").strip()
        return int(said) if said.isdigit() else 0
    finally:
        os.close(file)
    return None


def _state(courses: Sequence[Course], process: int | None) -> str:
    runs = [run for course in courses for run in course.runs]
    if process is not None:
        return "running"
    if not runs:
        return "unknown"
    return "ended" if max(runs, key=lambda run: run.started).ended else "killed"


def _missing(database: Path, courses: Sequence[Course], reached: Reached) -> list[str]:
    notes = []
    if not database.is_file():
        notes.append(f"There is no {CAMPAIGN_FILE}: only the crashes are known, not how the campaign went.")
    bare = [course.kernel for course in courses if not course.runs]
    if bare:
        notes.append(
            f"The campaign on {', '.join(bare)} was run by a version that kept only totals: its course over time, its "
            "lanes' time, its sources and the machine are not known."
        )
    if reached.problem:
        notes.append(f"Coverage: {reached.problem}.")
    elif courses and not reached.blocks:
        notes.append("No coverage was kept: blocks of code are not known.")
    if len(courses) > 1 and reached.kernel:
        notes.append(f"Coverage is that of {reached.kernel}; a directory keeps that of one kernel.")
    return notes


def _with_code(raw: Raw, reached: Reached, bugs: Sequence[Bug], *, alone: bool) -> Course:
    course = raw.course
    mine = reached.kernel == course.kernel
    drivers = course.drivers
    if mine:
        drivers = tuple(_covered(driver, reached) for driver in drivers)
    made = Counter(bug.source for bug in bugs if bug.standing == "confirmed" and bug.kernel == course.kernel)
    names = {source.name: source for source in course.sources}
    if alone and course.runs:  # a kept case without a count of its own is of a run that was killed
        names |= {name: Source(name, "sweep" in name, 0, None, 0) for name in made if name and name not in names}
    sources = tuple(
        evolve(source, blocks=reached.sources.get(name, 0) if mine else None, bugs=made[name])
        for name, source in sorted(names.items(), key=lambda item: -item[1].cases)
    )
    return evolve(course, drivers=drivers, sources=sources)


def _covered(driver: Driver, reached: Reached) -> Driver:
    ran, there = reached.functions.get(driver.module, (None, None))
    return evolve(driver, blocks=reached.modules.get(driver.module, 0), reached=ran, functions=there)
