"""``usbfuzz coverage``: what of a kernel's code was executed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from pathlib import Path

import click
from attrs import frozen

from harness.guest.kernels import Kernel, default_cache, resolve
from harness.guest.kernels.objects import KernelObjects
from harness.guest.qemu import Mode
from usbfuzz.atomic import write_tree
from usbfuzz.case.files import CASE_FILE, write_file
from usbfuzz.case.files import resolve as resolve_case
from usbfuzz.coverage import BLOCKS_FILE, Blocks, blocks_file, case_path, read_blocks
from usbfuzz.errors import InputError, StorageError
from usbfuzz.importers.naming import slug
from usbfuzz.jobs.aim import Reach, Wanted, aim_at, aimed_table, reach
from usbfuzz.jobs.coverage.data import to_json
from usbfuzz.jobs.coverage.lcov import tracefile
from usbfuzz.jobs.coverage.read import Coverage, read_coverage, read_sources
from usbfuzz.jobs.coverage.run import run_case
from usbfuzz.jobs.coverage.site import pages
from usbfuzz.jobs.coverage.table import functions_table, modules_table, summary
from usbfuzz.load import case_of, load_device

from .guest import GuestOptions, guest_options
from .options import aim_options, gathered, progress, screen

__all__ = ["coverage_command"]


@frozen
class _Wanted:
    """What the user wants to see."""

    functions: str | None
    html: Path | None
    lcov: Path | None
    json: bool
    drivers: tuple[str, ...]
    files: tuple[str, ...]
    since: str | None

    @property
    def aim(self) -> Wanted:
        """Which functions alone are asked for."""
        return Wanted(self.drivers, self.files, self.since)


@frozen
class _Found:
    """What was executed, of which kernel, by which cases."""

    blocks: Blocks
    kernel: Kernel
    case_path: Callable[[str], Path]  #: the file of a case


@click.command("coverage")
@click.argument("what", metavar="DIR|CASE")
@click.option("--functions", metavar="MODULE", help="The functions of one module in place of the table of modules.")
@click.option("--html", metavar="NEW_DIR", type=click.Path(path_type=Path), help="Write pages down to source lines.")
@click.option(
    "--lcov", metavar="FILE", type=click.Path(dir_okay=False, path_type=Path), help="Write a tracefile of lcov."
)
@click.option("--json", is_flag=True, help="Print everything as JSON.")
@aim_options
@guest_options("Kernel to run CASE on; by default the one it was recorded on.", mode=Mode.WARP)
@gathered("wanted", _Wanted)
def coverage_command(what: str, wanted: _Wanted, guest: GuestOptions) -> int:
    """Show which modules and functions were executed: by a campaign, or by one case.

    DIR is a campaign's output, or the coverage/ in there. CASE is a case file, a crash directory or a model: it is run
    in a guest. With --driver, --file or --since the table is of the functions that these mean, reached or not. For
    source lines (--html, --lcov) the kernel's debug information must be here (usbfuzz kernel debug); to show their text
    its source (usbfuzz kernel source).
    """
    if wanted.html is not None and wanted.html.exists():
        raise InputError(f"{wanted.html}: exists already; give the name of a new directory")
    found = _ran(what, guest) if _is_case(Path(what)) else _read(Path(what))
    objects = KernelObjects.of(found.kernel, default_cache())
    coverage = read_coverage(found.blocks, found.kernel, objects)
    aim = aim_at(found.kernel, wanted.aim, default_cache(), progress)
    _show(coverage, wanted, reach(aim, found.blocks, objects) if aim is not None else None)
    if wanted.lcov is not None or wanted.html is not None:
        _write(coverage, wanted, found.case_path)
    return 0


def _is_case(path: Path) -> bool:
    """Whether a path means a case to be run; a name that is no path means a model."""
    return (path / CASE_FILE).exists() if path.is_dir() else path.suffix != Path(BLOCKS_FILE).suffix


def _read(path: Path) -> _Found:
    """What a campaign executed."""
    file = blocks_file(path).absolute()
    blocks = read_blocks(file)
    return _Found(blocks, resolve(blocks.kernel, default_cache(), on_progress=progress), partial(case_path, file))


def _ran(what: str, guest: GuestOptions) -> _Found:
    """What a case executes."""
    loaded = load_device(what)
    case, name = case_of(loaded), slug(loaded.name)

    async def run() -> _Found:
        config = await guest.prepare(case.recorded_kernel)
        return _Found(await run_case(case, name, config, progress), config.kernel, lambda _: file)

    file = resolve_case(what).absolute() if loaded.case else Path(what)
    return asyncio.run(run())


def _write(coverage: Coverage, wanted: _Wanted, case_path: Callable[[str], Path]) -> None:
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
            write_tree(wanted.html, pages(coverage, sources, case_path))
        except OSError as error:
            raise StorageError(f"{wanted.html}: cannot be written: {error.strerror}; make room there") from error


def _show(coverage: Coverage, wanted: _Wanted, reached: Reach | None) -> None:
    if wanted.json:
        click.echo(to_json(coverage, None if reached is None else reached.as_data()), nl=False)
        return
    console = screen()
    if reached is not None:
        console.print(aimed_table(reached))
        console.print(str(reached), markup=False)
    elif wanted.functions is not None:
        console.print(functions_table(coverage.module(wanted.functions)))
    else:
        console.print(modules_table(coverage.modules))
    console.print(summary(coverage), markup=False)
