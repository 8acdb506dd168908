"""``usbfuzz corpus``: cases that reached something new, as a directory to fill, join, make smaller and look at."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import click

from harness.guest.probe.probing import Heap, Probing
from harness.guest.qemu import Mode
from harness.lane.prepare import prepare
from usbfuzz.corpus import names_in, read_case
from usbfuzz.corpus.directory import check_corpus, open_directory
from usbfuzz.errors import InputError
from usbfuzz.jobs.corpus.merging import merge_into
from usbfuzz.jobs.corpus.minimizing import CorpusMinimization
from usbfuzz.jobs.corpus.seeding import seeded
from usbfuzz.jobs.corpus.shown import look
from usbfuzz.jobs.corpus.table import cases_table, kernels_table, one_case, summary
from usbfuzz.jobs.corpus.trim import trim

from .options import budget_option, kernels_option, lanes_option, progress, screen

__all__ = ["corpus"]

_SHOWN = 40  #: rows of the table, unless all are asked for
_NAMED = 12  #: cases that are named one by one

_directory = click.argument("directory", metavar="DIR", type=click.Path(path_type=Path))


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def corpus() -> None:
    """Keep cases that reached something new in a directory: add to it, merge several, make it smaller, show it."""


@corpus.command("add")
@_directory
@click.argument("files", metavar="FILE...", nargs=-1, required=True)
def add(directory: Path, files: tuple[str, ...]) -> int:
    """Add FILEs to the corpus DIR, which is made if it is missing.

    A FILE is a case file, a crash directory, a directory of them, a model, a Device class of your own (mine.py,
    mine.py:Headset), or anything that `usbfuzz import` reads; - is standard input.
    """
    if directory.exists():
        open_directory(directory, progress)
    errors: list[InputError] = []
    new = known = 0
    for source, name, is_new in seeded(directory, files, errors, progress):
        new, known = new + is_new, known + (not is_new)
        if new + known <= _NAMED:
            click.echo(f"{name} {'added' if is_new else 'is there already'}: {source}")
    if new + known:
        click.echo(f"{directory}: {new} cases added, {known} were there already, {len(names_in(directory))} now")
    for error in errors[1:]:
        progress(str(error))
    if errors:
        raise errors[0]
    return 0


@corpus.command("merge")
@click.argument("into", metavar="INTO", type=click.Path(path_type=Path))
@click.argument("sources", metavar="FROM...", nargs=-1, required=True, type=click.Path(path_type=Path))
def merge(into: Path, sources: tuple[Path, ...]) -> None:
    """Add other corpora to the corpus INTO, which is made if it is missing: their cases, and what these reached.

    FROM is a corpus or the output of a campaign; of an earlier version's campaign, what its coverage/ holds.
    """
    merged = merge_into(into, sources, progress)
    click.echo(f"{into}: {merged.new} cases added, {merged.known} were there already, {len(names_in(into))} now")
    for kernel, blocks in merged.blocks.items():
        click.echo(f"{kernel}: {blocks:,} blocks that no case of {into} was known to reach")


@corpus.command("minimize")
@_directory
@kernels_option("Run the cases on this kernel; give it once for each kernel that the corpus is for.")
@budget_option("With --kernel: stop after 90s, 10m, 1h …")
@lanes_option
def minimize(directory: Path, kernels: tuple[str, ...], seconds: float, lanes: int) -> None:
    """Make the corpus DIR smaller.

    Without --kernel the cases go that were run, and reached nothing on any kernel that no other reached before. With
    --kernel each case runs alone in a guest; those stay that together reach everything, and are made smaller as long as
    they reach what they are kept for. The same command goes on after an interruption.
    """
    if not kernels:
        gone, left = trim(directory), len(names_in(directory))
        click.echo(f"{directory}: {len(gone)} cases removed that reach nothing of their own, {left} left")
        return
    check_corpus(directory)

    async def run() -> CorpusMinimization:
        probing = Probing(heap=Heap.OFF)
        configs = [
            await prepare(kernel, mode=Mode.WARP, probing=probing, on_progress=progress)
            for kernel in dict.fromkeys(kernels)
        ]
        job = CorpusMinimization(directory, configs, lanes, seconds, progress)
        await job.run()
        return job

    job = asyncio.run(run())
    end = "nothing more can go" if job.complete else "stopped early: the same command goes on"
    what = f"{job.removed} cases removed, {job.shrunk} made smaller by {job.saved:,} bytes"
    click.echo(f"{directory}: {what}, {len(names_in(directory))} left ({end})")


@corpus.command("show")
@_directory
@click.argument("case", required=False)
@click.option("--all", "everything", is_flag=True, help=f"All cases; otherwise the {_SHOWN} that reached most first.")
@click.option("--json", "as_json", is_flag=True, help="Print everything as JSON.")
def show(directory: Path, case: str | None, *, everything: bool, as_json: bool) -> None:
    """Show what is in the corpus DIR: cases, their bytes, what they were the first to reach, where they come from.

    CASE is the name of one of them, or its beginning: its devices, and what it reached.
    """
    shown = look(directory, progress)
    console = screen()
    if case is not None:
        entry = shown.entry(case)
        for line in one_case(entry, read_case(directory, entry.name), shown.kernels):
            console.print(line, markup=False, soft_wrap=True)
        return
    if as_json:
        click.echo(json.dumps(shown.to_json(), indent=1))
        return
    console.print(summary(shown), markup=False)
    if shown.kernels:
        console.print(kernels_table(shown))
    if shown.entries:
        console.print(cases_table(shown, None if everything else _SHOWN))
    if not everything and len(shown.entries) > _SHOWN:
        console.print(f"… and {len(shown.entries) - _SHOWN:,} more; --all lists them", markup=False)
