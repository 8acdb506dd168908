"""The crash directories of a campaign: ``OUT/SLUG/`` with case.toml, console.log, crash.toml, and texts for people.

A directory appears whole, by one rename, or not at all. crash.toml is written last whenever files change, and makes
the directory a crash directory. The texts (report.txt, lsusb.txt, repro.py, repro.c, repro.syz, use.c) come after the
evidence, and can be made again from it: `usbfuzz crashes report`. A directory without them, as a campaign that was
killed just then leaves one, gets them when it is opened.
"""

from __future__ import annotations

import contextlib
from datetime import UTC, datetime
from pathlib import Path

import tomlkit
from attrs import define, evolve, field

from harness.guest.qemu import Timing
from usbfuzz.atomic import UNFINISHED, discard, write_atomically
from usbfuzz.case.model import Case, Expectation
from usbfuzz.case.parts import weight
from usbfuzz.errors import InputError
from usbfuzz.triage import Report

from .by_hand import ByHand
from .directory import evidence_files, overwrite, save_new, save_over, storage_error
from .evidence import Evidence
from .joining import join, listing_all
from .layout import CASE_FILE, CRASH_FILE, NO_CRASHES, ORIGINAL_FILE, REPORT_FILE, SUPPRESS_FILE, SUPPRESSED_FILE
from .manifestation import Manifestation, Where, added
from .minimized import Minimized, save_result
from .record import Crash, How, slug_of
from .saved import Renderer, write_texts
from .suppress import Suppressions, read_suppressed

__all__ = ["CrashStore"]


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


