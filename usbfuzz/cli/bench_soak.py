"""``usbfuzz bench soak``: a campaign for hours, watched; then kill -9 of its processes."""

from __future__ import annotations

from pathlib import Path

import click

from harness.guest.kernels import DEFAULT_KERNEL
from usbfuzz.errors import InputError
from usbfuzz.jobs.bench.engine.plan import checked_arguments
from usbfuzz.jobs.bench.soak import Wanted, run_soak, tables

from .options import kernel_option, lanes_option, out_option, parse_duration, progress, screen

__all__ = ["soak_command"]

_NONE = ("0", "0s")


def _seconds(_context: click.Context, _parameter: click.Parameter, text: str) -> float:
    return 0.0 if text in _NONE else parse_duration(text)


@click.command("soak")
@kernel_option("Kernel to fuzz.", DEFAULT_KERNEL)
@click.option(
    "-t", "--time", "seconds", metavar="TIME", default="1h", show_default=True, callback=_seconds,
    help="How long the campaign runs that is watched; 0: none does.",
)  # fmt: skip
@click.option(
    "--kills", type=click.IntRange(0, 1_000_000), default=100, show_default=True,
    help="Kills of supervisor, worker, generator or QEMU of a second campaign, at random moments.",
)  # fmt: skip
@lanes_option
@click.option("-s", "--seed", type=click.IntRange(0, 2**63 - 1), default=1, show_default=True, help="Of all chance.")
@out_option(
    "Where both campaigns and their figures are kept; the same command goes on where it was stopped.", Path("soak")
)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def soak_command(
    kernel: str, seconds: float, kills: int, lanes: int, seed: int, out: Path, arguments: tuple[str, ...]
) -> int:
    """Run a campaign and watch memory, files and threads of all its processes; then kill -9 these, again and again.

    ARGUMENTS, behind --, are further ones of `usbfuzz fuzz` for both campaigns. Exit status 1 when anything grew by
    more than 5 %, was left behind, lost, or done twice.
    """
    if not seconds and not kills:
        raise InputError("--time 0 and --kills 0: there is nothing to do; give one of them")
    soaked = run_soak(Wanted(kernel, seconds, kills, lanes, seed, out, checked_arguments(arguments)), progress)
    console = screen()
    for part in tables(soaked):
        console.print(part)
    return 1 if soaked.findings else 0
