"""``usbfuzz bisect`` and ``usbfuzz bisect-step``: between which kernels, or commits, a bug came or went."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click
from attrs import frozen
from rich.table import Table
from rich.text import Text

from harness.guest.kernels import default_cache
from harness.guest.kernels.offered import kept, offered
from harness.guest.qemu import Mode
from harness.workers.procs import usable_cores
from usbfuzz.errors import InputError
from usbfuzz.jobs.bisect.archive import Bisection, Range
from usbfuzz.jobs.bisect.build import UserTree
from usbfuzz.jobs.bisect.step import step
from usbfuzz.jobs.regress.presence import Bug, Presence, Shown, find_presence
from usbfuzz.jobs.regress.run import CELL_SECONDS, RegressOptions

from .options import gathered, kernel_param_option, kernels_option, mode_option, progress, screen, timeout_option

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from usbfuzz.jobs.bisect.search import Change, History

__all__ = ["bisect_command", "step_command"]

_STYLES = {Shown.YES: "red", Shown.NO: "green", Shown.OTHER: "yellow", Shown.UNKNOWN: "dim"}


@frozen
class _Looking:
    """How the case is run, and what is looked for."""

    any_crash: bool
    seconds: float
    mode: Mode
    kernel_params: tuple[str, ...]

    def bug(self, case: Path) -> Bug:
        """The bug of a case; raises InputError when there is none to look for."""
        bug = Bug.read(case)
        if not bug.title and not self.any_crash:
            raise InputError(f"{case}: records no crash to look for; give --any, which takes any crash for it")
        return bug

    def on(self, kernels: Sequence[str]) -> RegressOptions:
        """What the matrix is asked."""
        return RegressOptions(tuple(kernels), mode=self.mode, kernel_params=self.kernel_params, seconds=self.seconds)


def _looking(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options of :class:`_Looking`, which the command gets as ``looking``."""
    timeout = timeout_option(CELL_SECONDS, "What the runs on one kernel may take, without booting.")
    any_crash = click.option("--any", "any_crash", is_flag=True, help="Any crash counts, not only the one of CASE.")
    return any_crash(timeout(mode_option()(kernel_param_option(gathered("looking", _Looking)(command)))))


@click.command("bisect")
@click.argument("case", type=click.Path(path_type=Path))
@kernels_option("Search only among these, oldest first; give it once for each.")
@click.option("--cached", is_flag=True, help="Search only among the kernels that are here already.")
@click.option("--every-series", is_flag=True, help="Run the oldest and the newest of each series (5.10, 6.1), too.")
@_looking
def bisect_command(case: Path, looking: _Looking, *, kernels: tuple[str, ...], cached: bool, every_series: bool) -> int:
    """Find the kernels between which the crash of CASE (a case file, or a crash directory) came or went.

    By default all stock kernels that Debian's archives offer, and those in the cache, are searched: the kernel that the
    crash was seen on, the oldest and the newest are run first, then the middle between two that differ. What cannot be
    fetched or does not boot is left out. Exit status 0 when a change was found, 1 when none was.
    """
    bug = looking.bug(case)
    chosen = _range(bug, kernels, cached=cached, every_series=every_series)

    async def ask(names: Sequence[str]) -> Sequence[Presence]:
        return await find_presence(bug, looking.on(names), on_found=_tell, on_progress=progress)

    progress(f"{len(chosen.kernels)} kernels, from {chosen.kernels[0]} to {chosen.kernels[-1]}")
    history = asyncio.run(Bisection(chosen, ask, looking.any_crash).run())
    _show(bug, history)
    return 0 if history.changes else 1


@click.command("bisect-step")
@click.argument("case", type=click.Path(path_type=Path))
@click.argument("tree", type=click.Path(path_type=Path))
@click.option(
    "--config", type=click.Path(path_type=Path), metavar="FILE", help="What TREE/.config is to be before each build."
)
@click.option("-j", "--jobs", type=click.IntRange(1, 1024), default=usable_cores, help="By default one for each core.")
@click.option("--fixed", is_flag=True, help="Look for the commit that fixed it: 0 while it crashes, 1 when no more.")
@_looking
def step_command(case: Path, looking: _Looking, *, tree: Path, config: Path | None, jobs: int, fixed: bool) -> int:
    """Build the kernel TREE as it is checked out and run CASE on it, for "git bisect run".

    Exit status 0 it does not crash, 1 it crashes as recorded, 125 this commit tells nothing: it does not build or boot,
    or another crash came. 128 and above, at which git stops: wrong input, or this machine failed.
    """
    bug = looking.bug(case)
    source = UserTree(tree.absolute(), config.absolute() if config else None, jobs)
    source.check()
    found = asyncio.run(
        step(bug, source, looking.on(()), any_crash=looking.any_crash, fixed=fixed, on_progress=progress)
    )
    progress(found.why)
    return found.answer


def _range(bug: Bug, kernels: tuple[str, ...], *, cached: bool, every_series: bool) -> Range:
    """The kernels that are meant; raises InputError when there are not two."""
    if kernels:
        given = tuple(dict.fromkeys(kernels))
        found = Range(given, bug.kernel, here=frozenset(given))
    else:
        cache = default_cache()
        here = kept(cache)
        names = here if cached else offered(cache, on_progress=progress)
        found = Range(tuple(names), bug.kernel, every_series, frozenset(here))
    if len(found.kernels) < 2:
        raise InputError(
            f"{', '.join(found.kernels) or 'no kernel'}: there is nothing between fewer than two kernels; "
            "name some with --kernel, or fetch some with `usbfuzz kernel add`"
        )
    return found


def _tell(found: Presence) -> None:
    """Say on stderr what one kernel did, as soon as that is known."""
    words = f": {found.other}" if found.other else f": {found.error}" if found.error else ""
    progress(f"{found.kernel}: {found.shown.value}{words}")


def _show(bug: Bug, history: History) -> None:
    console = screen()
    table = Table("kernel", bug.title or "any crash")
    for name in history.kernels:
        if name in history.shown:
            shown = history.shown[name]
            table.add_row(Text(name), Text(shown.value, style=_STYLES[shown]))
    console.print(table)
    for change in history.changes:
        console.print(Text(_change(change)), soft_wrap=True)
    if not history.changes:
        console.print(Text(_unchanged(history)), soft_wrap=True)


def _change(change: Change) -> str:
    last, first = ("last good", "first bad") if change.came else ("last bad", "first good")
    skipped = f"; in between, not known: {', '.join(change.skipped)}" if change.skipped else ""
    return f"{last} {change.before}, {first} {change.after}{skipped}"


def _unchanged(history: History) -> str:
    if bad := history.having(Shown.YES):
        return f"it came on all kernels that could be run ({len(bad)}): it was there before, and is not fixed"
    if good := history.having(Shown.NO):
        return f"it came on none of the kernels that could be run ({len(good)}): nothing to search between"
    return "no kernel could be run: nothing is known"
