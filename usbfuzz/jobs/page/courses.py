"""``campaign.sqlite`` read while a campaign may write it, whatever version made it."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

from attrs import field, frozen

from usbfuzz.coverage import module_of
from usbfuzz.errors import InputError
from usbfuzz.jobs.campaign.database import open_to_read

from .data import Course, Driver, GaveUpAt, Run, Sample, Sighting, Source, Yield

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
        with closing(open_to_read(path)) as database:
            tables = {name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
            rows = database.execute("SELECT id, kernel, params, seed, totals FROM campaign ORDER BY id").fetchall()
            return [_course(database, tables, *row) for row in rows]
    except (sqlite3.Error, ValueError, TypeError, AttributeError) as error:
        raise InputError(f"{path}: cannot be read: {error}; the page is made without the campaign's course") from error


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
        sightings=tuple(
            Sighting(title, tuple(json.loads(alt_titles)), guilty, wall, cases)
            for title, guilty, alt_titles, wall, cases in rows(
                "sighting", "title, guilty, alt_titles, wall, cases", "ORDER BY wall, title"
            )
        ),
        yields=tuple(
            Yield(*row)
            for row in rows("yield", "source, cases, seconds, blocks, bugs", "ORDER BY seconds DESC, source")
        ),
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
        bound.setdefault(module_of(driver, modules, module or driver), []).append((driver, times, wall))
        names.discard(driver)
    for driver in names:  # of a version that kept no counts
        bound.setdefault(module_of(driver, modules, driver), []).append((driver, 1, None))
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
