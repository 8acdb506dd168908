"""``campaign.sqlite``: what a campaign must remember to go on after kill -9."""

from __future__ import annotations

import contextlib
import json
import sqlite3
from collections.abc import Iterable
from pathlib import Path

from attrs import asdict, define, fields

from usbfuzz.crashes.layout import CAMPAIGN_FILE
from usbfuzz.errors import InputError, StorageError

from .messages import RoundDone

__all__ = ["CampaignState", "CampaignTotals"]

_SCHEMA = """
CREATE TABLE IF NOT EXISTS campaign (
    id INTEGER PRIMARY KEY,
    kernel TEXT NOT NULL,
    params TEXT NOT NULL,           -- of the kernel command line, JSON list
    seed INTEGER NOT NULL,
    next INTEGER NOT NULL DEFAULT 0,            -- lowest index never handed to a lane
    unfinished TEXT NOT NULL DEFAULT '[]',      -- indices below it that were not run, JSON list
    totals TEXT NOT NULL DEFAULT '{}',          -- JSON object
    UNIQUE (kernel, params)
);
CREATE TABLE IF NOT EXISTS driver (
    campaign INTEGER NOT NULL REFERENCES campaign(id),
    name TEXT NOT NULL,
    PRIMARY KEY (campaign, name)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS skipped (
    campaign INTEGER NOT NULL REFERENCES campaign(id),
    number INTEGER NOT NULL,
    why TEXT NOT NULL,
    PRIMARY KEY (campaign, number)
) WITHOUT ROWID;
"""


@define
class CampaignTotals:
    """Sums over all rounds of a campaign."""

    cases: int = 0
    rounds: int = 0
    plugs: int = 0  #: devices plugged
    enumerated: int = 0  #: devices the guest took note of
    requests: int = 0
    restores: int = 0
    dilated: int = 0  #: runs thrown away because the guest was answered too late
    disbelieved: int = 0  #: rounds without any run that could be believed
    seconds: float = 0.0  #: of lanes, summed

    def add(self, done: RoundDone) -> None:
        """Add the figures of one round."""
        self.cases += len(done.indices)
        self.rounds += 1
        self.plugs += done.plugs
        self.enumerated += done.enumerated
        self.requests += done.requests
        self.restores += done.restores
        self.dilated += done.dilated
        self.disbelieved += done.verdict is None
        self.seconds += done.seconds


@define
class CampaignState:
    """The campaign of one kernel in one directory. All methods raise StorageError when the disk fails them."""

    directory: Path
    seed: int
    next: int
    unfinished: list[int]
    totals: CampaignTotals
    drivers: set[str]
    _database: sqlite3.Connection
    _id: int

    @classmethod
    def open(
        cls, directory: Path, *, kernel: str, params: tuple[str, ...], seed: int | None, new_seed: int
    ) -> CampaignState:
        """Go on with the directory's campaign on ``kernel`` with ``params``, or start one with ``seed or new_seed``.

        The directory must be locked. Raises InputError when ``seed`` is not the one the campaign began with.
        """
        path = directory / CAMPAIGN_FILE
        with contextlib.ExitStack() as unused:
            try:
                database = sqlite3.connect(path, isolation_level=None)
                unused.callback(database.close)
                database.execute("PRAGMA journal_mode = WAL")
                database.execute("PRAGMA synchronous = NORMAL")
                database.executescript(_SCHEMA)
                key = (kernel, json.dumps(params))
                database.execute(
                    "INSERT OR IGNORE INTO campaign (kernel, params, seed) VALUES (?, ?, ?)",
                    (*key, new_seed if seed is None else seed),
                )
                row = database.execute(
                    "SELECT id, seed, next, unfinished, totals FROM campaign WHERE kernel = ? AND params = ?", key
                ).fetchone()
                names = database.execute("SELECT name FROM driver WHERE campaign = ?", (row[0],)).fetchall()
            except (sqlite3.Error, OSError) as error:
                raise StorageError(
                    f"{path}: cannot be used: {error}; move it away to start anew, or give another --out"
                ) from error
            if seed is not None and row[1] != seed:
                raise InputError(
                    f"{path}: holds a campaign on {kernel} with seed {row[1]}, not {seed}; "
                    f"leave --seed out to go on with it, or give another --out"
                )
            unused.pop_all()
        kept = {item.name for item in fields(CampaignTotals)}
        totals = CampaignTotals(**{name: value for name, value in json.loads(row[4]).items() if name in kept})
        return cls(
            directory,
            seed=row[1],
            next=row[2],
            unfinished=json.loads(row[3]),
            totals=totals,
            drivers={name for (name,) in names},
            database=database,
            id=row[0],
        )

    def save(self, next_index: int, unfinished: list[int]) -> None:
        """Write how far the campaign came, in one transaction: counts and indices never disagree."""
        self.next, self.unfinished = next_index, unfinished
        self._write(
            "UPDATE campaign SET next = ?, unfinished = ?, totals = ? WHERE id = ?",
            [(next_index, json.dumps(unfinished), json.dumps(asdict(self.totals)), self._id)],
        )

    def add_drivers(self, names: Iterable[str]) -> list[str]:
        """Note drivers that bound; returns those that never did before."""
        new = sorted(set(names) - self.drivers)
        if new:
            self.drivers.update(new)
            self._write("INSERT OR IGNORE INTO driver VALUES (?, ?)", [(self._id, name) for name in new])
        return new

    def skip(self, index: int, why: str) -> None:
        """Note a case that was given up."""
        self._write("INSERT OR REPLACE INTO skipped VALUES (?, ?, ?)", [(self._id, index, why)])

    def close(self) -> None:
        """Close the database."""
        self._database.close()

    def _write(self, statement: str, rows: list[tuple[object, ...]]) -> None:
        try:
            self._database.execute("BEGIN")
            self._database.executemany(statement, rows)
            self._database.execute("COMMIT")
        except sqlite3.Error as error:
            if self._database.in_transaction:
                self._database.execute("ROLLBACK")
            raise StorageError(
                f"{self.directory / CAMPAIGN_FILE}: cannot be written: {error}; "
                "free some space and run the same command again"
            ) from error
