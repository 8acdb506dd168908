"""``usbfuzz regress``: do kept cases still do what is recorded, on each of these kernels?"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

import click
from attrs import evolve, frozen
from rich.console import Console

from harness.guest.kernels import DEFAULT_KERNEL
from usbfuzz.case.files import write_file
from usbfuzz.jobs.regress.bless import bless
from usbfuzz.jobs.regress.collect import collect
from usbfuzz.jobs.regress.data import to_json
from usbfuzz.jobs.regress.junit import junit
from usbfuzz.jobs.regress.page import page
from usbfuzz.jobs.regress.run import CELL_SECONDS, RegressOptions, run_regress, snapshots_key
from usbfuzz.jobs.regress.table import WIDTH, render
from usbfuzz.jobs.regress.words import short

from .options import (
    cluster_module,
    cluster_option,
    firmware_option,
    gathered,
    kernel_param_option,
    kernels_option,
    lanes_option,
    lanes_wanted,
    mode_option,
    progress,
    screen,
    smp_option,
    timeout_option,
)

if TYPE_CHECKING:
    from usbfuzz.jobs.regress.matrix import Cell, Entry, Matrix

__all__ = ["regress_command"]

_FILE = click.Path(dir_okay=False, path_type=Path)


@frozen
class _Files:
    """Where the user wants the matrix as a file, if at all."""

    junit: Path | None
    html: Path | None
    json: Path | None

    def write(self, matrix: Matrix) -> None:
        """Write those that are wanted; raises StorageError."""
        if self.junit is not None:
            write_file(self.junit, junit(matrix))
        if self.html is not None:
            write_file(self.html, page(matrix))
        if self.json is not None:
            write_file(self.json, to_json(matrix).encode())


@click.command("regress")
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path))
@kernels_option("A kernel to run the cases on; give it once for each.", DEFAULT_KERNEL)
@lanes_option
@timeout_option(CELL_SECONDS, "What the runs of one case on one kernel may take, without booting.")
@click.option("--junit", "junit", type=_FILE, metavar="FILE", help="Write JUnit XML, for a CI system.")
@click.option("--html", "html", type=_FILE, metavar="FILE", help="Write a page that needs no other file.")
@click.option("--json", "json", type=_FILE, metavar="FILE", help="Write everything as JSON.")
@click.option("--key", is_flag=True, help="Print a name for the snapshots that would be used, and run nothing.")
@click.option("--bless", is_flag=True, help="Record what happens as expected, in the case files.")
@mode_option()
@kernel_param_option
@smp_option
@firmware_option
@cluster_option
@gathered("options", RegressOptions)
@gathered("files", _Files)
def regress_command(
    paths: tuple[Path, ...], options: RegressOptions, files: _Files, key: bool, cluster: str | None
) -> int:
    """Run kept cases on kernels and compare what happens with what is recorded.

    PATHS are case files, crash directories, or directories to search for them; by default corpus. Without a record
    for a kernel a clean run passes and a crash fails. A recorded crash that stays away is a difference too.

    Exit status: 0 all as expected, 1 something differs (with --bless: never); 2 a file or kernel cannot be read or
    fetched, 3 a kernel does not boot, 4 this machine failed: then the rest ran all the same.
    """
    entries = collect(paths or (Path("corpus"),))
    if key:
        click.echo(asyncio.run(snapshots_key(options, entries, on_progress=progress)))
        return 0
    count = _Count(len(entries) * len(options.kernels))
    if cluster is None:
        matrix = asyncio.run(run_regress(options, entries, on_cell=count, on_progress=progress))
    else:
        matrix = asyncio.run(_at_cluster(cluster, lanes_wanted(), options, entries, count))
    _show(matrix)
    files.write(matrix)
    if not options.bless:
        return matrix.exit_code
    for path in bless(matrix):
        click.echo(f"recorded in {path}")
    return matrix.exit_code if matrix.exit_code != 1 else 0


async def _at_cluster(
    address: str, most: int | None, options: RegressOptions, entries: tuple[Entry, ...], count: _Count
) -> Matrix:
    async with cluster_module("cells", options.firmware).cells_at(address, progress) as cells:
        lanes = most or max(1, cells.places.places)
        matrix: Matrix = await run_regress(
            evolve(options, lanes=lanes), entries, on_cell=count, on_progress=progress, program=cells
        )
    return matrix


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
