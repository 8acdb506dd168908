"""``usbfuzz minimize``: the same crash from a smaller case."""

from __future__ import annotations

import asyncio
import contextlib
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click
from attrs import evolve
from rich.live import Live
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from usbfuzz.case.parts import weight
from usbfuzz.crashes.minimization_files import MinimizationFiles
from usbfuzz.jobs.minimize.run import Minimization
from usbfuzz.report.annotate import annotated

from .guest import GuestOptions, guest_options
from .options import budget_option, lanes_option, progress, screen

if TYPE_CHECKING:
    from rich.console import Console

    from usbfuzz.crashes.minimized import Minimized

__all__ = ["minimize_command"]

_FRAME = 0.25  #: seconds between frames of the progress line


@click.command("minimize")
@click.argument("case", type=click.Path(path_type=Path))
@guest_options("Kernel to run it on; by default the one the crash was recorded on.")
@budget_option("Stop after 90s, 10m, 1h …")
@lanes_option
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
def minimize_command(
    case: Path, guest: GuestOptions, seconds: float, lanes: int, out: Path | None, confirm: bool | None
) -> int:
    """Make CASE (a case file, or a crash directory) as small as its crash allows, and mark the bytes that matter.

    What it has is saved whenever it gets smaller; the same command goes on after an interruption. In a crash directory
    the case it was found with stays as original.toml. Exit status 0 only if the recorded crash came back; 1 it never
    did.
    """
    files = MinimizationFiles.of(case, out)
    kernel = guest.kernel_or(files.first().recorded_kernel)
    with files.locked():
        return asyncio.run(_run(files, evolve(guest, kernel=kernel), seconds, lanes, confirm))


async def _run(files: MinimizationFiles, guest: GuestOptions, seconds: float, lanes: int, confirm: bool | None) -> int:
    console = screen()
    config = await guest.prepare()
    job = Minimization(files, config, lanes, seconds, progress)
    found = await _watched(console, job, seconds)
    if found is None:
        console.print("[bold green]not reproduced[/]: nothing to minimize")
        return 1
    for line in annotated(found.case, found.marks):
        console.print(escape(line), style="dim", soft_wrap=True)
    console.print()
    console.print(_summary(files, found))
    if confirm if confirm is not None else files.directory is not None and config.timing.warped:
        console.print(f"[bold]{await job.confirm(found, guest.kernel_or(None))}[/]")
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
    """Takes the place of the live line where the output is no terminal."""

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


def _summary(files: MinimizationFiles, found: Minimized) -> Table:
    grid = Table.grid(padding=(0, 2))
    end = "nothing more can go" if found.complete else "stopped early: the same command goes on"
    grid.add_row("bytes", f"{found.before:,} → {found.after:,} ({end})")
    grid.add_row("reliability", f"{found.hits} of {found.runs} runs")
    grid.add_row("took", f"{found.seconds:.1f} s, {found.tried:,} runs")
    grid.add_row("case", escape(str(files.target)))
    return grid
