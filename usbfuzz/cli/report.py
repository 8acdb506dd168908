"""``usbfuzz report``: a page of a campaign, and the same numbers as JSON."""

from __future__ import annotations

from pathlib import Path

import click

from usbfuzz.case.files import write_file
from usbfuzz.jobs.page.write import Report

from .options import progress

__all__ = ["report_command"]

_FILE = click.Path(dir_okay=False, path_type=Path)
_PAGE = "page.html"


@click.command("report")
@click.argument("out", type=click.Path(file_okay=False, path_type=Path))
@click.option(
    "--against",
    metavar="OTHER",
    type=click.Path(file_okay=False, path_type=Path),
    help="Compare with another campaign: bugs that are new or gone, drivers gained and lost.",
)
@click.option("-o", "--output", metavar="FILE", type=_FILE, help=f"Where the page goes; by default OUT/{_PAGE}.")
@click.option(
    "--json",
    "json_file",
    metavar="FILE",
    type=click.Path(dir_okay=False, path_type=Path, allow_dash=True),
    help="Write the numbers as JSON, too (- is the terminal); without -o only these.",
)
def report_command(out: Path, against: Path | None, output: Path | None, json_file: Path | None) -> None:
    """Make a page of the campaign in OUT: one HTML file that needs no other, also while the campaign runs.

    OUT, and OTHER, may also hold several campaigns, a directory each: then they are compared as sets of runs, with a
    test (Mann-Whitney) where each side has five. Exit status: 0 written, 2 OUT is no campaign's, 4 no room to write.
    """
    report = Report.read(out, against)
    if json_file is not None:
        _json(report, json_file)
    if output is None and json_file is None:
        output = out / _PAGE
    if output is not None:
        write_file(output, report.html(output))
        progress(f"{output} is written")


def _json(report: Report, file: Path) -> None:
    if str(file) == "-":
        click.echo(report.json(), nl=False)
    else:
        write_file(file, report.json().encode())
