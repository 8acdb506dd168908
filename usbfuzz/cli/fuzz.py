"""``usbfuzz fuzz``: the campaign."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from harness.guest.kernels import DEFAULT_KERNEL
from harness.lane.prepare import prepare
from strategies import Identities
from usbfuzz.crashes.layout import DEFAULT_DIRECTORY
from usbfuzz.jobs.campaign.options import CampaignOptions, with_slub_debug
from usbfuzz.jobs.campaign.supervisor import Campaign, run_campaign
from usbfuzz.jobs.campaign.view import LiveView, PlainView, summary

from .options import kernel_option, kernel_param_option, mode_option, parse_duration, progress, screen

if TYPE_CHECKING:
    from rich.console import Console

    from harness.guest.qemu import Mode

__all__ = ["fuzz"]


@click.command()
@kernel_option("Kernel to fuzz: debian:VERSION-OR-SUITE, a tree, a kernel image, or host.", default=DEFAULT_KERNEL)
@click.option("-t", "--time", "duration", metavar="TIME", help="Stop after 90s, 10m, 8h …")
@click.option("-c", "--cases", type=click.IntRange(min=1), help="Stop when this many cases were run in all.")
@click.option("-l", "--lanes", type=click.IntRange(1, 1024), help="Guests side by side; by default one for each core.")
@click.option("-s", "--seed", type=click.IntRange(0, 2**63 - 1), help="Same seed, same cases; by default a random one.")
@click.option(
    "-o",
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    default=DEFAULT_DIRECTORY,
    show_default=True,
    help="Where crashes are saved, and what the campaign needs to go on later.",
)
@click.option(
    "--suppress",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Known titles, one a line (or regular expressions): counted, not saved; suppress.txt in --out is read too.",
)
@click.option("--minimize/--no-minimize", default=True, show_default=True, help="Make the case of each new bug small.")
@click.option(
    "--confirm/--no-confirm", default=True, show_default=True, help="At the end, run new crashes in real time as well."
)
@mode_option
@kernel_param_option
def fuzz(
    kernel: str,
    duration: str | None,
    cases: int | None,
    lanes: int | None,
    seed: int | None,
    out: Path,
    suppress: Path | None,
    minimize: bool,
    confirm: bool,
    mode: Mode,
    kernel_params: tuple[str, ...],
) -> None:
    """Plug malformed devices into a real kernel, at random, and save what crashes it.

    Without --time and --cases it runs until Ctrl-C: once to stop cleanly, twice to kill. The same command on the same
    directory goes on where the last one ended, however it ended. Exit status: 0 the campaign ran, whether it found
    crashes or not; 2 wrong input; 3 the kernel does not boot; 4 this machine failed; 130 killed by a second Ctrl-C.
    """
    options = CampaignOptions(
        out=out,
        seconds=None if duration is None else parse_duration(duration),
        cases=cases,
        seed=seed,
        suppress=suppress,
        minimize=minimize,
        confirm=confirm,
        **({} if lanes is None else {"lanes": lanes}),
    )
    console = screen()
    campaign = asyncio.run(_run(console, options, kernel, mode, kernel_params))
    console.print(summary(campaign.progress, time.monotonic()))
    if campaign.killed:
        raise SystemExit(130)


async def _run(
    console: Console, options: CampaignOptions, kernel: str, mode: Mode, kernel_params: tuple[str, ...]
) -> Campaign:
    config = await prepare(kernel, mode=mode, kernel_params=with_slub_debug(kernel_params), on_progress=progress)
    modules = Identities.parse(config.image.aliases.read_text()).modules
    view = LiveView(console) if console.is_terminal else PlainView(console)
    return await run_campaign(options, config, len(modules), view)
