"""How a campaign looks: the live view, the plain line for logs, and the summary."""

from __future__ import annotations

from typing import Protocol

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from usbfuzz.crashes.record import Crash, Standing
from usbfuzz.report.listing import crash_list, standings

from .messages import LaneState
from .progress import LaneProgress, Progress

__all__ = ["View", "plain_line", "render", "summary"]

_CRASH_ROWS = 12  #: in the live view; the summary has them all
_DRIVER = 18  #: columns of the driver there
_COLOURS = {LaneState.RUNNING: "green", LaneState.ATTRIBUTING: "magenta", LaneState.STOPPED: "dim"}


class View(Protocol):
    """Shows a campaign to the user."""

    def update(self, progress: Progress) -> None:
        """Show the campaign as it is now; called about twice a second."""

    def say(self, text: str) -> None:
        """Print a line that stays on the terminal."""

    def close(self) -> None:
        """Leave the terminal as it was."""


def clock(seconds: float) -> str:
    """Seconds as hours, minutes and seconds: ``1:02:03``."""
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes // 60}:{minutes % 60:02}:{rest:02}"


def _span(progress: Progress, now: float) -> str:
    elapsed = progress.elapsed(now)
    if progress.seconds is None:
        return clock(elapsed)
    return f"{clock(elapsed)}, {clock(max(0.0, progress.seconds - elapsed))} left"


def _cases(progress: Progress) -> str:
    of = "" if progress.limit is None else f" of {progress.limit:,}"
    return f"{progress.totals.cases:,}{of}"


def plain_line(progress: Progress, now: float) -> str:
    """The campaign's figures as one line for a log."""
    states = ", ".join(_state(lane) for lane in progress.lanes)
    hits = sum(crash.total for crash in progress.crashes.values())
    return (
        f"{clock(progress.elapsed(now))} cases {_cases(progress)}, devices {progress.totals.plugs:,} "
        f"({progress.recent(progress.rate, now):.1f}/s now, {progress.average():.1f}/s average), "
        f"restores {progress.totals.restores:,}, drivers {len(progress.drivers)}, "
        f"{standings(progress.crashes.values())} ({hits:,} hits), lanes {states}"
    )


def _state(lane: LaneProgress) -> str:
    return f"{lane.number} {lane.state.value}" + (f" ({lane.note})" if lane.note else "")


def render(progress: Progress, now: float) -> RenderableType:
    """The live view, one frame of it."""
    head = Table.grid(padding=(0, 2))
    head.add_row(Text("usbfuzz", style="bold"), progress.kernel, f"seed {progress.seed}", _span(progress, now))
    counts = Text.assemble(
        (f"{progress.recent(progress.rate, now):.1f}", "bold"),
        f" devices/s now, {progress.average():.1f} average · {progress.totals.plugs:,} devices · "
        f"{_cases(progress)} cases · {progress.totals.restores:,} restores",
    )
    drivers = Text(f"{len(progress.drivers)} drivers bound, of {progress.modules} modules that can bind")
    if progress.newest:
        drivers.append(f" · newest: {', '.join(reversed(progress.newest[-5:]))}", style="dim")
    if code := progress.code():
        drivers.append(f" · {code}")
    parts: list[RenderableType] = [head, counts, drivers, _lanes(progress, now)]
    if progress.crashes:
        parts += [Text(standings(progress.crashes.values())), _crashes(progress)]
    parts += [Text(note, style="yellow") for note in progress.notes]
    return Group(*parts)


def _lanes(progress: Progress, now: float) -> Table:
    table = Table(box=None, padding=(0, 2), pad_edge=False)
    for name in ("lane", "devices/s", "cases"):
        table.add_column(name, justify="right", no_wrap=True)
    for name in ("state", "in the guest"):
        table.add_column(name, no_wrap=True)
    for lane in progress.lanes:
        table.add_row(
            str(lane.number),
            f"{progress.recent(lane.rate, now):.1f}",
            f"{lane.cases:,}",
            Text(lane.state.value, style=_COLOURS.get(lane.state, "yellow")),
            Text(_doing(lane), style="dim"),
        )
    return table


def _doing(lane: LaneProgress) -> str:
    if lane.note:
        return lane.note
    return ", ".join(f"#{index}" for index in lane.indices)


def _crashes(progress: Progress) -> Table:
    bugs = [crash for crash in progress.ranking() if crash.standing is not Standing.EVIDENCE]
    table = Table(box=None, padding=(0, 1), pad_edge=False, expand=True)
    table.add_column("bug", no_wrap=True, overflow="ellipsis", ratio=1)
    table.add_column("driver", no_wrap=True, overflow="ellipsis", max_width=_DRIVER)
    table.add_column("hits", justify="right", no_wrap=True)
    table.add_column("reproduced", justify="right", no_wrap=True)
    for crash in bugs[:_CRASH_ROWS]:
        title = Text(crash.title, style="bold red" if crash.slug in progress.fresh else "")
        table.add_row(title, Text(crash.driver), f"{crash.total:,}", _reproduced(crash))
    if len(bugs) > _CRASH_ROWS:
        table.add_row(Text(f"and {len(bugs) - _CRASH_ROWS} more", style="dim"), "", "", "")
    return table


def _reproduced(crash: Crash) -> str:
    return f"{crash.reproduced} of {crash.runs}" if crash.runs else "not tried"


def _late(progress: Progress) -> str:
    repeated, given_up = progress.totals.dilated, progress.totals.disbelieved
    return f"{repeated:,} runs repeated, {given_up:,} rounds given up" if repeated else ""


def _shares(progress: Progress, now: float) -> str:
    """``running 61 %, attributing 24 %, …`` of the time until the lanes stopped."""
    spent = {state: progress.spent(state, now) for state in LaneState if state is not LaneState.STOPPED}
    total = sum(spent.values())
    shares = sorted(((seconds / total, state.value) for state, seconds in spent.items() if seconds), reverse=True)
    return ", ".join(f"{word} {100 * share:.0f} %" for share, word in shares)


def summary(progress: Progress, now: float) -> RenderableType:
    """What a campaign ends with: the counts, then every crash and where it is."""
    totals = progress.totals
    table = Table(box=None, show_header=False, padding=(0, 2), pad_edge=False)
    rows = [
        ("kernel", progress.kernel),
        ("seed", str(progress.seed)),
        ("time", clock(progress.elapsed(now))),
        ("cases", _cases(progress)),
        ("devices", f"{totals.plugs:,}, {totals.enumerated:,} enumerated"),
        ("devices/s", f"{progress.average():.1f}, {progress.pace(now):.1f} a lane while it runs cases"),
        ("lanes' time", _shares(progress, now)),
        ("restores", f"{totals.restores:,}"),
        ("drivers bound", f"{len(progress.drivers)}, of {progress.modules} modules that can bind"),
        ("code", progress.code()),
        ("answered late", _late(progress)),
        ("skipped", f"{progress.skipped:,} cases that took down a lane each time" if progress.skipped else ""),
        ("bugs", f"{standings(progress.crashes.values())}; {len(progress.fresh)} of them new"),
    ]
    for name, value in rows:
        if value:
            table.add_row(Text(name, style="dim"), value)
    return Group(table, crash_list(progress.ranking(), progress.fresh)) if progress.crashes else table
