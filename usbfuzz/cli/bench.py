"""``usbfuzz bench``: devices per second, with ratios."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table as Grid

from harness.guest.kernels import DEFAULT_KERNEL
from usbfuzz.jobs.bench import Table, run_bench

from .bench_cycles import cycles_command
from .bench_engine import engine_command
from .bench_soak import soak_command
from .options import kernel_option, progress

__all__ = ["bench_command"]

_CRASH = Path("corpus/known-bugs/quatech2-bulk-null.toml")


@click.group("bench", invoke_without_command=True)
@kernel_option("Kernel to measure on.", "debian:bookworm")
@click.option(
    "--seconds", type=click.FloatRange(1, 3600), default=15.0, show_default=True, help="How long each row is measured."
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")
@click.pass_context
def bench_command(context: click.Context, kernel: str, seconds: float, as_json: bool) -> int:
    """Measure how many devices a second a guest enumerates, binds and loses again.

    Exit status 1 when a goal is missed.
    """
    if context.invoked_subcommand is not None:
        return 0
    crash = _CRASH if _CRASH.exists() else None
    table = asyncio.run(run_bench(kernel, seconds, crash, DEFAULT_KERNEL, progress))
    if as_json:
        click.echo(json.dumps(table.to_json(), indent=2))
    else:
        Console().print(_grid(table))
    return 0 if all(figure.good is not False for figure in table.figures) else 1


bench_command.add_command(cycles_command)
bench_command.add_command(engine_command)
bench_command.add_command(soak_command)


def _grid(table: Table) -> Grid:
    grid = Grid(title=f"{table.kernel}, {table.qemu}, {table.cores} cores")
    for name, justify in (
        ("what", "left"),
        ("value", "right"),
        ("against real time", "right"),
        ("goal", "right"),
        ("samples", "right"),
    ):
        grid.add_column(name, justify="right" if justify == "right" else "left")
    base = table.figures[0].value
    for figure in table.figures:
        ratio = f"{figure.value / base:.0f} x" if figure.unit == "devices/s" and base else ""
        mark = {None: "", True: "[green]✓[/]", False: "[red]✗[/]"}[figure.good]
        sign = "≤" if figure.unit in {"s", "%"} else "≥"
        goal = "" if figure.goal is None else f"{sign} {figure.goal:g} {mark}"
        grid.add_row(figure.name, f"{figure.value:.2f} {figure.unit}", ratio, goal, str(figure.samples or ""))
    return grid
