"""``usbfuzz bench engine``: what campaigns from nothing find, over seeds."""

from __future__ import annotations

import json
from pathlib import Path

import click
from attrs import frozen

from harness.guest.kernels import DEFAULT_KERNEL, default_cache, resolve
from usbfuzz.errors import InputError
from usbfuzz.jobs.bench.engine import KnownBug, Wanted, known_bugs, measured, run_all, table_of
from usbfuzz.jobs.bench.engine.plan import checked_arguments

from .options import as_seconds, gathered, kernel_option, progress, screen

__all__ = ["engine_command"]

_BUGS = Path("corpus/known-bugs")
_NOTHING = "nothing-learned"  #: a directory of a benchmark, which stays empty


@frozen
class _Looked:
    """What is looked at."""

    bugs: Path | None
    drivers: str
    json: bool


@frozen
class _Learned:
    """What the campaigns may know of drivers."""

    learned: Path | None
    no_learned: bool

    def arguments(self, out: Path) -> tuple[str, ...]:
        """Those of ``usbfuzz fuzz``. Raises InputError."""
        if self.no_learned and self.learned is not None:
            raise InputError("--no-learned and --learned: give one of them")
        directory = out / _NOTHING if self.no_learned else self.learned
        return () if directory is None else ("--learned", str(directory.resolve()))


@click.command("engine")
@kernel_option("Kernel to fuzz.", DEFAULT_KERNEL)
@click.option(
    "-t", "--time", "seconds", metavar="TIME", default="10m", show_default=True, callback=as_seconds,
    help="How long each campaign runs.",
)  # fmt: skip
@click.option("--seeds", type=click.IntRange(1, 100), default=3, show_default=True, help="Campaigns of each side.")
@click.option(
    "-o", "--out", type=click.Path(file_okay=False, path_type=Path), required=True,
    help="Where the campaigns are kept: one that has had its time is not run again, one that was stopped goes on.",
)  # fmt: skip
@click.option("--unguided", is_flag=True, help="Run as many campaigns that nothing guides, and compare.")
@click.option(
    "--bugs", type=click.Path(file_okay=False, path_type=Path),
    help=f"Case files of known bugs, whose titles are looked for; by default {_BUGS}, if there is one.",
)  # fmt: skip
@click.option("--drivers", metavar="NAME,…", default="", help="Drivers that get a row each.")
@click.option("--learned", type=click.Path(exists=True, file_okay=False, path_type=Path), help="As of `usbfuzz fuzz`.")
@click.option("--no-learned", is_flag=True, help="The campaigns know nothing that was learned of drivers.")
@click.option("--json", is_flag=True, help="Print JSON instead of a table.")
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
@gathered("looked", _Looked)
@gathered("learned", _Learned)
def engine_command(
    kernel: str, seconds: float, seeds: int, out: Path, unguided: bool, looked: _Looked, learned: _Learned,
    arguments: tuple[str, ...],
) -> int:  # fmt: skip
    """Measure what campaigns find that begin with nothing: modules, code, bugs, and the time to each known bug.

    ARGUMENTS, behind --, are further ones of `usbfuzz fuzz` for every campaign. Exit status 1 when a goal is missed;
    campaigns of less than ten minutes have none.
    """
    further = (*learned.arguments(out), *checked_arguments(arguments))  # before anything is fetched
    found = resolve(kernel, default_cache(), on_progress=progress)
    bugs = _known(looked.bugs, found.name)
    wanted = Wanted(found.name, seconds, seeds, out, unguided, further)
    if learned.no_learned:
        (out / _NOTHING).mkdir(parents=True, exist_ok=True)
    run_all(wanted, progress)
    drivers = [name.strip() for name in looked.drivers.split(",") if name.strip()]
    runs = [measured(campaign, found, seconds, bugs, drivers) for campaign in wanted.campaigns]
    table = table_of(wanted, runs, bugs)
    if looked.json:
        click.echo(json.dumps(table.to_json(), indent=1))
    else:
        screen().print(table.grid())
    return 0 if table.good else 1


def _known(directory: Path | None, kernel: str) -> tuple[KnownBug, ...]:
    if directory is None and not _BUGS.is_dir():
        return ()
    bugs = known_bugs(directory or _BUGS, kernel, progress)
    if not bugs:
        progress(f"{directory or _BUGS}: expects no bug of {kernel}; none is looked for")
    return bugs
