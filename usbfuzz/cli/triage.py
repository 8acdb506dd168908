"""``usbfuzz triage``: name the crashes in console logs."""

from __future__ import annotations

import json
import textwrap
from pathlib import Path
from typing import IO, Any

import click
from rich.console import Console
from rich.text import Text

from usbfuzz.errors import InputError
from usbfuzz.reading import MAX_BYTES, log_of, unmailed
from usbfuzz.triage import Report, Symbols, extract, symbolize

__all__ = ["triage"]


@click.command()
@click.argument("logs", metavar="LOG...", nargs=-1, required=True, type=click.File("rb"))
@click.option(
    "--json", "as_json", is_flag=True, help="One JSON object a log, in order; title null means no crash, or an error."
)
@click.option("--text", is_flag=True, help="Show each report's own lines.")
@click.option(
    "--symbols",
    "paths",
    metavar="PATH",
    multiple=True,
    type=click.Path(exists=True, path_type=Path),
    help="Debug information (a built tree, an unpacked -dbg package, a vmlinux) to name source lines by; repeatable.",
)
def triage(logs: tuple[IO[bytes], ...], *, as_json: bool, text: bool, paths: tuple[Path, ...]) -> None:
    """Name the crashes in Linux console logs ("-" reads standard input).

    Logs may be compressed (gzip, xz, bzip2, Zstandard), in UTF-16, and mails. One that is no text is an error, and the
    others are read all the same.
    """
    console = Console(highlight=False, soft_wrap=True)
    symbols = Symbols.find(paths) if paths else None
    unread: list[InputError] = []
    for log in logs:
        name = getattr(log, "name", "-")
        try:
            reports = extract(unmailed(log_of(log.read(MAX_BYTES + 1), name)))
        except InputError as error:
            unread.append(error)
            if as_json:
                click.echo(json.dumps({**_as_json(name, []), "error": str(error)}))
            continue
        if symbols is not None:
            reports = [symbolize(report, symbols) for report in reports]
        if as_json:
            click.echo(json.dumps(_as_json(name, reports)))
        else:
            _show(console, name, reports, text=text or symbols is not None)
    if unread:
        raise InputError("\nusbfuzz: ".join(map(str, unread)))


def _as_json(name: str, reports: list[Report]) -> dict[str, Any]:
    """The first report's fields, which name the log's crash, and the others under "others"."""
    if not reports:
        return {"log": name, "title": None, "alt": [], "type": None, "corrupted": False, "suppressed": False}
    first, *others = (_fields(report) for report in reports)
    return {"log": name, **first, "others": others}


def _fields(report: Report) -> dict[str, Any]:
    return {
        "title": report.title,
        "alt": list(report.alt_titles),
        "type": report.type,
        "corrupted": report.corrupted,
        "corruption": report.corruption,
        "suppressed": report.suppressed,
        "panicked": report.panicked,
        "frame": report.frame,
        "file": report.file,
        "module": report.module,
        "task": report.task,
        "count": report.count,
        "start": report.start,
        "end": report.end,
        "text": report.text,
    }


def _show(console: Console, name: str, reports: list[Report], *, text: bool) -> None:
    console.print(Text(name, style="bold"), Text("no crash" if not reports else ""))
    for report in reports:
        console.print(Text("  "), Text(report.title, style="red"), sep="")
        facts = {
            "type": report.type,
            "file": report.file,
            "module": report.module,
            "task": report.task,
            "times": report.count if report.count > 1 else None,
            "doubtful": report.corruption or None,
            "suppressed": report.suppressed or None,
        }
        console.print(Text("    " + "  ".join(f"{key}: {fact}" for key, fact in facts.items() if fact), style="dim"))
        if text:
            console.print(Text(textwrap.indent(report.text, "    ")))