@define
class CrashStore:
    """All crashes below one directory, which the caller has locked. Methods that write raise StorageError.

    Evidence that cannot be written there is saved to a directory below $TMPDIR, which the error names. Titles on the
    list ``suppress`` are counted in ``suppressed``, not saved.
    """

    directory: Path
    kernel: str  #: name of the kernel the guests run
    timing: Timing  #: how time passes in them
    render: Renderer  #: makes the texts of a crash
    suppress: Suppressions = field(factory=Suppressions)
    crashes: dict[str, Crash] = field(factory=dict, init=False)
    suppressed: dict[str, Crash] = field(factory=dict, init=False)
    ignored: tuple[str, ...] = field(default=(), init=False)  #: directories that are not crash directories
    by_hand: ByHand = field(init=False)
    _dirty: set[str] = field(factory=set, init=False)
    _joined: dict[str, tuple[str, Crash]] = field(
        factory=dict, init=False
    )  #: since it was opened: old slug: bug, record

    @by_hand.default
    def _read_by_hand(self) -> ByHand:
        return ByHand.load(self.directory)

    @classmethod
    def open(
        cls, directory: Path, *, kernel: str, timing: Timing, render: Renderer, suppress: Path | None = None
    ) -> CrashStore:
        """The crashes in ``directory``, with its suppress.txt and a second list; raises InputError for a wrong file."""
        own = directory / SUPPRESS_FILE
        lists = [path for path in (own if own.exists() else None, suppress) if path is not None]
        return cls(directory, kernel=kernel, timing=timing, render=render, suppress=Suppressions.load(*lists))

    def __attrs_post_init__(self) -> None:
        ignored = []
        for path in sorted(self.directory.iterdir()):
            if path.name.startswith(UNFINISHED):
                discard(path)
            elif path.is_dir() and not path.is_symlink():
                crash = Crash.read(path)
                if crash is not None:
                    self.crashes[path.name] = listing_all(self.directory, crash)
                    for unfinished in path.glob(f"{UNFINISHED}*"):
                        discard(unfinished)
                    if not (path / REPORT_FILE).is_file():  # killed between evidence and texts
                        self._write_texts(path)
                elif path.name not in NO_CRASHES:
                    ignored.append(path.name)
        self.ignored = tuple(ignored)

    def find(self, report: Report) -> Crash | None:
        """The crash that ``report`` is another sighting of: best one of its very driver, or else one it may be of.

        It may be that by one of the crash's manifestations, or because the user has said so.
        """
        home = self.crashes.get(self.by_hand.home_of(report) or "")
        return (
            home
            or self._named(report)
            or next((crash for crash in self.crashes.values() if crash.claims(report)), None)
        )

    def _named(self, report: Report) -> Crash | None:
        known = [crash for crash in (*self.crashes.values(), *self.suppressed.values()) if crash.is_bug_of(report)]
        return next((crash for crash in known if crash.guilty == report.guilty), known[0] if known else None)

    def sighted(self, evidence: Evidence) -> tuple[Crash, bool]:
        """Save a new crash, or count a hit of a known one; the crash, and whether it is new to the directory."""
        if self.suppress.match(evidence.report.names):
            return self._suppress(evidence), False
        known = self.find(evidence.report)
        if known is not None and known.is_bug_of(evidence.report):
            self.hit(known.slug)
            return self._known(known.slug), False
        if known is not None:
            self.manifested(known.slug, Manifestation.of(evidence.report, Where.OWN_RUNS))
            return self.crashes[known.slug], False
        now = _now()
        crash = self._judged(evidence, slug=self._free_slug(evidence.report), first_seen=now, attempts=0)
        crash = evolve(crash, hits={self.kernel: 1}, last_seen=now)
        save_new(self.directory / crash.slug, self._files(crash, evidence), crash.title)
        return self._conclude(crash), True

    def hit(self, slug: str) -> None:
        """Count a sighting; written by :meth:`flush`."""
        if slug in self._joined:
            _, gone = self._joined[slug]
            self.manifested(slug, Manifestation(gone.title, gone.alt_titles, gone.guilty, 1, Where.OWN_RUNS.value))
            return
        crash = self._known(slug)
        hits = {**crash.hits, self.kernel: crash.hits.get(self.kernel, 0) + 1}
        known = self.suppressed if crash.suppressed else self.crashes
        known[slug] = evolve(crash, hits=hits, last_seen=_now())
        self._dirty.add(slug)

    def manifested(self, slug: str, manifestation: Manifestation) -> None:
        """Note what else the bug led to; written by :meth:`flush`. Of a suppressed bug it is not kept."""
        crash = self._known(slug)
        if not crash.suppressed:
            self.crashes[crash.slug] = evolve(crash, manifestations=added(crash.manifestations, manifestation))
            self._dirty.add(crash.slug)

    def join(self, slug: str, other: str, where: Where) -> None:
        """Make ``other`` a manifestation of the bug ``slug``, unless the user has parted them."""
        bug, gone = self.crashes[slug], self.crashes[other]
        if self.by_hand.parted(slug, gone.title, gone.guilty) or self.by_hand.parted(other, bug.title, bug.guilty):
            return
        try:
            bug = join(self.directory, bug, gone, where)
        except OSError as error:
            raise storage_error(self.directory / slug, error) from error
        del self.crashes[other]
        self._dirty.discard(other)
        self._joined[other] = (slug, gone)
        self._conclude(bug)

    def home_of(self, slug: str) -> str:
        """The directory of the bug that a directory was joined with; its own name when it was not."""
        return self._known(slug).slug

    def attributed(self, slug: str, evidence: Evidence) -> Crash:
        """Replace the evidence of ``slug`` when the new is better: a reproduced crash is never overwritten."""
        old = self._known(slug)
        if old.reproduced or old.suppressed or slug in self._joined:
            return old
        attempts = old.attempts + (evidence.runs > 0)
        new = self._judged(evidence, slug=slug, first_seen=old.first_seen, attempts=attempts)
        # The title stays that of the first sighting, as the directory's name does.
        names = {old.title, *old.alt_titles, *evidence.report.names} - {old.title}
        new = evolve(
            new,
            title=old.title,
            alt_titles=tuple(sorted(names)),
            guilty=new.guilty or old.guilty,
            doubt="" if new.reproduced else new.doubt or old.doubt,
            manifestations=old.manifestations,
            hits=old.hits,
            last_seen=old.last_seen,
        )
        save_over(self.directory / slug, self._files(new, evidence), new.title)
        return self._conclude(new)

    def minimized(
        self, slug: str, minimized: Minimized, console: str, capture: bytes = b"", coverage: str = ""
    ) -> Crash:
        """Make the small case the crash's own; the one it was found with stays as original.toml.

        ``console``, ``capture`` and ``coverage`` (both may be empty) are those of a run of the small case.
        """
        if slug in self._joined:
            return self._known(slug)
        old, directory = self.crashes[slug], self.directory / slug
        case = self._labelled(minimized.case, old)
        new = evolve(
            old,
            reproduced=minimized.hits,
            runs=minimized.runs,
            how=How.ALONE.value,
            kernel=self.kernel,
            clock=self.timing.value,
            size=weight(case),
        )
        try:
            if not (directory / ORIGINAL_FILE).exists():
                write_atomically(directory / ORIGINAL_FILE, (directory / CASE_FILE).read_bytes())
            overwrite(directory, evidence_files(case, console, capture, coverage))
            save_result(directory, evolve(minimized, case=case))
        except OSError as error:
            raise storage_error(directory, error) from error
        return self._conclude(new)

    def confirmed(self, slug: str, hits: int, runs: int) -> Crash:
        """Note how often real-time guests showed the crash: ``hits`` of ``runs``."""
        return self._conclude(evolve(self.crashes[slug], confirmed=hits, confirmations=runs))

    def flush(self) -> None:
        """Write the counts of crashes seen again."""
        for slug in sorted(self._dirty):
            path = self.directory / slug / CRASH_FILE
            raw = self._known(slug).to_toml().encode()
            if slug in self.suppressed:
                path, raw = self.directory / SUPPRESSED_FILE, self._tally()
            try:
                write_atomically(path, raw)
            except OSError as error:
                raise storage_error(path.parent, error) from error
        self._dirty.clear()

    def _known(self, slug: str) -> Crash:
        """The crash of a directory, or the bug that it was joined with."""
        while slug in self._joined:
            slug, _ = self._joined[slug]
        return self.crashes[slug] if slug in self.crashes else self.suppressed[slug]

    def _suppress(self, evidence: Evidence) -> Crash:
        """Count a crash whose title is on the user's list."""
        slug = slug_of(evidence.report.title)
        if slug not in self.suppressed:
            crash = self._judged(evidence, slug=slug, first_seen=_now(), attempts=0)
            hits = read_suppressed(self.directory).get(crash.title, {})
            self.suppressed[slug] = evolve(crash, suppressed=True, hits=hits)
        self.hit(slug)
        return self.suppressed[slug]

    def _tally(self) -> bytes:
        """The text of suppressed.toml: hits by title and kernel, those of earlier campaigns too."""
        hits = read_suppressed(self.directory) | {crash.title: crash.hits for crash in self.suppressed.values()}
        return tomlkit.dumps(dict(sorted(hits.items()))).encode()

    def _conclude(self, crash: Crash) -> Crash:
        """Write what changed about a crash, and its texts anew."""
        directory = self.directory / crash.slug
        try:
            write_atomically(directory / CRASH_FILE, crash.to_toml().encode())
            self.crashes[crash.slug] = crash
            self._dirty.discard(crash.slug)
        except OSError as error:
            raise storage_error(directory, error) from error
        self._write_texts(directory)
        return crash

    def _write_texts(self, directory: Path) -> None:
        try:
            with contextlib.suppress(InputError):  # the evidence is saved; texts of a broken case are not needed
                write_texts(directory, self.render)
        except OSError as error:
            raise storage_error(directory, error) from error

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
            clock=self.timing.value,
            guilty=report.guilty,
            doubt=evidence.doubt,
            size=weight(evidence.case),
        )

    def _labelled(self, case: Case, crash: Crash) -> Case:
        """The case as a file that says what it does."""
        return evolve(case, title=crash.title, expect=(Expectation(self.kernel, crash.title, crash.alt_titles),))

    def _files(self, crash: Crash, evidence: Evidence) -> dict[str, bytes]:
        """Name and content of each file that holds evidence, crash.toml last."""
        case = self._labelled(evidence.case, crash)
        files = evidence_files(case, evidence.console, evidence.capture, evidence.coverage)
        return {**files, CRASH_FILE: crash.to_toml().encode()}

    def _free_slug(self, report: Report) -> str:
        """The bug's slug; numbered when a directory that is not a crash directory, or not whole, has that name."""
        own = (report.module or "").replace("-", "_") == report.guilty
        slug = named = slug_of(report.title, "" if own else report.guilty)
        number = 1
        while (self.directory / slug).exists():
            number += 1
            slug = f"{named}-{number}"
        return slug
