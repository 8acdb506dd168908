"""How a campaign went, kept in ``campaign.sqlite``: samples over time, its runs, what drivers and sources did.

Nothing here is needed to go on with a campaign; the page of a campaign is made from it (:mod:`usbfuzz.jobs.page`). All
seconds go on over the runs of a campaign: a run that was killed loses what came after its last sample.
"""

from __future__ import annotations

import json
from collections import Counter
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from attrs import asdict, define, field, frozen

from usbfuzz import __version__

from .messages import LaneState

if TYPE_CHECKING:
    from usbfuzz.triage import Report

    from .database import Database, Write
    from .messages import RoundDone

__all__ = ["HISTORY_SCHEMA", "History", "Now"]

HISTORY_SCHEMA = """
CREATE TABLE IF NOT EXISTS run (
    id INTEGER PRIMARY KEY,
    campaign INTEGER NOT NULL,
    version TEXT NOT NULL,          -- of usbfuzz
    started TEXT NOT NULL,          -- UTC, ISO 8601
    ended TEXT,                     -- the same; NULL: it still runs, or was killed
    wall REAL NOT NULL,             -- seconds of the campaign's earlier runs
    facts TEXT NOT NULL             -- what it ran on and with, JSON object
);
CREATE TABLE IF NOT EXISTS sample (
    campaign INTEGER NOT NULL,
    wall REAL NOT NULL,             -- seconds since the first round, runs added up
    guest REAL NOT NULL,            -- seconds that passed in guests while rounds ran, lanes added up
    devices INTEGER NOT NULL,
    cases INTEGER NOT NULL,
    drivers INTEGER NOT NULL,       -- that have bound
    blocks INTEGER,                 -- of code reached, as of the last look; NULL: not known
    bugs INTEGER NOT NULL,          -- reproduced
    seen INTEGER NOT NULL,          -- crashes, reproduced or not
    lanes TEXT NOT NULL,            -- seconds in each state, JSON object
    PRIMARY KEY (campaign, wall)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS bound (
    campaign INTEGER NOT NULL,
    driver TEXT NOT NULL,
    module TEXT NOT NULL,           -- '': not known
    times INTEGER NOT NULL,
    wall REAL NOT NULL,             -- seconds when it bound first
    cases INTEGER NOT NULL,         -- and how many had run then
    PRIMARY KEY (campaign, driver)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS gave_up (
    campaign INTEGER NOT NULL,
    module TEXT NOT NULL,
    at TEXT NOT NULL,               -- the last request, in words; '': it made none
    times INTEGER NOT NULL,
    PRIMARY KEY (campaign, module, at)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS sighting (
    campaign INTEGER NOT NULL,
    title TEXT NOT NULL,            -- of a report, whatever crash directory it came into
    guilty TEXT NOT NULL,           -- the driver to blame; '': not known
    alt_titles TEXT NOT NULL,       -- JSON list
    wall REAL NOT NULL,             -- seconds when it was seen first
    cases INTEGER NOT NULL,         -- and how many had run then
    PRIMARY KEY (campaign, title, guilty)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS source (
    campaign INTEGER NOT NULL,
    name TEXT NOT NULL,             -- of the strategy
    cases INTEGER NOT NULL,
    PRIMARY KEY (campaign, name)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS yield (
    campaign INTEGER NOT NULL,
    source TEXT NOT NULL,           -- a value of usbfuzz.jobs.engine.plan.Source
    cases INTEGER NOT NULL,
    seconds REAL NOT NULL,          -- of lanes
    blocks INTEGER NOT NULL,        -- of code, that no case of the corpus had reached
    bugs INTEGER NOT NULL,          -- whose case is one of its cases
    PRIMARY KEY (campaign, source)
) WITHOUT ROWID;
"""

#: Seconds between samples: the first hour and a half has one every five seconds, and each later one a thousandth more.
_INTERVAL, _GROWTH = 5.0, 0.001
_PLACES = 64  #: requests kept of one module; a guest may make up any
_OTHER = "other requests"
_SIGHTINGS = 4096  #: different reports that are kept; a guest may print any


#: A source, its cases, the seconds of lanes that they took, the blocks and the bugs that they brought.
Yield = tuple[str, int, float, int, int]


def _stamp() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


@frozen
class Now:
    """The figures of a campaign at one moment of a run."""

    wall: float  #: seconds since the run's first round
    devices: int
    cases: int
    drivers: int
    blocks: int | None
    bugs: int
    seen: int
    lanes: dict[LaneState, float]  #: seconds of this run in each state


@define
class _Driver:
    module: str
    times: int
    wall: float
    cases: int


