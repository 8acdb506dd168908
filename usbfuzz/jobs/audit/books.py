"""What ``campaign.sqlite`` says of the numbers of cases, and whether it says that of each number once."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

from attrs import frozen

from usbfuzz.errors import InputError
from usbfuzz.jobs.campaign.database import open_to_read

__all__ = ["Books", "read_books"]

_NAMED = 5  #: numbers or names that a finding lists


@frozen
class Books:
    """The books of one campaign, at one moment."""

    kernel: str
    params: str  #: of the kernel command line, JSON list
    next: int  #: lowest number that was never handed to a lane
    unfinished: tuple[int, ...]  #: numbers below it that were handed out and not run
    skipped: frozenset[int]
    totals: dict[str, float]
    sources: int  #: cases by their sources, added up; with those that were made to learn a driver
    drivers: frozenset[str]  #: that have bound
    bound: frozenset[str]  #: that have counts
    samples: tuple[tuple[int, int, int], ...]  #: devices, cases and drivers at each
    sighted: frozenset[str]  #: titles of the reports that were seen
    begun: str  #: when the first run did, UTC, ISO 8601; "": not known

    @property
    def name(self) -> str:
        """Which campaign of the directory it is, for findings."""
        return " ".join([self.kernel, *json.loads(self.params)])

    @property
    def cases(self) -> int:
        """Cases that were run."""
        return int(self.totals.get("cases", 0))

    def findings(self) -> Iterator[str]:
        """What cannot be true of a campaign that lost nothing, and did nothing twice."""
        wrong = [number for number in self.unfinished if not 0 <= number < self.next]
        if wrong or len(set(self.unfinished)) != len(self.unfinished):
            yield f"{self.name}: unfinished numbers that were never handed out, or are there twice: {_some(wrong)}"
        if both := sorted(self.skipped.intersection(self.unfinished)):
            yield f"{self.name}: numbers that were skipped and are unfinished: {_some(both)}"
        handed = self.next - len(self.unfinished) - len(self.skipped)
        if self.cases != handed:
            what = f"{handed - self.cases} lost" if self.cases < handed else f"{self.cases - handed} run twice"
            yield (
                f"{self.name}: {self.next} numbers were handed out, {len(self.unfinished)} are unfinished and "
                f"{len(self.skipped)} skipped, but {self.cases} were run: {what}"
            )
        if self.sources and self.sources < self.cases:
            yield f"{self.name}: {self.cases} cases were run, but sources made {self.sources}"
        if unknown := sorted(self.bound - self.drivers):
            yield f"{self.name}: drivers with counts that never bound: {_some(unknown)}"
        for earlier, later in zip(self.samples, self.samples[1:], strict=False):
            if any(before > after for before, after in zip(earlier, later, strict=True)):
                yield f"{self.name}: samples go back: devices, cases and drivers from {earlier} to {later}"
                break

    def since(self, earlier: Books) -> Iterator[str]:
        """What was known ``earlier`` and is not now, or was done and is to be done again."""
        for name, before in sorted(earlier.totals.items()):
            if self.totals.get(name, 0) < before:
                yield f"{self.name}: {name} went back from {before:g} to {self.totals.get(name, 0):g}"
        if self.next < earlier.next:
            yield f"{self.name}: the next number went back from {earlier.next} to {self.next}"
        open_before = {*earlier.unfinished, *earlier.skipped}
        if again := [n for n in self.unfinished if n < earlier.next and n not in open_before]:
            yield f"{self.name}: numbers that were run are unfinished again: {_some(again)}"
        for what, before_, now in (
            ("drivers", earlier.drivers, self.drivers),
            ("reports", earlier.sighted, self.sighted),
            ("skipped numbers", earlier.skipped, self.skipped),
        ):
            if lost := sorted(map(str, before_ - now)):
                yield f"{self.name}: {what} that are known no more: {_some(lost)}"
        if self.samples[: len(earlier.samples)] != earlier.samples:
            yield f"{self.name}: samples of earlier are gone or others"


def read_books(path: Path) -> list[Books]:
    """The books of all campaigns in a database, which a campaign may write meanwhile. Raises InputError."""
    try:
        with closing(open_to_read(path)) as database:
            database.execute("BEGIN")  # all of one moment
            verdict = database.execute("PRAGMA quick_check(1)").fetchone()[0]
            if verdict != "ok":
                raise InputError(f"{path}: is damaged: {verdict}")
            rows = database.execute("SELECT id, kernel, params, next, unfinished, totals FROM campaign ORDER BY id")
            return [_books(database, *row) for row in rows.fetchall()]
    except (sqlite3.Error, ValueError, TypeError, AttributeError) as error:
        raise InputError(f"{path}: cannot be read: {error}; give a directory that this usbfuzz wrote") from error


def _books(
    database: sqlite3.Connection, number: int, kernel: str, params: str, after: int, unfinished: str, totals: str
) -> Books:
    def rows(columns: str, table: str, rest: str = "") -> list[tuple[Any, ...]]:
        question = f"SELECT {columns} FROM {table} WHERE campaign = ? {rest}"  # noqa: S608 - our own names
        return database.execute(question, (number,)).fetchall()

    return Books(
        kernel=kernel,
        params=params,
        next=after,
        unfinished=tuple(json.loads(unfinished)),
        skipped=frozenset(skipped for (skipped,) in rows("number", "skipped")),
        totals=json.loads(totals),
        sources=rows("sum(cases)", "source")[0][0] or 0,
        drivers=frozenset(name for (name,) in rows("name", "driver")),
        bound=frozenset(name for (name,) in rows("driver", "bound")),
        samples=tuple(rows("devices, cases, drivers", "sample", "ORDER BY wall")),
        sighted=frozenset(title for (title,) in rows("title", "sighting")),
        begun=rows("min(started)", "run")[0][0] or "",
    )


def _some(values: list[Any]) -> str:
    more = f" and {len(values) - _NAMED} more" if len(values) > _NAMED else ""
    return ", ".join(map(str, values[:_NAMED])) + more
