"""Crashes as a list for a terminal of 80 columns: bugs confirmed, bugs seen, and what is only evidence."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.text import Text

from usbfuzz.crashes.record import Crash, Standing

__all__ = ["crash_list", "standings"]

_HEADINGS = {
    Standing.CONFIRMED: "bugs confirmed",
    Standing.SEEN: "bugs seen, not reproduced yet",
    Standing.EVIDENCE: "evidence: not reproduced, and perhaps no bug of its own",
}
_MANIFESTATIONS = 5  #: of one bug that are listed
_INDENT = (
    4  #: columns before what is said of a crash; its directory's name has up to 79 characters, and stands further left
)


def standings(crashes: Iterable[Crash]) -> str:
    """How many there are of each standing: ``9 bugs confirmed, 2 seen, 4 evidence``."""
    counts = Counter(crash.standing for crash in crashes)
    confirmed, seen, evidence = (counts[standing] for standing in Standing)
    return f"{confirmed:,} bugs confirmed, {seen:,} seen, {evidence:,} evidence"


def crash_list(crashes: Iterable[Crash], fresh: Collection[str] = ()) -> RenderableType:
    """All crashes by their standing, in the order given; the directories in ``fresh`` are new."""
    rows = list(crashes)
    parts: list[RenderableType] = []
    for standing, heading in _HEADINGS.items():
        mine = [crash for crash in rows if crash.standing is standing]
        if mine:
            parts += [Text(""), Text(f"{heading} ({len(mine):,})", style="bold")]
            parts += [line for crash in mine for line in _lines(crash, new=crash.slug in fresh)]
    return Group(*parts)


def _lines(crash: Crash, *, new: bool) -> Iterator[RenderableType]:
    yield Text(crash.title, style="red" if new else "")
    yield _indented(" · ".join(_facts(crash)))
    if crash.doubt and crash.standing is Standing.EVIDENCE:
        yield _indented(crash.doubt)
    for row in crash.manifestations[:_MANIFESTATIONS]:
        yield _indented(f"also {row.title} ({row.count:,} x, {row.where})")
    if len(crash.manifestations) > _MANIFESTATIONS:
        yield _indented(f"and {len(crash.manifestations) - _MANIFESTATIONS:,} more")
    yield Text(f" {crash.slug}", style="dim", no_wrap=True, overflow="ignore")


def _indented(text: str) -> Padding:
    return Padding(Text(text, style="dim"), (0, 0, 0, _INDENT), expand=False)


def _facts(crash: Crash) -> Iterator[str]:
    yield crash.driver or "driver unknown"
    if crash.type:
        yield crash.type
    yield f"{crash.total:,} hits"
    yield f"reproduced {crash.reproduced} of {crash.runs}" if crash.runs else "not tried again"
    if crash.confirmed >= 0:
        yield f"in real time {crash.confirmed} of {crash.confirmations}"
    if crash.size:
        yield f"{crash.size:,} bytes"
    if len(crash.hits) > 1 or crash.kernel not in crash.hits:
        yield ", ".join(sorted(crash.hits))
    seen = [_minute(crash.first_seen), _minute(crash.last_seen)]
    yield " to ".join(dict.fromkeys(seen))


def _minute(stamp: str) -> str:
    """An ISO 8601 time, to the minute."""
    return stamp[:16].replace("T", " ")
