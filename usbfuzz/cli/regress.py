"""``usbfuzz regress``: do kept cases still do what is recorded, on each of these kernels?"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.console import Console

from harness.guest.kernels import DEFAULT_KERNEL
from usbfuzz.case.files import write_file
from usbfuzz.jobs.regress.bless import bless
from usbfuzz.jobs.regress.collect import collect
from usbfuzz.jobs.regress.data import to_json
from usbfuzz.jobs.regress.junit import junit
from usbfuzz.jobs.regress.page import page
from usbfuzz.jobs.regress.run import CELL_SECONDS, RegressOptions, run_regress
from usbfuzz.jobs.regress.table import WIDTH, render
from usbfuzz.jobs.regress.words import short

from .options import kernel_param_option, mode_option, progress, screen

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.guest.qemu import Mode
    from usbfuzz.jobs.regress.matrix import Cell, Matrix

__all__ = ["regress_command"]

_FILE = click.Path(dir_okay=False, path_type=Path)


@click.command("regress")
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path))
@click.option(
    "-k",
    "--kernel",
    "kernels",
    metavar="KERNEL",
    multiple=True,
    default=(DEFAULT_KERNEL,),
    show_default=True,
    help="A kernel to run the cases on; give it once for each.",
)
@click.option("-l", "--lanes", type=click.IntRange(1, 1024), help="Guests side by side; by default one for each core.")
@click.option(
    "--timeout",
    "seconds",
    type=click.FloatRange(1, 86400),
    default=CELL_SECONDS,
    show_default=True,
    metavar="SECONDS",
    help="What the runs of one case on one kernel may take, without booting.",
)
@click.option("--junit", "junit_file", type=_FILE, metavar="FILE", help="Write JUnit XML, for a CI system.")
@click.option("--html", "html_file", type=_FILE, metavar="FILE", help="Write a page that needs no other file.")
@click.option("--json", "json_file", type=_FILE, metavar="FILE", help="Write everything as JSON.")
@click.option("--bless", "blessing", is_flag=True, help="Record what happens as expected, in the case files.")
@mode_option
@kernel_param_option
def regress_command(
    paths: tuple[Path, ...],
    kernels: tuple[str, ...],
    lanes: int | None,
    seconds: float,
    junit_file: Path | None,
    html_file: Path | None,
    json_file: Path | None,
    blessing: bool,
    mode: Mode,
    kernel_params: tuple[str, ...],
) -> int:
    """Run kept cases on kernels and compare what happens with what is recorded.

    PATHS are case files, crash directories, or directories to search for them; by default corpus. Without a record
    for a kernel a clean run passes and a crash fails. A recorded crash that stays away is a difference too.

    Exit status: 0 all as expected, 1 something differs (with --bless: never); 2 a file or kernel cannot be read or
    fetched, 3 a kernel does not boot, 4 this machine failed: then the rest ran all the same.
    """
    entries = collect(paths or (Path("corpus"),))
    given = {} if lanes is None else {"lanes": lanes}
    options = RegressOptions(kernels, mode=mode, kernel_params=kernel_params, seconds=seconds, bless=blessing, **given)
    matrix = asyncio.run(
        run_regress(options, entries, on_cell=_Count(len(entries) * len(kernels)), on_progress=progress)
    )
    _show(matrix)
    writers: tuple[tuple[Path | None, Callable[[Matrix], bytes]], ...] = (
        (junit_file, junit),
        (html_file, page),
        (json_file, lambda matrix: to_json(matrix).encode()),
    )
    for path, writer in writers:
        if path is not None:
            write_file(path, writer(matrix))
    if not blessing:
        return matrix.exit_code
    for path in bless(matrix):
        click.echo(f"recorded in {path}")
    return matrix.exit_code if matrix.exit_code != 1 else 0


def _show(matrix: Matrix) -> None:
    console = screen()
    if console.width > WIDTH or not console.is_terminal:
        console = Console(highlight=False, width=WIDTH)
    console.print(render(matrix))


class _Count:
    """Says on stderr which cell is done, as it happens."""

    def __init__(self, total: int) -> None:
        self._total = total
        self._done = 0

    def __call__(self, cell: Cell) -> None:
        self._done += 1
        place = f"[{self._done}/{self._total}]"
        progress(f"{place} {cell.entry.name} on {cell.column.name}: {short(cell)} ({cell.seconds:.1f} s)")
