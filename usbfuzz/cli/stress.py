"""``usbfuzz stress``: every moment of an unplug."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import click
from attrs import evolve

from harness.guest.kernels import DEFAULT_KERNEL
from usbfuzz.crashes.layout import DEFAULT_DIRECTORY
from usbfuzz.jobs.stress.plan import WAYS, Grain
from usbfuzz.jobs.stress.run import Wanted, stress
from usbfuzz.jobs.stress.subjects import subjects
from usbfuzz.jobs.stress.sweep import Options
from usbfuzz.jobs.stress.view import Progress, picture, plain_line, summary
from usbfuzz.jobs.watching import view_of

from .guest import GuestOptions, guest_options
from .interrupt import until_interrupted
from .options import lanes_option, out_option, progress, screen, time_option

__all__ = ["stress_command"]

_FOUND = 1  #: exit status when there are bad moments


@click.command("stress")
@click.argument("devices", metavar="DEVICE...", nargs=-1, required=True)
@guest_options("Kernel to run on.", default=DEFAULT_KERNEL)
@time_option
@lanes_option
@click.option(
    "-s", "--seed", type=click.IntRange(0, 2**63 - 1), help="Take the moments in a random order; by default in order."
)
@out_option("Where crashes are saved, and which moments were tried.", DEFAULT_DIRECTORY)
@click.option(
    "--way", "ways", multiple=True, type=click.Choice([way.name for way in WAYS]), help="Only these ways to leave."
)
@click.option(
    "--grain",
    "grains",
    multiple=True,
    type=click.Choice([grain.value for grain in Grain]),
    help="Only these moments: between packets, with one asked for, after each byte (of every packet, also alike ones).",
)
@click.option(
    "--leaks",
    is_flag=True,
    help="Play each moment ten times in one guest, and report what each of the last six leaves behind.",
)
def stress_command(
    devices: tuple[str, ...],
    guest: GuestOptions,
    seconds: float | None,
    lanes: int,
    seed: int | None,
    out: Path,
    ways: tuple[str, ...],
    grains: tuple[str, ...],
    leaks: bool,
) -> int:
    """Let each DEVICE leave at every moment of its conversation, in every way there is, and list the bad moments.

    DEVICE is a model, a case file, a crash directory or a directory of cases. Its conversation is recorded once; then
    it is unplugged, reset, silenced, replaced, unbound and so on after every packet and every byte. The same command
    on the same directory goes on where the last one ended. Exit status: 0 no bad moment, 1 there are bad moments, 2
    wrong input, 3 the kernel does not boot, 4 this machine failed.
    """
    cases = subjects(devices, guest.kernel_params, progress)
    wanted = Wanted(out, lanes, seconds, Options(ways, tuple(map(Grain, grains)), seed, leaks))
    console = screen()
    done: list[Progress] = []

    async def run() -> None:
        config = await evolve(guest, kernel_params=()).prepare()  # the cases have them
        if leaks:
            config = evolve(config, probing=config.probing.counting())
        state = Progress(config.kernel.name, subjects=len(cases))
        done.append(state)
        view = view_of(console, picture, plain_line)
        try:
            await stress(cases, config, wanted, view, state)
        finally:
            view.close()

    asyncio.run(until_interrupted(run()))
    for ended in done:
        console.print(summary(ended, time.monotonic()))
    return _FOUND if any(sweep.bad for ended in done for sweep in ended.sweeps) else 0