@define
class History:
    """Collects what happened; :meth:`news` is what the next transaction must write of it."""

    _database: Database
    _campaign: int
    _wall: float = 0.0  #: seconds of earlier runs
    _guest: float = 0.0
    _lanes: dict[str, float] = field(factory=dict)
    _bound: dict[str, _Driver] = field(factory=dict)
    _gave_up: Counter[tuple[str, str]] = field(factory=Counter)
    _sources: Counter[str] = field(factory=Counter)
    _cases: int = 0
    _sightings: set[tuple[str, str]] = field(factory=set)  #: title and driver to blame of the reports seen
    _run: int = field(default=0, init=False)
    _sampled: float = field(default=-_INTERVAL, init=False)  #: seconds of this run at the last sample
    _dirty: set[tuple[str, ...]] = field(factory=set, init=False)  #: table and key of each row that changed

    @classmethod
    def open(cls, database: Database, campaign: int) -> History:
        """What is known of the campaign so far. Raises StorageError."""
        last = database.rows(
            "SELECT wall, guest, cases, lanes FROM sample WHERE campaign = ? ORDER BY wall DESC LIMIT 1", campaign
        )
        wall, guest, cases, lanes = last[0] if last else (0.0, 0.0, 0, "{}")
        bound = database.rows("SELECT driver, module, times, wall, cases FROM bound WHERE campaign = ?", campaign)
        gave_up = database.rows("SELECT module, at, times FROM gave_up WHERE campaign = ?", campaign)
        sources = database.rows("SELECT name, cases FROM source WHERE campaign = ?", campaign)
        sightings = database.rows("SELECT title, guilty FROM sighting WHERE campaign = ?", campaign)
        return cls(
            database,
            campaign,
            wall=wall,
            guest=guest,
            lanes=json.loads(lanes),
            bound={driver: _Driver(*values) for driver, *values in bound},
            gave_up=Counter({(module, at): times for module, at, times in gave_up}),
            sources=Counter(dict(sources)),
            cases=cases,
            sightings=set(sightings),
        )

    def last_facts(self) -> dict[str, Any]:
        """What the run before ran on and with; nothing when there was none. Raises StorageError."""
        question = "SELECT facts FROM run WHERE campaign = ? ORDER BY id DESC LIMIT 1"
        found = self._database.rows(question, self._campaign)
        facts = json.loads(found[0][0]) if found else {}
        return facts if isinstance(facts, dict) else {}

    def begin(self, facts: dict[str, Any]) -> None:
        """A run begins, with what it runs on. Raises StorageError."""
        self._database.write(
            (
                "INSERT INTO run (campaign, version, started, wall, facts) VALUES (?, ?, ?, ?, ?)",
                [(self._campaign, __version__, _stamp(), self._wall, json.dumps(facts))],
            )
        )
        self._run = self._database.rows("SELECT max(id) FROM run WHERE campaign = ?", self._campaign)[0][0]

    def end(self) -> None:
        """The run ends as it should. Raises StorageError."""
        self._database.write(("UPDATE run SET ended = ? WHERE id = ?", [(_stamp(), self._run)]))

    def round_done(self, done: RoundDone, wall: float) -> None:
        """Count what a round did that ended ``wall`` seconds into the run."""
        self._cases += len(done.indices)
        self._guest += done.guest_seconds
        for bound in done.drivers:
            known = self._bound.setdefault(
                bound.driver, _Driver(bound.module, 0, round(self._wall + wall, 1), self._cases)
            )
            known.module = known.module or bound.module
            known.times += bound.times
            self._dirty.add(("bound", bound.driver))
        for gave_up in done.gave_up:
            at = gave_up.at if self._room(gave_up.module, gave_up.at) else _OTHER
            self._gave_up[gave_up.module, at] += gave_up.times
            self._dirty.add(("gave_up", gave_up.module, at))
        self._sources.update(done.sources)
        self._dirty.update(("source", name) for name in done.sources)

    def sighted(self, report: Report, wall: float) -> None:
        """Keep when a report was seen first, ``wall`` seconds into the run. Raises StorageError."""
        key = (report.title, report.guilty)
        if key in self._sightings or len(self._sightings) >= _SIGHTINGS:
            return
        self._sightings.add(key)
        row = (self._campaign, *key, json.dumps(report.alt_titles), round(self._wall + wall, 1), self._cases)
        self._database.write(("INSERT OR IGNORE INTO sighting VALUES (?, ?, ?, ?, ?, ?)", [row]))

    def sample(self, now: Now, *, last: bool = False) -> None:
        """Keep the figures, if it is time; ``last``: in any case. Raises StorageError."""
        if not last and now.wall < self._sampled + _INTERVAL + _GROWTH * (self._wall + now.wall):
            return
        self._sampled = now.wall
        lanes = Counter(self._lanes)
        lanes.update({state.value: round(seconds, 1) for state, seconds in now.lanes.items()})
        figures = (now.devices, now.cases, now.drivers, now.blocks, now.bugs, now.seen, json.dumps(lanes))
        row = (self._campaign, round(self._wall + now.wall, 1), round(self._guest, 1), *figures)
        self._database.write(("INSERT OR REPLACE INTO sample VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", [row]))

    def yielded(self, *yields: Yield) -> None:
        """What sources of cases took and brought, over all runs. Raises StorageError."""
        rows = [(self._campaign, source, cases, round(seconds, 1), *rest) for source, cases, seconds, *rest in yields]
        self._database.write(("INSERT OR REPLACE INTO yield VALUES (?, ?, ?, ?, ?, ?)", rows))

    def yields(self) -> list[Yield]:
        """What was kept so."""
        return self._database.rows(
            "SELECT source, cases, seconds, blocks, bugs FROM yield WHERE campaign = ?", self._campaign
        )

    def news(self) -> list[Write]:
        """What is to be written of the counts that changed since the last call."""
        rows: dict[str, list[tuple[object, ...]]] = {"bound": [], "gave_up": [], "source": []}
        for table, *key in sorted(self._dirty):
            rows[table].append((self._campaign, *key, *self._values(table, tuple(key))))
        self._dirty.clear()
        return [
            (f"INSERT OR REPLACE INTO {table} VALUES (?{', ?' * (len(found[0]) - 1)})", found)  # noqa: S608 - our names
            for table, found in rows.items()
            if found
        ]

    def _values(self, table: str, key: tuple[str, ...]) -> tuple[object, ...]:
        if table == "bound":
            return tuple(asdict(self._bound[key[0]]).values())
        return (self._gave_up[key[0], key[1]],) if table == "gave_up" else (self._sources[key[0]],)

    def _room(self, module: str, at: str) -> bool:
        """Whether another place where the module gives up is kept apart."""
        return (module, at) in self._gave_up or sum(known == module for known, _ in self._gave_up) < _PLACES
