"""``campaign.sqlite``: what a campaign must remember to go on after kill -9."""

from __future__ import annotations

import json
from pathlib import Path

from attrs import asdict, define, field, fields

from usbfuzz.crashes.layout import CAMPAIGN_FILE
from usbfuzz.errors import InputError

from .database import Database
from .history import HISTORY_SCHEMA, History
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

    seed: int
    next: int
    unfinished: list[int]
    totals: CampaignTotals
    drivers: set[str]
    history: History
    _database: Database
    _id: int
    _skipped: list[tuple[int, str]] = field(factory=list, init=False)  #: given up since the last transaction

    @classmethod
    def open(
        cls, directory: Path, *, kernel: str, params: tuple[str, ...], seed: int | None, new_seed: int
    ) -> CampaignState:
        """Go on with the directory's campaign on ``kernel`` with ``params``, or start one with ``seed or new_seed``.

        The directory must be locked. Raises InputError when ``seed`` is not the one the campaign began with.
        """
        database = Database.open(directory / CAMPAIGN_FILE, _SCHEMA + HISTORY_SCHEMA)
        try:
            return cls._read(database, (kernel, json.dumps(params)), seed, new_seed)
        except BaseException:
            database.close()
            raise

    @classmethod
    def _read(cls, database: Database, key: tuple[str, str], seed: int | None, new_seed: int) -> CampaignState:
        begun = new_seed if seed is None else seed
        database.write(("INSERT OR IGNORE INTO campaign (kernel, params, seed) VALUES (?, ?, ?)", [(*key, begun)]))
        row = database.rows(
            "SELECT id, seed, next, unfinished, totals FROM campaign WHERE kernel = ? AND params = ?", *key
        )[0]
        if seed is not None and row[1] != seed:
            raise InputError(
                f"{database.path}: holds a campaign on {key[0]} with seed {row[1]}, not {seed}; "
                f"leave --seed out to go on with it, or give another --out"
            )
        kept = {item.name for item in fields(CampaignTotals)}
        return cls(
            seed=row[1],
            next=row[2],
            unfinished=json.loads(row[3]),
            totals=CampaignTotals(**{name: value for name, value in json.loads(row[4]).items() if name in kept}),
            drivers={name for (name,) in database.rows("SELECT name FROM driver WHERE campaign = ?", row[0])},
            history=History.open(database, row[0]),
            database=database,
            id=row[0],
        )

    def save(self, next_index: int, unfinished: list[int]) -> None:
        """Write how far the campaign came, in one transaction: counts and indices never disagree."""
        self.next, self.unfinished = next_index, unfinished
        self._database.write(
            (
                "UPDATE campaign SET next = ?, unfinished = ?, totals = ? WHERE id = ?",
                [(next_index, json.dumps(unfinished), json.dumps(asdict(self.totals)), self._id)],
            ),
            ("INSERT OR REPLACE INTO skipped VALUES (?, ?, ?)", [(self._id, *row) for row in self._skipped]),
            *self.history.news(),
        )
        self._skipped.clear()

    def round_done(self, done: RoundDone, wall: float) -> list[str]:
        """Count what drivers did in a round that ended ``wall`` seconds into the run; returns those that are new."""
        self.history.round_done(done, wall)
        new = sorted({bound.driver for bound in done.drivers} - self.drivers)
        if new:
            self.drivers.update(new)
            self._database.write(("INSERT OR IGNORE INTO driver VALUES (?, ?)", [(self._id, name) for name in new]))
        return new

    def skip(self, index: int, why: str) -> None:
        """Note a case that was given up; written with the indices, of which it then is none that is to be run."""
        self._skipped.append((index, why))

    def close(self) -> None:
        """Close the database."""
        self._database.close()
