"""Titles that are counted and not saved: ``suppress.txt`` in a campaign's directory, or ``--suppress FILE``."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable
from pathlib import Path

from attrs import frozen

from usbfuzz.errors import InputError
from usbfuzz.reading import small_text

from .layout import SUPPRESSED_FILE

__all__ = ["Suppressions", "read_suppressed"]

_MAX_BYTES = 1 << 20  #: of a list; a larger file is some other file


@frozen
class Suppressions:
    """A list with one title or regular expression a line; empty lines and lines that begin with ``#`` are skipped.

    A title is on the list when a line is the same text, or is a regular expression that matches the whole title.
    """

    titles: frozenset[str] = frozenset()
    patterns: tuple[re.Pattern[str], ...] = ()

    @classmethod
    def load(cls, *paths: Path) -> Suppressions:
        """The lines of all files; raises InputError with file and line of what is no regular expression."""
        titles: set[str] = set()
        patterns = []
        for path in paths:
            listed = small_text(path, _MAX_BYTES, what="a list of titles in UTF-8")
            for number, line in enumerate(listed.splitlines(), 1):
                text = line.strip()
                if not text or text.startswith("#"):
                    continue
                titles.add(text)
                try:
                    patterns.append(re.compile(text))
                except re.error as error:
                    raise InputError(
                        f"{path}:{number}: not a regular expression: {error}; "
                        "put a backslash before what is meant literally"
                    ) from error
        return cls(frozenset(titles), tuple(patterns))

    def match(self, names: Iterable[str]) -> bool:
        """Whether one of a bug's titles is on the list."""
        return any(name in self.titles or any(pattern.fullmatch(name) for pattern in self.patterns) for name in names)


def read_suppressed(directory: Path) -> dict[str, dict[str, int]]:
    """Sightings of suppressed titles by title and kernel; none when the file is missing or broken."""
    try:
        table = tomllib.loads((directory / SUPPRESSED_FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    counts = {title: row for title, row in table.items() if isinstance(row, dict)}
    return {title: {kernel: n for kernel, n in row.items() if isinstance(n, int)} for title, row in counts.items()}
