"""What else one cause leads to: reports with other titles, listed inside the bug as ``[[manifestation]]``."""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum

import tomlkit
from attrs import evolve, frozen
from tomlkit.items import AoT

from usbfuzz.triage import Report, same_driver

__all__ = ["Manifestation", "Where", "added", "from_tables", "to_tables"]

#: Kept for one bug: a corrupted heap may show in any way.
_MOST = 100


class Where(Enum):
    """How it is known that a report belongs to a bug; values are the words of crash.toml."""

    OWN_RUNS = "its own runs"
    AFTER = "after it, in the same guest"
    BY_HAND = "merged by hand"


@frozen
class Manifestation:
    """A report that a bug leads to as well."""

    title: str
    alt_titles: tuple[str, ...]
    driver: str  #: its guilty driver; "" when none is known
    count: int
    where: str  #: a value of :class:`Where`; kept as text, so that words of other versions are shown and not lost

    @classmethod
    def of(cls, report: Report, where: Where) -> Manifestation:
        """The report, seen once."""
        return cls(report.title, report.alt_titles, report.guilty, 1, where.value)

    @property
    def names(self) -> frozenset[str]:
        """All its titles."""
        return frozenset((self.title, *self.alt_titles))

    def is_of(self, report: Report) -> bool:
        """Whether the report is another sighting of it."""
        return not report.names.isdisjoint(self.names) and same_driver(report.guilty, self.driver)


def added(known: Iterable[Manifestation], new: Manifestation) -> tuple[Manifestation, ...]:
    """``known`` with another sighting of ``new``, most often seen first. The way it was first known stays."""
    rows = list(known)
    for index, row in enumerate(rows):
        if not row.names.isdisjoint(new.names) and same_driver(row.driver, new.driver):
            names = {*row.alt_titles, *new.names} - {row.title}
            driver = row.driver or new.driver
            rows[index] = evolve(row, alt_titles=tuple(sorted(names)), count=row.count + new.count, driver=driver)
            break
    else:
        rows.append(new)
    return tuple(sorted(rows, key=lambda row: -row.count))[:_MOST]


def to_tables(rows: Iterable[Manifestation]) -> AoT:
    """The array of tables of crash.toml."""
    tables = tomlkit.aot()
    for row in rows:
        table = tomlkit.table()
        table.update({"title": row.title, "alt_titles": list(row.alt_titles), "driver": row.driver})
        table.update({"count": row.count, "where": row.where})
        tables.append(table)
    return tables


def from_tables(tables: object) -> tuple[Manifestation, ...]:
    """What such an array holds; raises ValueError when it is none."""
    if not isinstance(tables, list) or not all(_fits(table) for table in tables):
        raise ValueError("manifestation")
    return tuple(
        Manifestation(
            table["title"], tuple(table.get("alt_titles", ())), table.get("driver", ""), table["count"], table["where"]
        )
        for table in tables
    )


def _fits(table: object) -> bool:
    if not isinstance(table, dict):
        return False
    texts = (table.get("title"), table.get("driver", ""), table.get("where"), *_titles(table))
    return all(isinstance(text, str) for text in texts) and isinstance(table.get("count"), int)


def _titles(table: dict[str, object]) -> list[object]:
    titles = table.get("alt_titles", [])
    return titles if isinstance(titles, list) else [None]
