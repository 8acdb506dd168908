"""``usbfuzz replay --schedules``: under which schedule a race is lost most often."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from attrs import evolve
from rich.markup import escape
from rich.table import Table

from usbfuzz.atomic import write_atomically
from usbfuzz.case import dumps
from usbfuzz.jobs.races.search import search

from .options import progress

if TYPE_CHECKING:
    from pathlib import Path

    from rich.console import Console

    from usbfuzz.case.model import Case
    from usbfuzz.jobs.races.search import Races, Tried

    from .guest import GuestOptions

__all__ = ["race"]

_SHOWN = 10  #: ways in the table
_MODE = 0o644  #: of the file that is kept


def race(
    console: Console, path: Path, case: Case, guest: GuestOptions, ways: int, times: int, keep: Path | None
) -> bool:
    """Search, print what was found, write the case with the best schedule to ``keep``; whether the bug was seen."""
    found = asyncio.run(_search(path, case, guest, ways, times))
    console.print(_table(found))
    for reason, count in found.impossible.items():
        console.print(escape(f"impossible, {count} of {ways}: {reason}"))
    for what, tried in (("as it is", found.as_is), ("best", found.best)):
        console.print(f"{what}: {tried.hits} of {tried.runs} on fresh guests; {escape(str(tried.way))}")
    if keep is not None:
        write_atomically(keep, dumps(kept(case, found.best)).encode(), _MODE)
        console.print(f"written to {escape(str(keep))}")
    return bool(found.as_is.hits or found.best.hits or any(tried.hits for tried in found.others))


def kept(case: Case, best: Tried) -> Case:
    """The case as it shows its bug most often, and how often that is on the kernel it was recorded on."""
    share = round(100 * best.hits / best.runs)
    rows = [evolve(row, reliability=max(share, 1)) if row.title and best.hits else row for row in case.expect]
    return evolve(best.way.of(case), expect=tuple(rows))


async def _search(path: Path, case: Case, guest: GuestOptions, ways: int, times: int) -> Races:
    config = await guest.prepare(case.recorded_kernel)
    progress(f"{path}: {ways} schedules on {config.kernel.name}")

    def tell(tried: Tried) -> None:
        progress(f"{tried.hits} of {tried.runs}: seed {tried.way.seed}, {tried.way}")

    return await search(case, config, ways, times, on_tried=tell, on_progress=progress)


def _table(found: Races) -> Table:
    grid = Table(title="schedules, those that show the bug most often first")
    for name in ("seed", "hits", "runs", "schedule", "reports"):
        grid.add_column(name, justify="left" if name in {"schedule", "reports"} else "right")
    for tried in sorted(found.others, key=lambda tried: -tried.share)[:_SHOWN]:
        titles = "\n".join(f"{count} x {title}" for title, count in tried.titles.most_common(3))
        grid.add_row(str(tried.way.seed), str(tried.hits), str(tried.runs), str(tried.way), escape(titles))
    return grid
