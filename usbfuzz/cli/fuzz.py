"""``usbfuzz fuzz``: the campaign."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click
from attrs import evolve, frozen

from harness.guest.kernels import DEFAULT_KERNEL, default_cache, resolve
from harness.guest.kernels.objects import KernelObjects
from strategies import Identities
from strategies.learning.learned import LEARNED
from usbfuzz.crashes.layout import CORPUS, DEFAULT_DIRECTORY
from usbfuzz.errors import InputError
from usbfuzz.jobs.aim import Wanted, aim_at, reach
from usbfuzz.jobs.campaign.case_queue import GENERATOR
from usbfuzz.jobs.campaign.options import CampaignOptions, for_campaign
from usbfuzz.jobs.campaign.start import WORKER, run_campaign
from usbfuzz.jobs.campaign.supervisor import Campaign
from usbfuzz.jobs.campaign.view import plain_line, render, summary
from usbfuzz.jobs.corpus.seeding import SEEDS, seeded
from usbfuzz.jobs.page.live import check_page, keeping_page
from usbfuzz.jobs.watching import view_of

from .guest import GuestOptions, guest_options
from .options import (
    aim_options,
    cluster_module,
    cluster_option,
    gathered,
    lanes_option,
    lanes_wanted,
    out_option,
    progress,
    screen,
    time_option,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from contextlib import AbstractAsyncContextManager

    from rich.console import Console

    from usbfuzz.jobs.campaign.elsewhere import Elsewhere

__all__ = ["fuzz", "run_and_tell"]


@frozen
class _Cluster:
    """The cluster that the user named."""

    address: str
    most: int | None  #: lanes; None: as many as it has places
    firmware: Path | None  #: which is not there

    def lanes(self, say: Callable[[str], None]) -> AbstractAsyncContextManager[Elsewhere]:
        """Its places; raises InputError when they cannot be used."""
        places: AbstractAsyncContextManager[Elsewhere]
        places = cluster_module("program", self.firmware).lanes_at(self.address, say, self.most)
        return places


_NO_AIM = Wanted()
_NEVER_SHOWN = 30  #: functions that were never reached, in the summary


@click.command()
@guest_options("Kernel to fuzz: debian:VERSION-OR-SUITE, a tree, a kernel image, or host.", default=DEFAULT_KERNEL)
@time_option
@click.option("-c", "--cases", type=click.IntRange(min=1), help="Stop when this many cases were run in all.")
@lanes_option
@click.option(
    "-s", "--seed", type=click.IntRange(0, 2**63 - 1), help="Of all that is made up; by default a random one."
)
@out_option("Where crashes are saved, and what the campaign needs to go on later.", DEFAULT_DIRECTORY)
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
@click.option(
    "--tables/--no-tables",
    default=True,
    show_default=True,
    help="Use what was written by hand about single drivers: their endpoints, how their packets begin.",
)
@click.option(
    "--guided/--unguided",
    default=True,
    show_default=True,
    help="What the guest executes decides what is tried next; unguided: the same seed, the same cases.",
)
@click.option(
    "--corpus",
    type=click.Path(file_okay=False, path_type=Path),
    help=f"Cases that reached something new, to make others from; by default {CORPUS} in --out.",
)
@click.option(
    "--from",
    "seeds",
    multiple=True,
    metavar="WHAT",
    help="Begin with these cases, dumps, captures, models or directories; by default corpus/devices and corpus/models.",
)
@click.option("--from-nothing", is_flag=True, help="Begin with nothing but what is in the corpus.")
@click.option("--minimize/--no-minimize", default=True, show_default=True, help="Make the case of each new bug small.")
@click.option(
    "--confirm/--no-confirm", default=True, show_default=True, help="At the end, run new crashes in real time as well."
)
@click.option(
    "--page",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Keep a page of the campaign in FILE while it runs; a browser that shows it loads it anew by itself.",
)
@cluster_option
@aim_options
@gathered("options", CampaignOptions)
@gathered("wanted", Wanted)
def fuzz(
    guest: GuestOptions,
    options: CampaignOptions,
    wanted: Wanted,
    page: Path | None,
    seeds: tuple[str, ...],
    from_nothing: bool,
    cluster: str | None,
) -> None:
    """Plug malformed devices into a real kernel, at random, and save what crashes it.

    Without --time and --cases it runs until Ctrl-C: once to stop cleanly, twice to kill. The same command on the same
    directory goes on where the last one ended, however it ended. Exit status: 0 the campaign ran, whether it found
    crashes or not; 2 wrong input; 3 the kernel does not boot; 4 this machine failed; 130 killed by a second Ctrl-C.
    """
    if seeds and (from_nothing or not options.guided):
        raise InputError(f"--from and {'--from-nothing' if from_nothing else '--unguided'}: give one of them")
    begin_with = seeds if options.guided and not from_nothing else None
    places = None if cluster is None else _Cluster(cluster, lanes_wanted(), guest.firmware)
    run_and_tell(guest, options, page, wanted=wanted, seeds=begin_with, cluster=places)


def _begin_with(options: CampaignOptions, seeds: Sequence[str]) -> None:
    """Put what the campaign begins with, SEEDS if none is named, into its corpus; raises InputError, StorageError."""
    given = seeds or [name for name in SEEDS if Path(name).is_dir()]
    errors: list[InputError] = []
    added = [name for _, name, is_new in seeded(options.out_corpus, given, errors, progress) if is_new]
    for error in errors if seeds else ():
        raise error
    if added:
        progress(f"{options.out_corpus}: {len(added)} cases to begin with")


def run_and_tell(
    guest: GuestOptions,
    options: CampaignOptions,
    page: Path | None,
    generator: tuple[str, ...] = GENERATOR,
    wanted: Wanted = _NO_AIM,
    seeds: Sequence[str] | None = None,
    cluster: _Cluster | None = None,
) -> None:
    """Run a campaign on the terminal and print its summary; ``generator`` is the command that makes its cases.

    It begins with ``seeds``, what is usual if these are none; None: with nothing.
    """
    console = screen()
    campaign = asyncio.run(_run(console, guest, options, page, generator, wanted, seeds, cluster))
    console.print(summary(campaign.progress, time.monotonic()))
    _tell_reach(console, campaign)
    if campaign.killed:
        raise SystemExit(130)


def _tell_reach(console: Console, campaign: Campaign) -> None:
    """Print what was reached of that which is aimed at, over all runs in the directory."""
    aim, blocks = campaign.aim, campaign.progress.reached
    if aim is None or blocks is None:
        return
    cache = default_cache()
    found = reach(aim, blocks, KernelObjects.of(resolve(blocks.kernel, cache), cache))
    console.print(str(found), markup=False)
    if found.never:
        console.print("never reached, the largest first:", *found.never_reached(_NEVER_SHOWN), sep="\n  ", markup=False)
        console.print(f"all of them: usbfuzz coverage {campaign.options.out} {aim.wanted.as_options}", markup=False)


async def _run(
    console: Console,
    guest: GuestOptions,
    options: CampaignOptions,
    page: Path | None,
    generator: tuple[str, ...],
    wanted: Wanted,
    seeds: Sequence[str] | None,
    cluster: _Cluster | None,
) -> Campaign:
    if page is not None:
        check_page(page)
    config = for_campaign(await guest.prepare(), leaks=options.leaks)
    if options.guided:
        config = evolve(config, probing=evolve(config.probing, compare=True))
    aim = aim_at(config.kernel, wanted, default_cache(), progress)
    if aim is not None:
        progress(f"aimed at {aim}")
    if seeds is not None:
        _begin_with(options, seeds)
    modules = Identities.parse(config.image.aliases.read_text()).modules
    view = view_of(console, render, plain_line)
    commands = (WORKER, generator)
    async with keeping_page(options.out, page, progress):
        if cluster is None:
            return await run_campaign(options, config, modules, view, commands, aim)
        async with cluster.lanes(view.say) as lanes:
            options = evolve(options, lanes=max(1, lanes.places))
            return await run_campaign(options, config, modules, view, commands, aim, lanes)
