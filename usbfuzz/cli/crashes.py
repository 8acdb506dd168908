"""``usbfuzz crashes``: list and show what a campaign has found, and make its texts anew."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import click
from attrs import asdict

from usbfuzz.crashes.layout import DEFAULT_DIRECTORY
from usbfuzz.crashes.merging import merge, split
from usbfuzz.crashes.record import Crash, Standing, read_crashes
from usbfuzz.crashes.saved import read_report, render_anew
from usbfuzz.crashes.suppress import read_suppressed
from usbfuzz.jobs.audit import audit
from usbfuzz.jobs.check import Checked, check, twins
from usbfuzz.report.listing import crash_list, standings
from usbfuzz.report.render import render

from .guest import GuestOptions, guest_options
from .mail import mail_command
from .options import screen

__all__ = ["crashes"]


class _DirectoryOrCommand(click.Group):
    """A group whose first word may also be a directory: ``crashes DIR`` means ``crashes list DIR``."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        words = [word for word in args if not word.startswith("-")]
        if not ({"-h", "--help"} & set(args)) and not (words and words[0] in self.commands):
            args = ["list", *args]
        return super().parse_args(ctx, args)


@click.group(cls=_DirectoryOrCommand, context_settings={"help_option_names": ["-h", "--help"]})
def crashes() -> None:
    """List the crashes a campaign has saved, show one, make its texts anew; merge, split, check, audit.

    `usbfuzz crashes [DIR]` lists those in DIR (by default ./crashes).
    """


crashes.add_command(mail_command)

_in_option = click.option(
    "--in",
    "directory",
    type=click.Path(file_okay=False, path_type=Path),
    default=DEFAULT_DIRECTORY,
    show_default=True,
    help="Where the campaign saved its crashes.",
)


@crashes.command("list")
@click.argument("directory", type=click.Path(file_okay=False, path_type=Path), default=DEFAULT_DIRECTORY)
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
def list_(directory: Path, as_json: bool) -> None:
    """The crashes in DIRECTORY: bugs confirmed, bugs seen, evidence; of each the most often seen first."""
    found = sorted(read_crashes(directory).values(), key=lambda crash: (-crash.total, crash.title))
    suppressed = read_suppressed(directory)
    if as_json:
        for crash in found:
            known = {"standing": crash.standing.value, "total": crash.total, "directory": str(directory / crash.slug)}
            click.echo(json.dumps({**asdict(crash), **known}))
        return
    console = screen()
    if found:
        console.print(f"{directory}: {standings(found)}", markup=False, highlight=False)
        console.print(crash_list(found))
    else:
        console.print(f"{directory}: no crashes", markup=False)
    for title, hits in suppressed.items():
        console.print(f"suppressed: {title} ({sum(hits.values())} x)", style="dim", markup=False)


@crashes.command("show")
@click.argument("crash")
@_in_option
def show(crash: str, directory: Path) -> None:
    """Print the report of CRASH: a slug, the beginning of one, or a crash directory."""
    click.echo(read_report(crash, directory), nl=False)


@crashes.command("merge")
@click.argument("bug")
@click.argument("others", nargs=-1, required=True, metavar="OTHER...")
@_in_option
def merge_(bug: str, others: tuple[str, ...], directory: Path) -> None:
    """Make each OTHER a manifestation of BUG, as they have one cause.

    Their directories move below BUG's. Campaigns on this directory respect it: by-hand.toml there remembers it.
    """
    merged = merge(directory, (bug, *others), render)
    click.echo(f"{directory / merged.slug}: lists {len(merged.manifestations)} other reports")


@crashes.command("split")
@click.argument("bug")
@click.argument("title")
@_in_option
def split_(bug: str, title: str, directory: Path) -> None:
    """Make TITLE, which BUG lists as a manifestation, a bug of its own; remembered like a merge."""
    click.echo(f"{directory / split(directory, bug, title, render).slug}: a bug of its own")


@crashes.command("check")
@click.argument("directory", type=click.Path(file_okay=False, path_type=Path), default=DEFAULT_DIRECTORY)
@guest_options("Kernel to run them on; by default the one each was recorded on.")
@click.option("-n", "--times", type=click.IntRange(1, 100), default=3, show_default=True, help="Runs of each.")
def check_(directory: Path, guest: GuestOptions, times: int) -> int:
    """Run the case of each confirmed bug in DIRECTORY again: is it still shown, and does it show another's?

    Exit status 0 only if each bug was shown, and no two of them have one cause.
    """
    found = [crash for crash in read_crashes(directory).values() if crash.standing is Standing.CONFIRMED]
    if not found:
        click.echo(f"{directory}: no confirmed bugs")
        return 0
    return asyncio.run(_check(directory, found, guest, times))


async def _check(directory: Path, found: list[Crash], guest: GuestOptions, times: int) -> int:
    checked: list[Checked] = []
    for kernel in sorted({crash.kernel for crash in found}):
        config = await guest.prepare(kernel)
        mine = [crash for crash in found if crash.kernel == kernel]
        async for done in check(directory, mine, config, times):
            checked.append(done)
            click.echo(f"shown {done.hits} of {times}: {done.crash.title}")
    same = list(twins(checked))
    for bug, other, place in same:
        click.echo(f"one cause: the case of {bug.slug} shows {other.title} {place}; to make them one:")
        click.echo(f"    usbfuzz crashes merge {other.slug} {bug.slug} --in {directory}")
    missing = sum(not done.hits for done in checked)
    causes = "each with a cause of its own" if not same else f"{len(same)} pairs with one cause"
    click.echo(f"{len(checked)} bugs, {len(checked) - missing} shown, {causes}")
    return 1 if same or missing else 0


@crashes.command("audit")
@click.argument("directory", type=click.Path(file_okay=False, path_type=Path), default=DEFAULT_DIRECTORY)
def audit_(directory: Path) -> int:
    """Look whether all that a campaign has kept in DIRECTORY is whole and agrees: no guest is needed.

    Books, crash directories, corpus, coverage, lessons. Exit status 0 only if nothing is wrong.
    """
    found = audit(directory)
    for books in found.books:
        click.echo(
            f"{books.name}: {books.next:,} numbers handed out, {books.cases:,} run, "
            f"{len(books.unfinished)} unfinished, {len(books.skipped)} skipped"
        )
    click.echo(f"{found.crashes} crash directories, {found.corpus} cases in the corpus")
    for path in found.unfinished:
        click.echo(f"{path}: half written when something was killed; the next campaign writes or removes it")
    for finding in found.findings:
        click.echo(f"✗ {finding}")
    return 1 if found.findings else 0


@crashes.command("report")
@click.argument("crash")
@_in_option
def report(crash: str, directory: Path) -> None:
    """Make the texts of CRASH anew from its case and console.

    They are report.txt, lsusb.txt, repro.py, repro.c, repro.syz, and use.c where the case has programs.

    CRASH is a slug, the beginning of one, a crash directory, or a directory of crashes: then of all.
    """
    for path, rendered in render_anew(crash, directory, render):
        failures = ", ".join(rendered.failures)
        click.echo(f"{path}: without {failures}" if failures else f"{path}: done")
