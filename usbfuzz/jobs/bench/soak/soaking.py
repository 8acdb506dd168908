"""A campaign runs its time, and is looked at."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

from attrs import frozen

from usbfuzz.crashes.layout import CAMPAIGN_FILE
from usbfuzz.errors import InputError
from usbfuzz.jobs.audit import Audited, audit
from usbfuzz.jobs.page.words import span

from .child import Child
from .looks import Row, Seen, glance, journal_of, line_of, read_glances, rows, size_of
from .plan import Wanted
from .proof import cases_in

__all__ = ["Course", "soak"]

_LOOKS = 800  #: of a soak
_SHORTEST, _LONGEST = 1.0, 30.0  #: seconds between two looks
_LEAST = 1.0  #: seconds that are worth going on for
_SAY_EVERY = 60.0  #: seconds between two lines about how far it is


@frozen
class Course:
    """How the soak went."""

    seconds: float
    rows: tuple[Row, ...]
    seen: Seen
    audited: Audited
    findings: tuple[str, ...]


def soak(wanted: Wanted, on_progress: Callable[[str], None]) -> Course:
    """Have the campaign what is left of its time. Raises InputError, InfraError, StorageError."""
    journal = journal_of(wanted)
    seen = read_glances(journal)
    if seen is None and wanted.looks.exists():
        raise InputError(f"{wanted.looks}: is of other campaigns; give another --out")
    had, last = (seen.end - seen.begin, seen.last) if seen is not None else (0.0, 0.0)
    remains: list[str] = []
    if wanted.seconds - had >= _LEAST:
        child = Child(wanted, wanted.soaked, wanted.out / "soak.log")
        journal.open(new=seen is None)
        try:
            child.start(wanted.seconds - had)
            for line in _looks(child, wanted.seconds, last, on_progress):
                journal.append(line)
            child.ended_well()
        finally:
            journal.close(done=False)
            child.stop()
            remains = list(child.remains())
        seen = read_glances(journal)
    assert seen is not None
    audited = audit(wanted.soaked)
    found = tuple(rows(seen))
    unfinished = [f"{path}: is left half written" for path in audited.unfinished]
    findings = (*remains, *(finding for row in found for finding in row.findings), *audited.findings, *unfinished)
    return Course(seen.end - seen.begin, found, seen, audited, findings)


def _looks(
    child: Child, seconds: float, last: float, on_progress: Callable[[str], None]
) -> Iterator[dict[str, object]]:
    """A line for each look, until the campaign has ended."""
    pause = min(max(seconds / _LOOKS, _SHORTEST), _LONGEST)
    started = told = time.monotonic()
    while child.running:
        now = time.monotonic()
        seen = [found for member in child.members() if (found := glance(member)) is not None]
        sizes = {
            "directory": size_of(child.directory),
            CAMPAIGN_FILE: sum(map(size_of, child.directory.glob(f"{CAMPAIGN_FILE}*"))),
            "run directories": size_of(child.temporary),
        }
        yield line_of(last + now - started, seen, cases_in(child.directory), sizes)
        if now - told >= _SAY_EVERY:
            told = now
            on_progress(f"{span(last + now - started)} since it was begun, of {span(seconds)} in its guests")
        time.sleep(max(0.0, pause - (time.monotonic() - now)))
