"""``crash.toml``: what is known of a crash, and how a crash is found by its name."""

from __future__ import annotations

import hashlib
import re
import tomllib
from enum import Enum
from pathlib import Path

import tomlkit
from attrs import field, fields, frozen

from harness.guest.qemu import Timing
from usbfuzz.errors import InputError
from usbfuzz.triage import CrashType, Report, same_driver

from .layout import CASE_FILE, CRASH_FILE
from .manifestation import Manifestation, Where, from_tables, to_tables

__all__ = ["Crash", "How", "Standing", "find_crash", "read_crashes", "slug_of"]

_SLUG_CHARS = 70


def slug_of(title: str, driver: str = "") -> str:
    """Directory name for a bug: at most 79 safe characters.

    The last 8 are from the SHA-256 of the title, so that titles which differ only in other characters get other names;
    and of the guilty driver, where the title names a function that other drivers call as well.
    """
    words = re.sub(r"[^A-Za-z0-9_.]+", "-", title)[:_SLUG_CHARS].strip("-.") or "crash"
    named = f"{title}\n{driver}" if driver else title
    return f"{words}-{hashlib.sha256(named.encode()).hexdigest()[:8]}"


class How(Enum):
    """What it took to see a crash again; values are the words of crash.toml and report.txt."""

    ALONE = "one case alone"
    ROUND = "the whole round, side by side"
    HISTORY = "the rounds since the last restore"
    NOT = "not reproduced"


class Standing(Enum):
    """What a crash directory counts as; values are the words that people and programs read."""

    CONFIRMED = "confirmed"  #: a bug: its case showed it again
    SEEN = "seen"  #: a bug, not reproduced yet
    EVIDENCE = "evidence"  #: not reproduced, and perhaps no bug of its own: what corrupted memory led to


@frozen
class Crash:
    """What crash.toml says. ``hits`` counts the campaign's sightings by kernel."""

    slug: str  #: name of the crash directory; not in the file
    title: str
    alt_titles: tuple[str, ...]
    type: str
    driver: str
    kernel: str  #: the one that case.toml and console.log are from
    how: str  #: a value of :class:`How`; kept as text, so that words of other versions are shown and not lost
    reproduced: int  #: of ``runs`` on a fresh guest that showed it again
    runs: int
    attempts: int  #: how often attribution ran to its end
    first_seen: str  #: UTC, ISO 8601
    last_seen: str
    hits: dict[str, int] = field(factory=dict)
    #: How time passed in the guest it was seen in, a value of :class:`harness.guest.qemu.Timing`. Empty or ``real``
    #: (either of ``tcg`` and ``kvm``) in files of earlier versions.
    clock: str = ""
    confirmed: int = -1  #: of ``confirmations`` runs in real time that showed it; -1: not tried
    confirmations: int = 0
    guilty: str = ""  #: the driver to blame, part of the bug's identity; "": not known, it may be any
    #: Why the report may be no more than what corrupted memory led to; "": nothing says so.
    doubt: str = ""
    manifestations: tuple[Manifestation, ...] = ()  #: what else the same cause leads to, most often seen first
    size: int = 0  #: bytes of all descriptors and answers of case.toml; 0: not known
    suppressed: bool = False  #: its title is on the user's list: counted, never saved; not in the file

    @property
    def total(self) -> int:
        """Sightings on all kernels."""
        return sum(self.hits.values())

    @property
    def names(self) -> frozenset[str]:
        """All titles of the bug."""
        return frozenset((self.title, *self.alt_titles))

    @property
    def standing(self) -> Standing:
        """Whether this is a bug that was confirmed, one that was seen, or evidence of another."""
        if self.reproduced:
            return Standing.CONFIRMED
        return Standing.EVIDENCE if self.doubt else Standing.SEEN

    @property
    def report(self) -> Report:
        """The bug's report, as far as the record tells it."""
        kind = next((kind for kind in CrashType if kind.value == self.type), None)
        return Report(self.title, self.alt_titles, kind, guilty=self.guilty)

    @property
    def warped(self) -> bool:
        """It was seen in a guest whose clock skips idle time, and may not happen in real time."""
        return self.clock == Timing.WARP.value

    def is_bug_of(self, report: Report) -> bool:
        """The rule of :func:`usbfuzz.triage.same_bug`, for a crash read from disk."""
        return not report.names.isdisjoint(self.names) and same_driver(report.guilty, self.guilty)

    def claims(self, report: Report) -> bool:
        """Whether a report that stands alone is one of the bug's manifestations.

        Not where it was seen only after the bug, and no driver tells them apart: then it may have any cause.
        """
        return bool(report.guilty) and any(
            row.where == Where.OWN_RUNS.value and row.driver == report.guilty and row.is_of(report)
            for row in self.manifestations
        )

    def to_toml(self) -> str:
        """The text of crash.toml."""
        document = tomlkit.document()
        for known in fields(type(self)):
            if known.name not in ("slug", "suppressed", "manifestations"):
                value = getattr(self, known.name)
                document[known.name] = list(value) if isinstance(value, tuple) else value
        document = _tables_last(document)
        if self.manifestations:
            document["manifestation"] = to_tables(self.manifestations)
        return tomlkit.dumps(document)

    @classmethod
    def read(cls, directory: Path) -> Crash | None:
        """The crash in ``directory``, or None when it holds none that is whole. Keys of other versions are skipped."""
        try:
            table = tomllib.loads((directory / CRASH_FILE).read_text(encoding="utf-8"))
            known = {name: table[name] for name in _TYPES if name in table}
            if not (directory / CASE_FILE).is_file() or not all(_fits(name, known[name]) for name in known):
                return None
            known["alt_titles"] = tuple(known["alt_titles"])
            manifestations = from_tables(table.get("manifestation", []))
            return cls(slug=directory.name, manifestations=manifestations, **known)
        except (OSError, ValueError, KeyError, TypeError):
            return None


