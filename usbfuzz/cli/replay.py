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
from usbfuzz.jobs.regress.observe import observe
from usbfuzz.jobs.replay import replay
from usbfuzz.report.capture import save_capture
from usbfuzz.triage import brief

from .guest import GuestOptions, guest_options
from .options import pcap_option, progress, screen

if TYPE_CHECKING:
    from rich.console import Console

    from harness.lane.config import LaneConfig
    from harness.lane.outcome import Outcome
    from usbfuzz.case.model import Case, DeviceSpec
    from usbfuzz.jobs.replay import Replay

__all__ = ["replay_command"]


@click.command("replay")
@click.argument("case", type=click.Path(path_type=Path))
@guest_options("Kernel to run it on; by default the one the crash was recorded on.")
@click.option(
    "-n",
    "--times",
    type=click.IntRange(1, 1000),
    default=1,
    show_default=True,
    help="How often, each on a fresh guest.",
)
@click.option("--userspace", is_flag=True, help="Print what programs see of the device before it is unplugged.")
@pcap_option
def replay_command(case: Path, guest: GuestOptions, times: int, userspace: bool, pcap: Path | None) -> int:
    """Run CASE (a case file, or a crash directory) again and compare what happens with the recorded title.

    Exit status 0 only if the recorded crash came back at least once.
    """
    loaded = load(case)
    console = screen()
    running = _run(console, case, loaded, guest, times, record=pcap is not None, survey=userspace)
    result = asyncio.run(running)
    for line in observe(result.best, loaded, fresh=True).userspace or ():
        console.print(f" {escape(line)}", soft_wrap=True, highlight=False)
    if pcap is not None:
        save_capture(pcap, result.best.conversation)
    return 0 if result.hits else 1


async def _run(
    console: Console, path: Path, case: Case, guest: GuestOptions, times: int, *, record: bool, survey: bool
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
