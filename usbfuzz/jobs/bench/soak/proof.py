"""What a campaign's directory held before a kill, and whether it still does."""

from __future__ import annotations

import contextlib
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from attrs import frozen

from usbfuzz.crashes.layout import CAMPAIGN_FILE
from usbfuzz.crashes.record import Crash
from usbfuzz.errors import InputError
from usbfuzz.jobs.audit.books import Books, read_books
from usbfuzz.jobs.audit.evidence import crashes_in

__all__ = ["Held", "cases_in", "held_in", "lost_since", "since_saved"]

_SAID = re.compile(r"^new crash: .* \((?P<path>[^()]+)\)$", re.MULTILINE)  #: what a campaign says when one is saved
_LOOKS, _PAUSE = 4, 0.3  #: a campaign that runs may move a crash directory while it is looked for: then again


@frozen
class Held:
    """What a directory holds at one moment."""

    books: dict[tuple[str, str], Books]  #: by kernel and parameters
    crashes: dict[str, Crash]
    said: frozenset[str]  #: crashes that the campaign has said to be saved

    def lost(self, before: Held) -> Iterator[str]:
        """What is not there, or is less, that was there ``before``, or was said to be."""
        for key, books in before.books.items():
            if key in self.books:
                yield from self.books[key].since(books)
            else:
                yield f"the books of the campaign on {key[0]} are gone"
        yield from (
            f"{slug}: was said to be saved, and is not there" for slug in sorted(self.said - self.crashes.keys())
        )
        for slug, crash in before.crashes.items():
            now = self.crashes.get(slug)
            if now is None:
                yield f"{slug}: was there, and is gone"
            elif crash.reproduced and not now.reproduced:
                yield f"{slug}: was reproduced, and now is not"
            elif any(now.hits.get(kernel, 0) < hits for kernel, hits in crash.hits.items()):
                yield f"{slug}: its hits went back from {crash.total} to {now.total}"


def held_in(directory: Path, log: Path) -> Held:
    """What is there now. Raises InputError when the books cannot be read."""
    said = _SAID.findall(log.read_text(encoding="utf-8", errors="replace"))  # first: what is said later may be read
    return Held(
        books={(books.kernel, books.params): books for books in read_books(directory / CAMPAIGN_FILE)},
        crashes=crashes_in(directory),
        said=frozenset(Path(path).name for path in said),
    )


def lost_since(before: Held, look: Callable[[], Held]) -> list[str]:
    """What is lost at each of several looks."""
    lost: list[str] = []
    for _ in range(_LOOKS):
        lost = list(look().lost(before))
        if not lost:
            break
        time.sleep(_PAUSE)
    return lost


def cases_in(directory: Path) -> int:
    """The cases that all campaigns of the directory have run, as far as is written; 0 of books that are no such yet."""
    with contextlib.suppress(InputError):
        return sum(books.cases for books in read_books(directory / CAMPAIGN_FILE))
    return 0


def since_saved(directory: Path) -> float:
    """Seconds since the books were written last."""
    return time.time() - max(path.stat().st_mtime for path in directory.glob(f"{CAMPAIGN_FILE}*"))
