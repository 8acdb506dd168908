"""``usbfuzz stress``: sweeps of some devices on one kernel, one after another, into one directory."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Sequence
from functools import partial
from pathlib import Path

from attrs import frozen

from harness.lane.config import LaneConfig
from usbfuzz.case.model import Case
from usbfuzz.crashes.lock import DirectoryLock
from usbfuzz.crashes.store import CrashStore
from usbfuzz.errors import UsbfuzzError, first_of
from usbfuzz.report.render import render

from .books import Books, Found, Verdict
from .guests import Guests, guests_of
from .keeping import Keeper
from .plan import Moment, Plan
from .sweep import Options, Sweep, record
from .view import Progress, View

__all__ = ["Wanted", "stress"]

_LEAKS = "leaks"  #: tells books of sweeps for leaks from others, among the kernel's parameters
_LOOK_S = 0.5  #: seconds between two frames of the view


@frozen
class Wanted:
    """What a user wants to be swept."""

    out: Path
    lanes: int
    seconds: float | None  #: wall time from the first round on; None: until every moment was tried
    options: Options


async def stress(cases: Sequence[Case], config: LaneConfig, wanted: Wanted, view: View, progress: Progress) -> None:
    """Sweep the devices of ``cases``; what was found is in the directory as soon as it is known.

    Raises InputError (broken books), StorageError, BootError and InfraError; a cancellation ends it, too, and nothing
    is lost.
    """
    with DirectoryLock.acquire(wanted.out):
        store = CrashStore.open(wanted.out, kernel=config.kernel.name, timing=config.timing, render=render)
        kept = [(case, _books(case, config, wanted)) for case in cases]  # those that are broken show before any work
        guests = guests_of(config, wanted.lanes, view.say)
        try:
            async with _shown(progress, view):
                for case, books in kept:
                    await _sweep(case, books, guests, Keeper(store), wanted, progress)
        except* UsbfuzzError as errors:
            raise first_of(errors) from None
        finally:
            await guests.close()
            for _, books in kept:
                books.close()


def _books(case: Case, config: LaneConfig, wanted: Wanted) -> Books:
    params = config.for_case(case).kernel_params
    return Books.open(wanted.out, case, config.kernel.name, (*params, *((_LEAKS,) if wanted.options.leaks else ())))


async def _sweep(case: Case, books: Books, guests: Guests, keeper: Keeper, wanted: Wanted, progress: Progress) -> None:
    """Record one device's conversation unless that was done, and sweep it."""
    if time.monotonic() >= progress.deadline:
        return
    plan: Plan | None = Plan(case, books.packets or ())
    if books.packets is None:
        progress.recording = case.title
        plan = await record(Plan(case, ()), guests, keeper)
        progress.recording = ""
        if plan is None:
            progress.failed.append(f"{case.title}: each guest that it was plugged into failed")
            return
        books.record(plan.packets)
    assert plan is not None
    if not progress.sweeps:
        progress.begin(wanted.seconds)
    sweep = Sweep(plan, books, guests, keeper, wanted.options, progress.deadline)
    sweep.on_found = partial(_found, sweep, progress)
    progress.sweeps.append(sweep)
    try:
        await sweep.run()
    finally:
        books.write_list((sweep.plan.moment(found.number), found) for found in books.bad)


def _found(sweep: Sweep, progress: Progress, moment: Moment, found: Found) -> None:
    if found.verdict is Verdict.BAD:
        progress.latest.append((sweep.plan.case.devices[0].name, moment, found))


@contextlib.asynccontextmanager
async def _shown(progress: Progress, view: View) -> AsyncIterator[None]:
    """Keep the view up to date while the block runs."""

    async def show() -> None:
        while True:
            view.update(progress)
            await asyncio.sleep(_LOOK_S)

    showing = asyncio.create_task(show())
    try:
        yield
    finally:
        showing.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await showing
