"""``usbfuzz learn``: find out what drivers want to hear."""

from __future__ import annotations

import asyncio
from pathlib import Path

import click
from attrs import evolve

from harness.guest.probe.probing import Heap, Probing
from harness.guest.qemu import Mode
from strategies.learning.learned import LEARNED
from usbfuzz.crashes.layout import DEFAULT_DIRECTORY
from usbfuzz.jobs.learn import Limits, Wanted, learn

from .guest import GuestOptions, guest_options
from .interrupt import until_interrupted
from .options import as_seconds, lanes_option, out_option, progress

__all__ = ["learn_command"]


@click.command("learn")
@click.argument("drivers", metavar="[DRIVER]...", nargs=-1)
@guest_options("Kernel whose drivers are learned.", mode=Mode.WARP, heap=Heap.OFF)
@lanes_option
@out_option("Where DRIVER.toml files are kept.", LEARNED)
@click.option(
    "--crashes",
    type=click.Path(file_okay=False, path_type=Path),
    default=DEFAULT_DIRECTORY,
    show_default=True,
    help="Where crashes on the way are saved.",
)
@click.option("--runs", type=click.IntRange(1), default=300, show_default=True, help="At most so many for a driver.")
@click.option("-t", "--time", "seconds", callback=as_seconds, metavar="TIME", default="2m", help="For each driver.")
def learn_command(
    drivers: tuple[str, ...],
    guest: GuestOptions,
    lanes: int,
    out: Path,
    crashes: Path,
    runs: int,
    seconds: float,
) -> int:
    """Find out what each DRIVER (a module; all of the kernel's if none is named) wants to hear from its device.

    Devices answer in bytes that tell where they are, and the probe sees what the driver compares: so it shows which
    bytes it looks at, and what it would rather see there. Answers that reach new code are kept, with the instruction
    that asked for them; `usbfuzz fuzz` uses them. Ctrl-C ends it, and what is known by then is kept.
    """
    wanted = Wanted(drivers, out, lanes, crashes, Limits(runs, seconds))

    async def run() -> None:
        config = await guest.prepare()
        await learn(evolve(config, probing=Probing(heap=guest.heap, compare=True)), wanted, progress)

    asyncio.run(until_interrupted(run()))
    return 0