#: The keys of the file, and the type of each.
_TYPES: dict[str, type] = {
    **dict.fromkeys(("title", "type", "driver", "kernel", "how", "first_seen", "last_seen", "clock"), str),
    **dict.fromkeys(("guilty", "doubt"), str),
    **dict.fromkeys(("reproduced", "runs", "attempts", "confirmed", "confirmations", "size"), int),
    "alt_titles": list,
    "hits": dict,
}


def _fits(name: str, value: object) -> bool:
    if not isinstance(value, _TYPES[name]):
        return False
    if isinstance(value, list):
        return all(isinstance(title, str) for title in value)
    return not isinstance(value, dict) or all(isinstance(count, int) for count in value.values())


def _tables_last(document: tomlkit.TOMLDocument) -> tomlkit.TOMLDocument:
    """In TOML a key that follows a table's head belongs to that table."""
    hits = document.pop("hits")
    document["hits"] = hits
    return document


def read_crashes(directory: Path) -> dict[str, Crash]:
    """All crashes below ``directory``, by slug; raises InputError when there is no such directory."""
    try:
        paths = sorted(path for path in directory.iterdir() if path.is_dir() and not path.is_symlink())
    except OSError as error:
        raise InputError(
            f"{directory}: cannot be read: {error.strerror}; give the directory a campaign saved crashes in"
        ) from error
    found = {path.name: Crash.read(path) for path in paths}
    return {slug: crash for slug, crash in found.items() if crash is not None}


def find_crash(name: str, directory: Path) -> Path:
    """The crash directory meant by a path, a slug below ``directory``, or the beginning of one; raises InputError."""
    for path in (Path(name), directory / name):
        if Crash.read(path) is not None:
            return path
    slugs = [slug for slug in read_crashes(directory) if slug.startswith(name)]
    if len(slugs) == 1:
        return directory / slugs[0]
    if slugs:
        raise InputError(f"{name}: {len(slugs)} crashes in {directory} begin so: {', '.join(slugs)}")
    raise InputError(f"{name}: no such crash; `usbfuzz crashes {directory}` lists them")
