"""The crash directories: ``OUT/SLUG/`` with case.toml, console.log, report.txt and crash.toml.

A directory appears whole, by one rename, or not at all. crash.toml is written last whenever files change, and makes
the directory a crash directory.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import tempfile
import tomllib
from datetime import UTC, datetime
from pathlib import Path

import tomlkit
from attrs import define, evolve, field, frozen

from usbfuzz.case import dumps
from usbfuzz.case.model import Case, Expectation
from usbfuzz.errors import StorageError
from usbfuzz.triage import Report

from .messages import How
from .report import render_report

__all__ = ["Crash", "CrashStore", "Evidence", "slug_of"]

_SLUG_CHARS = 70
_DRIVERS = 3  #: named at most, besides the one of the report
_META = "crash.toml"
_CASE = "case.toml"
_SAVING = ".saving-"


def slug_of(title: str) -> str:
    """Directory name for ``title``: at most 79 safe characters, the last 8 of its SHA-256: no two titles meet."""
    words = re.sub(r"[^A-Za-z0-9_.]+", "-", title)[:_SLUG_CHARS].strip("-.") or "crash"
    return f"{words}-{hashlib.sha256(title.encode()).hexdigest()[:8]}"


@frozen
class Evidence:
    """A report, the input behind it, and how sure that is."""

    report: Report
    case: Case
    console: str
    drivers: tuple[str, ...]
    how: How = How.NOT
    hits: int = 0  #: of ``runs`` on a fresh guest that showed the bug again
    runs: int = 0

    @property
    def driver(self) -> str:
        """The drivers to blame as far as one can tell: the report's module, then what bound (a few of them)."""
        names = [self.report.module or "", *self.drivers[:_DRIVERS]]
        return ", ".join(dict.fromkeys(name.replace("-", "_") for name in names if name))


@frozen
class Crash:
    """What crash.toml says. ``hits`` counts the campaign's sightings by kernel."""

    slug: str
    title: str
    alt_titles: tuple[str, ...]
    type: str
    driver: str
    kernel: str  #: the one of case.toml and console.log
    how: str
    reproduced: int
    runs: int
    attempts: int  #: times attribution was tried to its end
    first_seen: str  #: UTC, ISO 8601
    last_seen: str
    hits: dict[str, int] = field(factory=dict)

    @property
    def total(self) -> int:
        """Sightings on all kernels."""
        return sum(self.hits.values())

    def is_bug_of(self, report: Report) -> bool:
        """The rule of :func:`usbfuzz.triage.same_bug`, for a crash read from disk."""
        return not report.names.isdisjoint((self.title, *self.alt_titles))

    def to_toml(self) -> str:
        """The text of crash.toml."""
        document = tomlkit.document()
        for name in ("title", "alt_titles", "type", "driver", "kernel", "how", "reproduced", "runs", "attempts"):
            value = getattr(self, name)
            document[name] = list(value) if isinstance(value, tuple) else value
        document["first_seen"], document["last_seen"] = self.first_seen, self.last_seen
        document["hits"] = self.hits
        return tomlkit.dumps(document)

    @classmethod
    def read(cls, directory: Path) -> Crash | None:
        """The crash in ``directory``, or None when it holds none that is whole."""
        try:
            table = tomllib.loads((directory / _META).read_text())
            alt_titles, hits = tuple(table.pop("alt_titles")), dict(table.pop("hits"))
            whole = (directory / _CASE).is_file()
            return cls(slug=directory.name, alt_titles=alt_titles, hits=hits, **table) if whole else None
        except (OSError, ValueError, KeyError, TypeError):
            return None


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


