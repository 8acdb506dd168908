"""All that a campaign's directory holds, looked through."""

from __future__ import annotations

from pathlib import Path

from attrs import frozen

from usbfuzz.atomic import UNFINISHED
from usbfuzz.coverage import COVERAGE
from usbfuzz.crashes.layout import CAMPAIGN_FILE, CORPUS, LESSONS, NO_CRASHES, REPORT_FILE
from usbfuzz.crashes.lock import DirectoryLock
from usbfuzz.errors import InputError

from .books import Books, read_books
from .evidence import crash_findings
from .reached import corpus_findings, coverage_findings, lesson_findings

__all__ = ["Audited", "audit"]


@frozen
class Audited:
    """What was looked through, and what is wrong with it."""

    books: tuple[Books, ...]
    crashes: int  #: directories
    corpus: int  #: cases
    unfinished: tuple[
        Path, ...
    ]  #: what was being written when a process was killed; the next campaign ends or removes it
    findings: tuple[str, ...]


def audit(directory: Path) -> Audited:
    """Look through a campaign's directory, which is locked meanwhile.

    Raises InputError when it is none, StorageError when a campaign runs there.
    """
    if not (directory / CAMPAIGN_FILE).is_file():
        raise InputError(f"{directory}: holds no {CAMPAIGN_FILE}; give what a campaign was told with --out")
    with DirectoryLock.acquire(directory):
        return _looked_through(directory)


def _looked_through(directory: Path) -> Audited:
    try:
        books, found = read_books(directory / CAMPAIGN_FILE), []
    except InputError as error:
        books, found = [], [str(error)]
    found += [finding for each in books for finding in each.findings()]
    paths = [path for path in sorted(directory.iterdir()) if path.is_dir() and path.name not in NO_CRASHES]
    crashes = [path for path in paths if not path.name.startswith(".")]
    found += crash_findings(crashes, books)
    corpus, wrong = corpus_findings(directory / CORPUS)
    found += wrong
    found += coverage_findings(directory / COVERAGE)
    found += lesson_findings(directory / LESSONS)
    textless = [path / REPORT_FILE for path in crashes if not (path / REPORT_FILE).exists()]
    unfinished = tuple(sorted((*directory.rglob(f"{UNFINISHED}*"), *textless)))
    return Audited(tuple(books), len(crashes), corpus, unfinished, tuple(found))
