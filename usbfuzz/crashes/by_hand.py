"""Bugs that a user has joined or parted: remembered in ``by-hand.toml``, which campaigns on the directory respect."""

from __future__ import annotations

import tomllib
from pathlib import Path

import tomlkit
from attrs import evolve, frozen

from usbfuzz.atomic import write_atomically
from usbfuzz.errors import InputError
from usbfuzz.triage import Report, same_driver

from .layout import BY_HAND_FILE

__all__ = ["ByHand", "Ruling"]

_MAX_BYTES = 4 << 20


@frozen
class Ruling:
    """Reports with this title and driver belong, or do not belong, to a bug."""

    bug: str  #: name of its directory
    title: str
    driver: str = ""  #: the guilty one; "": any

    def is_about(self, title: str, driver: str) -> bool:
        """Whether it speaks of a report with this title and guilty driver."""
        return self.title == title and same_driver(self.driver, driver)


@frozen
class ByHand:
    """What the user has decided for one directory of crashes."""

    together: tuple[Ruling, ...] = ()
    apart: tuple[Ruling, ...] = ()

    @classmethod
    def load(cls, directory: Path) -> ByHand:
        """The decisions for ``directory``, none when there is no file; raises InputError when it cannot be read."""
        path = directory / BY_HAND_FILE
        try:
            with path.open("rb") as file:
                table = tomllib.loads(file.read(_MAX_BYTES).decode())
            return cls(_rulings(table, "together"), _rulings(table, "apart"))
        except FileNotFoundError:
            return cls()
        except OSError as error:
            raise InputError(f"{path}: cannot be read: {error.strerror}; put it right or delete it") from error
        except (ValueError, TypeError) as error:
            raise InputError(f"{path}: is not what `usbfuzz crashes merge` writes: {error}; delete it") from error

    def save(self, directory: Path) -> None:
        """Write the decisions; raises OSError."""
        document = tomlkit.document()
        for name, rulings in (("together", self.together), ("apart", self.apart)):
            tables = tomlkit.aot()
            for ruling in rulings:
                table = tomlkit.table()
                table.update({"bug": ruling.bug, "title": ruling.title, "driver": ruling.driver})
                tables.append(table)
            if rulings:
                document[name] = tables
        write_atomically(directory / BY_HAND_FILE, tomlkit.dumps(document).encode())

    def merging(self, ruling: Ruling) -> ByHand:
        """With this ruling, and without those that said otherwise."""
        apart = tuple(other for other in self.apart if not other.is_about(ruling.title, ruling.driver))
        return evolve(self, together=(*self._others(ruling), ruling), apart=apart)

    def parting(self, ruling: Ruling) -> ByHand:
        """With this ruling, and without those that said otherwise."""
        return evolve(self, together=self._others(ruling), apart=(*self.apart, ruling))

    def _others(self, ruling: Ruling) -> tuple[Ruling, ...]:
        return tuple(other for other in self.together if not other.is_about(ruling.title, ruling.driver))

    def home_of(self, report: Report) -> str | None:
        """The directory of the bug that the user has said the report belongs to."""
        return next((ruling.bug for ruling in self.together if ruling.is_about(report.title, report.guilty)), None)

    def parted(self, bug: str, title: str, driver: str) -> bool:
        """Whether the user has said that such a report does not belong to ``bug``."""
        return any(ruling.bug == bug and ruling.is_about(title, driver) for ruling in self.apart)


def _rulings(table: dict[str, object], name: str) -> tuple[Ruling, ...]:
    rows = table.get(name, [])
    if not isinstance(rows, list):
        raise TypeError(f"{name} is no array of tables")
    return tuple(_ruling(row, name) for row in rows)


def _ruling(row: object, name: str) -> Ruling:
    words = [row.get(key, "") for key in ("bug", "title", "driver")] if isinstance(row, dict) else []
    if not words or not all(isinstance(word, str) for word in words) or not words[0] or not words[1]:
        raise ValueError(f"{name} needs bug and title")
    return Ruling(*words)