@define
class CrashStore:
    """All crashes below one directory, which the caller has locked. Methods that write raise StorageError.

    Evidence that cannot be written there is written to a directory below $TMPDIR, which the error names.
    """

    directory: Path
    kernel: str  #: name of the kernel the campaign runs on
    warped: bool  #: the guest's clock is not the wall's
    crashes: dict[str, Crash] = field(factory=dict, init=False)
    ignored: tuple[str, ...] = field(default=(), init=False)  #: directories that are not crash directories
    _dirty: set[str] = field(factory=set, init=False)

    def __attrs_post_init__(self) -> None:
        ignored = []
        for path in sorted(self.directory.iterdir()):
            if path.name.startswith(_SAVING):
                shutil.rmtree(path, ignore_errors=True)
            elif path.is_dir():
                crash = Crash.read(path)
                if crash is None:
                    ignored.append(path.name)
                else:
                    self.crashes[path.name] = crash
                    for unfinished in path.glob(f"{_SAVING}*"):
                        unfinished.unlink(missing_ok=True)
        self.ignored = tuple(ignored)

    def find(self, report: Report) -> Crash | None:
        """The crash that ``report`` is another sighting of."""
        return next((crash for crash in self.crashes.values() if crash.is_bug_of(report)), None)

    def sighted(self, evidence: Evidence) -> tuple[Crash, bool]:
        """Save a new crash, or count a hit of a known one; the crash, and whether it is new."""
        known = self.find(evidence.report)
        if known is not None:
            self.hit(known.slug)
            return self.crashes[known.slug], False
        now = _now()
        crash = self._judged(evidence, slug=self._free_slug(evidence.report.title), first_seen=now, attempts=0)
        crash = evolve(crash, hits={self.kernel: 1}, last_seen=now)
        self._write_new(crash, evidence)
        self.crashes[crash.slug] = crash
        return crash, True

    def hit(self, slug: str) -> None:
        """Count a sighting; written by :meth:`flush`."""
        crash = self.crashes[slug]
        hits = {**crash.hits, self.kernel: crash.hits.get(self.kernel, 0) + 1}
        self.crashes[slug] = evolve(crash, hits=hits, last_seen=_now())
        self._dirty.add(slug)

    def attributed(self, slug: str, evidence: Evidence) -> Crash:
        """Replace the evidence of ``slug`` when the new is better: a reproduced crash is never overwritten."""
        old = self.crashes[slug]
        if old.reproduced:
            return old
        attempts = old.attempts + (evidence.runs > 0)
        new = self._judged(evidence, slug=slug, first_seen=old.first_seen, attempts=attempts)
        # The title stays that of the first sighting, as the directory's name does.
        names = {old.title, *old.alt_titles, *evidence.report.names} - {old.title}
        new = evolve(new, title=old.title, alt_titles=tuple(sorted(names)), hits=old.hits, last_seen=old.last_seen)
        self._replace(new, evidence)
        self.crashes[slug] = new
        return new

    def flush(self) -> None:
        """Write the counts of crashes seen again."""
        for slug in sorted(self._dirty):
            try:
                _write(self.directory / slug / _META, self.crashes[slug].to_toml())
            except OSError as error:
                raise _trouble(self.directory / slug, error) from error
        self._dirty.clear()

    def _judged(self, evidence: Evidence, *, slug: str, first_seen: str, attempts: int) -> Crash:
        report = evidence.report
        return Crash(
            slug=slug,
            title=report.title,
            alt_titles=report.alt_titles,
            type="" if report.type is None else str(report.type),
            driver=evidence.driver,
            kernel=self.kernel,
            how=evidence.how.value,
            reproduced=evidence.hits,
            runs=evidence.runs,
            attempts=attempts,
            first_seen=first_seen,
            last_seen=first_seen,
        )

    def _files(self, crash: Crash, evidence: Evidence) -> dict[str, str]:
        """Name and text of each file, crash.toml last."""
        case = evolve(
            evidence.case, title=crash.title, expect=(Expectation(self.kernel, crash.title, tuple(crash.alt_titles)),)
        )
        return {
            _CASE: dumps(case),
            "console.log": evidence.console,
            "report.txt": render_report(crash.title, evidence, self.directory / crash.slug, self.kernel, self.warped),
            _META: crash.to_toml(),
        }

    def _free_slug(self, title: str) -> str:
        """The title's slug; numbered when a directory that is not ours, or not whole, has that name."""
        slug, number = slug_of(title), 1
        while (self.directory / slug).exists():
            number += 1
            slug = f"{slug_of(title)}-{number}"
        return slug

    def _write_new(self, crash: Crash, evidence: Evidence) -> None:
        final, saving = self.directory / crash.slug, self.directory / f"{_SAVING}{crash.slug}"
        try:
            shutil.rmtree(saving, ignore_errors=True)
            saving.mkdir()
            for name, text in self._files(crash, evidence).items():
                _write_synced(saving / name, text)
            _sync_directory(saving)
            saving.rename(final)
            _sync_directory(self.directory)
        except OSError as error:
            shutil.rmtree(saving, ignore_errors=True)
            raise self._rescued(crash, evidence, error) from error

    def _replace(self, crash: Crash, evidence: Evidence) -> None:
        try:
            for name, text in self._files(crash, evidence).items():
                _write(self.directory / crash.slug / name, text)
        except OSError as error:
            raise self._rescued(crash, evidence, error) from error

    def _rescued(self, crash: Crash, evidence: Evidence, error: OSError) -> StorageError:
        """Save the evidence elsewhere; the error that says what happened and where it is now."""
        trouble = _trouble(self.directory / crash.slug, error)
        try:
            refuge = Path(tempfile.mkdtemp(prefix="usbfuzz-rescued-"), crash.slug)
            refuge.mkdir()
            for name, text in self._files(crash, evidence).items():
                _write_synced(refuge / name, text)
        except OSError as second:
            return StorageError(f"{trouble}; {crash.title!r} is lost: {second.filename}: {second.strerror}")
        return StorageError(f"{trouble}; {crash.title!r} was saved to {refuge} instead")


def _trouble(path: Path, error: OSError) -> StorageError:
    return StorageError(f"{path}: cannot be written: {error.strerror}; free some space and run the same command again")


def _write(path: Path, text: str) -> None:
    """Replace a file as a whole."""
    saving = path.with_name(f"{_SAVING}{path.name}")
    try:
        _write_synced(saving, text)
        saving.replace(path)
    except OSError:
        saving.unlink(missing_ok=True)
        raise
    _sync_directory(path.parent)


def _write_synced(path: Path, text: str) -> None:
    with path.open("wb") as file:
        file.write(text.encode("utf-8", "replace"))
        file.flush()
        os.fsync(file.fileno())


def _sync_directory(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
