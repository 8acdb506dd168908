"""``usbfuzz fuzz``: the campaign."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click
from attrs import evolve

from harness.guest.kernels import DEFAULT_KERNEL
from strategies import Identities
from strategies.learning.learned import LEARNED
from usbfuzz.crashes.layout import DEFAULT_DIRECTORY
from usbfuzz.jobs.campaign.case_queue import GENERATOR
from usbfuzz.jobs.campaign.options import CampaignOptions, with_slub_debug
from usbfuzz.jobs.campaign.start import WORKER, run_campaign
from usbfuzz.jobs.campaign.supervisor import Campaign
from usbfuzz.jobs.campaign.view import LiveView, PlainView, summary
from usbfuzz.jobs.page.live import check_page, keeping_page

from .guest import GuestOptions, guest_options
from .options import as_seconds, gathered, lanes_option, progress, screen

if TYPE_CHECKING:
    from rich.console import Console

__all__ = ["fuzz", "run_and_tell"]


@click.command()
@guest_options("Kernel to fuzz: debian:VERSION-OR-SUITE, a tree, a kernel image, or host.", default=DEFAULT_KERNEL)
@click.option("-t", "--time", "seconds", metavar="TIME", callback=as_seconds, help="Stop after 90s, 10m, 8h …")
@click.option("-c", "--cases", type=click.IntRange(min=1), help="Stop when this many cases were run in all.")
@lanes_option
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
@click.option(
    "--leaks", is_flag=True, help="Boot so that memory which nobody wrote shows when a driver sends it; a fifth slower."
)
@click.option(
    "--learned",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help=f"What `usbfuzz learn` found out of drivers; by default {LEARNED}, if there is one.",
)
@click.option("--minimize/--no-minimize", default=True, show_default=True, help="Make the case of each new bug small.")
@click.option(
    "--confirm/--no-confirm", default=True, show_default=True, help="At the end, run new crashes in real time as well."
)
@click.option(
    "--page",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Keep a page of the campaign in FILE while it runs; a browser that shows it loads it anew by itself.",
)
@gathered("options", CampaignOptions)
def fuzz(guest: GuestOptions, options: CampaignOptions, page: Path | None) -> None:
    """Plug malformed devices into a real kernel, at random, and save what crashes it.

    Without --time and --cases it runs until Ctrl-C: once to stop cleanly, twice to kill. The same command on the same
    directory goes on where the last one ended, however it ended. Exit status: 0 the campaign ran, whether it found
    crashes or not; 2 wrong input; 3 the kernel does not boot; 4 this machine failed; 130 killed by a second Ctrl-C.
    """
    run_and_tell(guest, options, page)


def run_and_tell(
    guest: GuestOptions, options: CampaignOptions, page: Path | None, generator: tuple[str, ...] = GENERATOR
) -> None:
    """Run a campaign on the terminal and print its summary; ``generator`` is the command that makes its cases."""
    console = screen()
    campaign = asyncio.run(_run(console, guest, options, page, generator))
    console.print(summary(campaign.progress, time.monotonic()))
    if campaign.killed:
        raise SystemExit(130)


async def _run(
    console: Console, guest: GuestOptions, options: CampaignOptions, page: Path | None, generator: tuple[str, ...]
) -> Campaign:
    if page is not None:
        check_page(page)
    params = with_slub_debug(guest.kernel_params, leaks=options.leaks)
    config = await evolve(guest, kernel_params=params).prepare()
    modules = Identities.parse(config.image.aliases.read_text()).modules
    view = LiveView(console) if console.is_terminal else PlainView(console)
    async with keeping_page(options.out, page, progress):
        return await run_campaign(options, config, modules, view, (WORKER, generator))
