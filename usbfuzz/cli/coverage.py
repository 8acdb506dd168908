"""``usbfuzz coverage``: what of a kernel's code was executed."""

from __future__ import annotations

from pathlib import Path

import click
from attrs import frozen

from harness.guest.kernels import default_cache, resolve
from harness.guest.kernels.objects import KernelObjects
from usbfuzz.atomic import write_tree
from usbfuzz.case.files import write_file
from usbfuzz.coverage import blocks_file, read_blocks
from usbfuzz.errors import InputError, StorageError
from usbfuzz.jobs.coverage.data import to_json
from usbfuzz.jobs.coverage.lcov import tracefile
from usbfuzz.jobs.coverage.read import Coverage, read_coverage, read_sources
from usbfuzz.jobs.coverage.site import pages
from usbfuzz.jobs.coverage.table import functions_table, modules_table, summary

from .options import gathered, progress, screen

__all__ = ["coverage_command"]


@frozen
class _Wanted:
    """What the user wants to see."""

    functions: str | None
    html: Path | None
    lcov: Path | None
    json: bool


@click.command("coverage")
@click.argument("directory", metavar="DIR", type=click.Path(path_type=Path))
@click.option("--functions", metavar="MODULE", help="The functions of one module in place of the table of modules.")
@click.option("--html", metavar="NEW_DIR", type=click.Path(path_type=Path), help="Write pages down to source lines.")
@click.option(
    "--lcov", metavar="FILE", type=click.Path(dir_okay=False, path_type=Path), help="Write a tracefile of lcov."
)
@click.option("--json", is_flag=True, help="Print everything as JSON.")
@gathered("wanted", _Wanted)
def coverage_command(directory: Path, wanted: _Wanted) -> int:
    """Show which modules and functions a campaign reached; DIR is its output, or the coverage/ in there.

    For source lines (--html, --lcov) the kernel's debug information must be here (usbfuzz kernel debug); to show their
    text its source (usbfuzz kernel source).
    """
    if wanted.html is not None and wanted.html.exists():
        raise InputError(f"{wanted.html}: exists already; give the name of a new directory")
    file = blocks_file(directory)
    blocks = read_blocks(file)
    cache = default_cache()
    kernel = resolve(blocks.kernel, cache, on_progress=progress)
    coverage = read_coverage(blocks, kernel, KernelObjects.of(kernel, cache))
    _show(coverage, wanted)
    if wanted.lcov is not None or wanted.html is not None:
        _write(coverage, wanted, file)
    return 0


def _write(coverage: Coverage, wanted: _Wanted, file: Path) -> None:
    sources = read_sources(coverage, progress)
    if coverage.objects.source is None:
        kernel = coverage.blocks.kernel
        progress(
            f"the source of {kernel} is not here, so lines are without text; fetch it: usbfuzz kernel source {kernel}"
        )
    if wanted.lcov is not None:
        write_file(wanted.lcov, tracefile(sources, coverage.objects.source))
    if wanted.html is not None:
        progress(f"writing {wanted.html}")
        try:
            write_tree(wanted.html, pages(coverage, sources, file.absolute()))
        except OSError as error:
            raise StorageError(f"{wanted.html}: cannot be written: {error.strerror}; make room there") from error


def _show(coverage: Coverage, wanted: _Wanted) -> None:
    if wanted.json:
        click.echo(to_json(coverage), nl=False)
        return
    console = screen()
    if wanted.functions is not None:
        console.print(functions_table(coverage.module(wanted.functions)))
    else:
        console.print(modules_table(coverage.modules))
    console.print(summary(coverage), markup=False)
