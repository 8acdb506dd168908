"""``usbfuzz replay``: run a case again and see whether its crash comes back."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.markup import escape
from rich.table import Table

from usbfuzz.case import load
from usbfuzz.descriptors.text import ids_of
from usbfuzz.errors import InputError
from usbfuzz.jobs.regress.observe import observe
from usbfuzz.jobs.replay import replay
from usbfuzz.reading import printable
from usbfuzz.report.capture import save_capture
from usbfuzz.triage import brief

from .guest import GuestOptions, guest_options
from .options import pcap_option, progress, screen
from .races import race

if TYPE_CHECKING:
    from rich.console import Console

    from harness.lane.config import LaneConfig
    from harness.lane.outcome import Outcome
    from usbfuzz.case.model import Case, DeviceSpec
    from usbfuzz.jobs.replay import Replay

__all__ = ["replay_command"]

_RACES = 50  #: runs of the case as it is, and of the best schedule


@click.command("replay")
@click.argument("case", type=click.Path(path_type=Path))
@guest_options("Kernel to run it on; by default the one the crash was recorded on.")
@click.option(
    "-n",
    "--times",
    type=click.IntRange(1, 1000),
    help=f"How often, each on a fresh guest; by default once, with --schedules {_RACES}.",
)
@click.option(
    "--schedules",
    type=click.IntRange(1, 1000),
    metavar="N",
    help="For races: try N ways for the guest's processors to take turns, and run the best one --times times.",
)
@click.option(
    "--keep",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="With --schedules: write the case with the best of them.",
)
@click.option("--userspace", is_flag=True, help="Print what programs see of the device before it is unplugged.")
@pcap_option
def replay_command(
    case: Path,
    guest: GuestOptions,
    times: int | None,
    schedules: int | None,
    keep: Path | None,
    userspace: bool,
    pcap: Path | None,
) -> int:
    """Run CASE (a case file, or a crash directory) again and compare what happens with the recorded title.

    Exit status 0 only if the recorded crash came back at least once.
    """
    loaded = load(case)
    console = screen()
    if schedules is not None:
        if userspace or pcap is not None:
            raise InputError("--schedules: many runs have no one conversation; leave --userspace and --pcap out")
        return 0 if race(console, case, loaded, guest, schedules, times or _RACES, keep) else 1
    if keep is not None:
        raise InputError(f"{keep}: --keep writes the best of some schedules; add --schedules N")
    times = times or 1
    running = _run(console, case, loaded, guest, times, record=pcap is not None, survey=userspace)
    result = asyncio.run(running)
    for line in observe(result.best, loaded, fresh=True).userspace or ():
        console.print(f" {escape(line)}", soft_wrap=True, highlight=False)
    if pcap is not None:
        save_capture(pcap, result.best.conversation)
    return 0 if result.hits else 1


async def _run(
    console: Console,
    path: Path,
    case: Case,
    guest: GuestOptions,
    times: int,
    *,
    record: bool,
    survey: bool,
) -> Replay:
    config = await guest.prepare(case.recorded_kernel)
    names = case.recorded_names
    console.print(_header(path, case, config))
    started = time.monotonic()

    def show(number: int, outcome: Outcome) -> None:
        nonlocal started
        now = time.monotonic()
        mark = "[red]✗[/]" if outcome.shows(names) else "[yellow]≠[/]" if outcome.reports else "[green]·[/]"
        title = escape(outcome.title or "clean")
        console.print(f" {mark} run {number + 1}: {title}  [dim]{now - started:.1f} s[/]", soft_wrap=True)
        for used in outcome.used:
            console.print(
                f"   use at port {used.port}: {escape(printable(str(used)))}", soft_wrap=True, highlight=False
            )
        started = now

    result = await replay(case, config, times, record=record, survey=survey, on_outcome=show, on_progress=progress)
    for outcome in sorted(result.outcomes, key=lambda outcome: not outcome.shows(names)):
        if outcome.reports:
            console.print()
            console.print(escape(brief(outcome.reports[0].text)), style="dim", soft_wrap=True)
            break
    verdict = "[bold red]reproduced[/]" if result.hits else "[bold green]not reproduced[/]"
    console.print(f"\n{verdict} {result.hits} of {times}")
    return result


def _header(path: Path, case: Case, config: LaneConfig) -> Table:
    grid = Table.grid(padding=(0, 2))
    grid.add_row("case", escape(str(path)))
    for device in case.devices:
        grid.add_row("device", escape(_device(device)))
    grid.add_row("kernel", escape(" ".join((config.kernel.name, config.kernel.release, f"({config.timing.value})"))))
    params = " ".join((*case.guest.kernel_params, *config.kernel_params))
    if params:
        grid.add_row("booted with", escape(params))
    recorded = next((row.title for row in case.expect if row.title), "no crash: any will count")
    grid.add_row("recorded", escape(recorded))
    return grid


def _device(spec: DeviceSpec) -> str:
    if spec.model:
        return f"the model {spec.model}"
    return f"{ids_of(spec.device)} {spec.name}, {spec.speed.value} speed"
