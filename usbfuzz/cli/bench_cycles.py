"""``usbfuzz bench cycles``: does anything grow over thousands of plug cycles, or stay behind after kills?"""

from __future__ import annotations

import asyncio

import click
from rich.table import Table as Grid

from harness.guest.kernels import DEFAULT_KERNEL
from usbfuzz.jobs.bench.endurance import endure

from .options import kernel_option, progress, screen, smp_option

__all__ = ["cycles_command"]


@click.command("cycles")
@kernel_option("Kernel to run.", DEFAULT_KERNEL)
@click.option(
    "--cycles", type=click.IntRange(100, 10_000_000), default=10_000, show_default=True, help="Plugs of a mouse."
)
@click.option(
    "--kills", type=click.IntRange(0, 10_000), default=200, show_default=True,
    help="Kills of QEMU at random moments, after the cycles.",
)  # fmt: skip
@smp_option
def cycles_command(kernel: str, cycles: int, kills: int, smp: int | None) -> int:
    """Plug and unplug mice in one guest and watch its memory and ours; then kill QEMU, and look what is left of it.

    Exit status 1 when something grew with each cycle, or a process or an open file is left.
    """
    found = asyncio.run(endure(kernel, cycles, kills, processors=smp, on_progress=progress))
    console = screen()
    grid = Grid(title=f"{found.cycles} plug cycles, {found.bound} of them bound; QEMU killed {found.kills} times")
    for name in ("memory", "first look", "last look", "a cycle", ""):
        grid.add_column(name, justify="left" if name == "memory" else "right")
    for each in found.growth:
        mark = "[green]✓[/]" if each.good else "[red]✗[/]"
        grid.add_row(each.what, _mib(each.first), _mib(each.last), f"{each.per_cycle:+.1f} bytes", mark)
    console.print(grid)
    console.print(f"QEMU's translated code was thrown away {found.thrown_away} times")
    console.print("left behind: " + (", ".join(found.left) or "nothing"))
    return 0 if found.good else 1


def _mib(size: int) -> str:
    return f"{size / (1 << 20):.2f} MiB"
