"""``campaign.sqlite`` read while a campaign may write it, whatever version made it."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

from attrs import field, frozen

from usbfuzz.errors import InputError

from .data import Course, Driver, GaveUpAt, Run, Sample, Source

__all__ = ["Raw", "read_courses"]

SWEEP = "field sweep"  #: how the name of a strategy ends that changes one field after the other (strategies.generate)
_MOST = 2000  #: samples that are kept for a page: more than it has pixels


@frozen
class Raw:
    """What the database says of a campaign, before coverage is known."""

    course: Course
    modules: tuple[str, ...] = field(default=())  #: of the guest that can bind


def read_courses(path: Path) -> list[Raw]:
    """All campaigns in a database. Raises InputError when it cannot be read."""
    try:
        with closing(_opened(path)) as database:
            tables = {name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
            rows = database.execute("SELECT id, kernel, params, seed, totals FROM campaign ORDER BY id").fetchall()
            return [_course(database, tables, *row) for row in rows]
    except (sqlite3.Error, ValueError, TypeError, AttributeError) as error:
        raise InputError(f"{path}: cannot be read: {error}; the page is made without the campaign's course") from error


def _opened(path: Path) -> sqlite3.Connection:
    """Read only; where not even the log of a killed campaign can be read along, as the file is."""
    quoted = path.resolve().as_uri()
    try:
        database = sqlite3.connect(f"{quoted}?mode=ro", uri=True, timeout=10)
        database.execute("SELECT name FROM sqlite_master").fetchall()
    except sqlite3.OperationalError:
        database = sqlite3.connect(f"{quoted}?mode=ro&immutable=1", uri=True)
    return database


def _course(
    database: sqlite3.Connection, tables: set[str], number: int, kernel: str, params: str, seed: int, totals: str
) -> Raw:
    def rows(table: str, columns: str, rest: str = "") -> list[tuple[Any, ...]]:
        if table not in tables:
            return []
        question = f"SELECT {columns} FROM {table} WHERE campaign = ? {rest}"  # noqa: S608 - our own names
        return database.execute(question, (number,)).fetchall()

    runs = tuple(
        Run(version, started, ended, wall, json.loads(facts))
        for version, started, ended, wall, facts in rows("run", "version, started, ended, wall, facts", "ORDER BY id")
    )
    modules = {name for run in runs for name in run.facts.get("modules", ()) if isinstance(name, str)}
    samples = _samples(rows)
    names = {name for (name,) in rows("driver", "name")}
    course = Course(
        kernel=str(kernel),
        params=tuple(map(str, json.loads(params))),
        seed=int(seed),
        totals={str(name): value for name, value in json.loads(totals).items() if isinstance(value, int | float)},
        samples=samples,
        runs=runs,
        drivers=_drivers(rows, names, modules),
        sources=tuple(
            Source(name, name.endswith(SWEEP), cases, None, 0) for name, cases in rows("source", "name, cases")
        ),
        skipped=len(rows("skipped", "number")),
        modules=len(modules) if modules else None,
    )
    return Raw(course, tuple(sorted(modules)))


_Rows = Callable[..., list[tuple[Any, ...]]]


def _samples(rows: _Rows) -> tuple[Sample, ...]:
    columns = "wall, guest, devices, cases, drivers, blocks, bugs, seen, lanes"
    found = rows("sample", columns, "ORDER BY wall")
    step = max(1, len(found) // _MOST)
    kept = [*found[::step], *(found[-1:] if (len(found) - 1) % step else [])]
    return tuple(_sample(*row) for row in kept)


def _sample(wall: float, guest: float, *counts: Any) -> Sample:
    devices, cases, drivers, blocks, bugs, seen, lanes = counts
    return Sample(wall, guest, devices, cases, drivers, blocks, bugs, seen, json.loads(lanes))


def _drivers(rows: _Rows, names: set[str], modules: set[str]) -> tuple[Driver, ...]:
    """One for each module that can bind or did; where a driver's module is not known, its own name stands for it."""
    bound: dict[str, list[tuple[str, int, float | None]]] = {}
    for driver, module, times, wall in rows("bound", "driver, module, times, wall"):
        named = _alike(driver, modules)
        # A driver of usbserial's is in the module that it is named after, whatever sysfs says.
        bound.setdefault(named if named in modules else module or named, []).append((driver, times, wall))
        names.discard(driver)
    for driver in names:  # of a version that kept no counts
        bound.setdefault(_alike(driver, modules), []).append((driver, 1, None))
    gave_up: dict[str, list[GaveUpAt]] = {}
    for module, at, times in rows("gave_up", "module, at, times", "ORDER BY times DESC, at"):
        gave_up.setdefault(module, []).append(GaveUpAt(at, times))
    return tuple(
        _driver(module, bound.get(module, []), tuple(gave_up.get(module, ())))
        for module in sorted(modules | bound.keys() | gave_up.keys())
    )


def _driver(module: str, bound: list[tuple[str, int, float | None]], gave_up: tuple[GaveUpAt, ...]) -> Driver:
    firsts = [wall for _, _, wall in bound if wall is not None]
    return Driver(
        module=module,
        names=tuple(sorted(name for name, _, _ in bound)),
        bound=sum(times for _, times, _ in bound),
        first=min(firsts, default=None),
        gave_up=gave_up,
        blocks=None,
    )


def _alike(driver: str, modules: set[str]) -> str:
    """The module that a driver is named after, else the driver's own name."""
    module = driver.replace("-", "_")
    return module if module in modules else driver
