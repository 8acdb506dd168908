"""``usbfuzz minimize``: the same crash, from as little as it takes."""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.live import Live
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from harness.guest.qemu import Mode
from harness.lane.prepare import prepare
from usbfuzz.case.parts import weight
from usbfuzz.crashes.minimized import save_result
from usbfuzz.crashes.place import Place
from usbfuzz.crashes.record import Crash
from usbfuzz.jobs.campaign.options import parse_duration
from usbfuzz.jobs.campaign.state import DirectoryLock
from usbfuzz.jobs.campaign.store import CrashStore
from usbfuzz.jobs.minimize.confirm import Confirmation, RealTime
from usbfuzz.jobs.minimize.run import Minimization
from usbfuzz.jobs.replay import recorded_kernel, recorded_names
from usbfuzz.report.annotate import annotated

from .options import kernel_option, kernel_param_option, mode_option, progress, screen

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import Console

    from harness.lane.config import LaneConfig
    from usbfuzz.crashes.minimized import Minimized

__all__ = ["minimize_command"]

_FRAME = 0.25  #: seconds between frames of the progress line
_CONFIRM_SECONDS = 120.0


@click.command("minimize")
@click.argument("case", type=click.Path(path_type=Path))
@kernel_option("Kernel to run it on; by default the one the crash was recorded on.")
@click.option("-b", "--budget", metavar="TIME", default="10m", show_default=True, help="Stop after 90s, 10m, 1h …")
@click.option("-l", "--lanes", type=click.IntRange(1, 1024), help="Guests side by side; by default one for each core.")
@click.option(
    "-o",
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Where the small case goes; by default into the crash directory, or to NAME.min.toml.",
)
@click.option(
    "--confirm/--no-confirm",
    default=None,
    help="Run the result in real time as well; by default for crash directories only.",
)
@mode_option
@kernel_param_option
def minimize_command(
    case: Path,
    kernel: str | None,
    budget: str,
    lanes: int | None,
    out: Path | None,
    confirm: bool | None,
    mode: Mode,
    kernel_params: tuple[str, ...],
) -> int:
    """Make CASE (a case file, or a crash directory) as small as its crash allows, and mark the bytes that matter.

    What it has is saved whenever it gets smaller; the same command goes on after an interruption. In a crash directory
    the case it was found with stays as original.toml. Exit status 0 only if the recorded crash came back; 1 it never
    did.
    """
    place = Place.of(case, out)
    loaded = place.first()
    wanted = kernel or recorded_kernel(loaded)
    seconds = parse_duration(budget)
    with _locked(place):
        return asyncio.run(_run(place, wanted, seconds, lanes, confirm, mode, kernel_params))


async def _run(
    place: Place,
    kernel: str,
    seconds: float,
    lanes: int | None,
    confirm: bool | None,
    mode: Mode,
    kernel_params: tuple[str, ...],
) -> int:
    console = screen()
    config = await prepare(kernel, mode=mode, kernel_params=kernel_params, on_progress=progress)
    job = Minimization(place, config, lanes or len(os.sched_getaffinity(0)), seconds, progress)
    found = await _watched(console, job, seconds)
    if found is None:
        console.print("[bold green]not reproduced[/]: nothing to minimize")
        return 1
    _keep(place, config, job, found)
    for line in annotated(found.case, found.marks):
        console.print(escape(line), style="dim", soft_wrap=True)
    console.print()
    console.print(_summary(place, found))
    if confirm if confirm is not None else place.directory is not None and config.timing.warped:
        console.print(f"[bold]{await _confirm(place, kernel, config, found)}[/]")
    return 0


async def _watched(console: Console, job: Minimization, seconds: float) -> Minimized | None:
    """Run the job under a line that says how far it is; where there is no terminal, without."""
    running = asyncio.create_task(job.run())
    started = time.monotonic()
    try:
        with Live(console=console, auto_refresh=False, transient=True) if console.is_terminal else _Silent() as live:
            while not running.done():
                await asyncio.wait({running}, timeout=_FRAME)
                live.update(_line(job, time.monotonic() - started, seconds), refresh=True)
    finally:
        if not running.done():
            running.cancel()
            await asyncio.wait({running})
    return running.result()


class _Silent(contextlib.AbstractContextManager["_Silent"]):
    """Stands for the live line in a pipe."""

    def __exit__(self, *_: object) -> None:
        pass

    def update(self, line: Text, *, refresh: bool) -> None:
        """Show nothing."""


def _line(job: Minimization, elapsed: float, seconds: float) -> Text:
    search = job.search
    if search is None or search.best is None:
        return Text("booting …" if search is None else f"{search.stage} …", style="dim")
    return Text.assemble(
        (f"{job.before:,} → {weight(search.best):,} bytes", "bold"),
        f" · {search.oracle.asked:,} runs · {search.stage} · {elapsed:.0f} of {seconds:.0f} s",
    )


def _keep(place: Place, config: LaneConfig, job: Minimization, found: Minimized) -> None:
    """Write minimized.toml, and in a crash directory the files that follow from the case."""
    if place.directory is None:
        return
    crash = Crash.read(place.directory)
    if crash is None or job.search is None or job.search.shown is None:
        save_result(place.directory, found)
        return
    _store(place, config).minimized(crash.slug, found, job.search.shown.console)


async def _confirm(place: Place, kernel: str, config: LaneConfig, found: Minimized) -> Confirmation:
    real = await RealTime.of(kernel, config, progress)
    confirmation = await real.confirm(found.case, recorded_names(found.case), _CONFIRM_SECONDS, progress)
    if confirmation.runs and place.directory is not None and Crash.read(place.directory) is not None:
        _store(place, config).confirmed(place.directory.name, confirmation.hits, confirmation.runs)
    return confirmation


def _store(place: Place, config: LaneConfig) -> CrashStore:
    assert place.directory is not None
    parent = place.directory.resolve().parent
    return CrashStore.open(parent, kernel=config.kernel.name, warped=config.timing.warped)


@contextlib.contextmanager
def _locked(place: Place) -> Iterator[None]:
    """Keep campaigns away from the crash directory that is being changed; raises StorageError when one is there."""
    if place.directory is None or Crash.read(place.directory) is None:
        yield
        return
    lock = DirectoryLock.acquire(place.directory.resolve().parent)
    try:
        yield
    finally:
        lock.release()


def _summary(place: Place, found: Minimized) -> Table:
    grid = Table.grid(padding=(0, 2))
    end = "nothing more can go" if found.complete else "stopped early: the same command goes on"
    grid.add_row("bytes", f"{found.before:,} → {found.after:,} ({end})")
    grid.add_row("reliability", f"{found.hits} of {found.runs} runs")
    grid.add_row("took", f"{found.seconds:.1f} s, {found.tried:,} runs")
    grid.add_row("case", escape(str(place.target)))
    return grid
