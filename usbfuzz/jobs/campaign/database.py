"""``campaign.sqlite`` as a file: opened, asked, written in transactions; what goes wrong is one clear error."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from attrs import frozen

from usbfuzz.errors import StorageError

__all__ = ["Database", "Write", "open_to_read"]

#: A statement, and the rows it is run with.
Write = tuple[str, Sequence[tuple[object, ...]]]


@frozen
class Database:
    """A database that this process may write. Methods raise StorageError."""

    path: Path
    _connection: sqlite3.Connection

    @classmethod
    def open(cls, path: Path, schema: str) -> Database:
        """Open or make the file; tables that are not there are made."""
        try:
            connection = sqlite3.connect(path, isolation_level=None)
            try:
                connection.execute("PRAGMA journal_mode = WAL")
                connection.execute("PRAGMA synchronous = NORMAL")
                connection.executescript(schema)
            except BaseException:
                connection.close()
                raise
        except (sqlite3.Error, OSError) as error:
            raise _unusable(path, error) from error
        return cls(path, connection)

    def rows(self, question: str, *values: object) -> list[Any]:
        """What it answers, a tuple for each row."""
        try:
            return self._connection.execute(question, values).fetchall()
        except sqlite3.Error as error:
            raise _unusable(self.path, error) from error

    def write(self, *writes: Write) -> None:
        """Run all statements in one transaction: all of them count, or none."""
        database = self._connection
        try:
            database.execute("BEGIN")
            for statement, rows in writes:
                database.executemany(statement, rows)
            database.execute("COMMIT")
        except sqlite3.Error as error:
            if database.in_transaction:
                database.execute("ROLLBACK")
            raise StorageError(
                f"{self.path}: cannot be written: {error}; free some space and run the same command again"
            ) from error

    def close(self) -> None:
        """Close the file."""
        self._connection.close()


def open_to_read(path: Path) -> sqlite3.Connection:
    """The file, which a campaign may write; where not even the log of a killed one can be read along, as the file is.

    Raises sqlite3.Error.
    """
    quoted = path.resolve().as_uri()
    try:
        database = sqlite3.connect(f"{quoted}?mode=ro", uri=True, timeout=10)
        database.execute("SELECT name FROM sqlite_master").fetchall()
    except sqlite3.OperationalError:
        database = sqlite3.connect(f"{quoted}?mode=ro&immutable=1", uri=True)
    return database


def _unusable(path: Path, error: Exception) -> StorageError:
    return StorageError(f"{path}: cannot be used: {error}; move it away to start anew, or give another --out")
