"""What was measured as one table: figures, how long each known bug took, and drivers that were asked for."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from attrs import asdict, frozen
from rich.table import Table as Grid
from rich.text import Text

from usbfuzz.jobs.page.words import clock, span

from .bugs import KnownBug
from .measure import DriverReached, Measured
from .plan import Side, Wanted
from .spread import Spread, spread_of

__all__ = ["EngineTable", "FigureRow", "table_of"]

_FORMAT = 1
_HOUR = 3600.0
#: Seconds of a campaign from which on its figures are held against goals: at first nearly everything is new.
LEAST_FOR_GOALS = 600.0
#: Goals by row: at least this much, of the guided side.
GOALS = {"cases a second": 40.0, "lanes' time that ran cases": 0.6}
#: Of the modules that can bind, those that did, after ten minutes and from an hour on.
BOUND_GOALS = ((600.0, 380 / 446), (3600.0, 410 / 446))
#: Blocks of code, guided against unguided.
BLOCKS_GOAL = 1.5


@frozen
class FigureRow:
    """One figure of all campaigns."""

    name: str
    sides: dict[Side, Spread | None]
    word: Callable[[float], str]  #: puts a value
    goal: float | None = None  #: of the guided side's median
    ratio_goal: float | None = None

    @property
    def ratio(self) -> float | None:
        """Guided against unguided; None where there is nothing to divide by."""
        guided, unguided = (self.sides.get(side) for side in Side)
        if guided is None or unguided is None or not unguided.median:
            return None
        return guided.median / unguided.median

    @property
    def good(self) -> bool | None:
        """Whether its goals are met; None without one, or where the figure is not known."""
        guided = self.sides.get(Side.GUIDED)
        met = []
        if self.goal is not None and guided is not None:
            met.append(guided.median >= self.goal)
        if self.ratio_goal is not None and self.ratio is not None:
            met.append(self.ratio >= self.ratio_goal)
        return all(met) if met else None


@frozen
class EngineTable:
    """Everything that is known of the campaigns."""

    wanted: Wanted
    runs: tuple[Measured, ...]
    bugs: tuple[KnownBug, ...]
    rows: tuple[FigureRow, ...]

    @property
    def good(self) -> bool:
        """No goal was missed."""
        return all(row.good is not False for row in self.rows)

    def of(self, side: Side) -> list[Measured]:
        """The campaigns of one side."""
        return [run for run in self.runs if run.side is side]

    def times(self, bug: KnownBug, side: Side) -> Spread | None:
        """Wall seconds until a bug was seen first."""
        return spread_of((run.bugs[bug.name] for run in self.of(side)), never=True)

    def grid(self) -> Grid:
        """The table for a terminal."""
        wanted = self.wanted
        seeds = f"{wanted.seeds} seed{'s' * (wanted.seeds != 1)}"
        grid = Grid(title=f"{wanted.kernel}, {span(wanted.seconds)} each, {seeds}: median (least to most)")
        grid.add_column("what")
        for side in wanted.sides:
            grid.add_column(side.value, justify="right")
        if wanted.unguided:
            grid.add_column("guided / unguided", justify="right")
        grid.add_column("wanted", justify="right")
        for row in self.rows:
            cells = [_text(row.sides[side], row.word) for side in wanted.sides]
            ratio = [f"{row.ratio:.2f} x" if row.ratio is not None else ""] if wanted.unguided else []
            grid.add_row(row.name, *cells, *ratio, _goal(row))
        self._add_bugs(grid)
        self._add_drivers(grid)
        return grid

    def _add_bugs(self, grid: Grid) -> None:
        """A row each, in the order of how soon they are found."""
        grid.add_section()
        width = len(grid.columns)
        for bug in sorted(self.bugs, key=lambda bug: (_middle(self.times(bug, Side.GUIDED)), bug.title)):
            cells = [self._bug_cell(self.times(bug, side), side) for side in self.wanted.sides]
            grid.add_row(Text(bug.title), *cells, *[""] * (width - 1 - len(cells)))

    def _bug_cell(self, times: Spread | None, side: Side) -> str:
        if times is None:
            return ""
        lanes = max(run.lanes for run in self.of(side))
        hours = "" if math.isinf(times.median) else f", {times.median * lanes / _HOUR:.2f} lane-h"
        return f"{times.found} of {times.seeds}: {times.text(_moment)}{hours}"

    def _add_drivers(self, grid: Grid) -> None:
        grid.add_section()
        width = len(grid.columns)
        for name in self.runs[0].drivers if self.runs else ():
            cells = [_driver_cell([run.drivers[name] for run in self.of(side)]) for side in self.wanted.sides]
            grid.add_row(Text(name), *cells, *[""] * (width - 1 - len(cells)))

    def to_json(self) -> dict[str, Any]:
        """Plain data for ``--json``: rows, and every campaign with its own figures; times are wall seconds."""
        return {
            "format": _FORMAT,
            "kernel": self.wanted.kernel,
            "seconds": self.wanted.seconds,
            "seeds": self.wanted.seeds,
            "arguments": list(self.wanted.arguments),
            "rows": [
                {
                    "name": row.name,
                    **{side.value: _plain(spread) for side, spread in row.sides.items()},
                    "ratio": row.ratio,
                    "goal": row.goal,
                    "ratio_goal": row.ratio_goal,
                    "good": row.good,
                }
                for row in self.rows
            ],
            "bugs": [
                {
                    "name": bug.name,
                    "title": bug.title,
                    **{side.value: _plain(self.times(bug, side)) for side in self.wanted.sides},
                }
                for bug in self.bugs
            ],
            "runs": [{**asdict(run), "side": run.side.value} for run in self.runs],
        }


def table_of(wanted: Wanted, runs: Sequence[Measured], bugs: Sequence[KnownBug]) -> EngineTable:
    """The table of these campaigns."""

    def row(name: str, of: Callable[[Measured], float | None], word: Callable[[float], str], **goals: Any) -> FigureRow:
        spreads = {side: spread_of(of(run) for run in runs if run.side is side) for side in wanted.sides}
        return FigureRow(name, spreads, word, **goals)

    judged = wanted.seconds >= LEAST_FOR_GOALS
    can_bind = next((run.can_bind for run in runs if run.can_bind), None)
    share = max((share for seconds, share in BOUND_GOALS if wanted.seconds >= seconds), default=None)
    bound_goal = round(can_bind * share) if can_bind and share else None
    of = f", of {can_bind:,} that can" if can_bind else ""
    rows = [
        row(f"modules bound{of}", lambda run: run.bound, _whole, goal=bound_goal),
        row("blocks of code reached", lambda run: run.blocks, _whole, ratio_goal=BLOCKS_GOAL if judged else None),
        row("cases a second", lambda run: run.cases_per_second, "{:.1f}".format),
        row("lanes' time that ran cases", lambda run: run.running, "{:.0%}".format),
        row("bugs confirmed", lambda run: run.confirmed, _whole),
        row("bugs seen", lambda run: run.seen, _whole),
    ]
    if bugs:
        found = f"known bugs found, of {len(bugs)}"
        rows.append(row(found, lambda run: sum(wall is not None for wall in run.bugs.values()), _whole))
    goals = GOALS if judged else {}
    return EngineTable(wanted, tuple(runs), tuple(bugs), tuple(_with_goal(each, goals.get(each.name)) for each in rows))


def _with_goal(row: FigureRow, goal: float | None) -> FigureRow:
    return row if goal is None else FigureRow(row.name, row.sides, row.word, goal, row.ratio_goal)


def _whole(value: float) -> str:
    return f"{value:,.0f}"


def _moment(seconds: float) -> str:
    return "not found" if math.isinf(seconds) else clock(seconds)


def _text(spread: Spread | None, word: Callable[[float], str]) -> str:
    return "not known" if spread is None else spread.text(word)


def _middle(spread: Spread | None) -> float:
    return math.inf if spread is None else spread.median


def _goal(row: FigureRow) -> str:
    mark = {None: "", True: " [green]✓[/]", False: " [red]✗[/]"}[row.good]
    goals = [f"≥ {row.word(row.goal)}"] if row.goal is not None else []
    goals += [f"≥ {row.ratio_goal:g} x"] if row.ratio_goal is not None and Side.UNGUIDED in row.sides else []
    return f"{', '.join(goals)}{mark}" if goals else ""


def _driver_cell(found: Sequence[DriverReached]) -> str:
    if not any(each.there for each in found):
        return "no such module in this kernel"
    first = spread_of((each.bound for each in found), never=True)
    assert first is not None
    blocks = spread_of(each.blocks for each in found)
    bound = f"bound in {first.found} of {first.seeds}" if first.seeds > 1 else ("bound" if first.found else "not bound")
    parts = [bound if not first.found else f"{bound}, first {clock(first.least)}", f"{_text(blocks, _whole)} blocks"]
    lines = spread_of(each.lines for each in found)
    if lines is not None:
        parts.append(f"{lines.text(_whole)} of {max(each.known for each in found):,} lines")
    return "; ".join(parts)


def _plain(spread: Spread | None) -> dict[str, Any] | None:
    """JSON has no infinity: a time that never came is null."""
    if spread is None:
        return None
    return {
        key: None if isinstance(value, float) and math.isinf(value) else value for key, value in asdict(spread).items()
    }
