"""How a sweep looks: the live view, the plain line for logs, and the summary."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from typing import Protocol

from attrs import define, field
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from .books import Found, Verdict
from .plan import Moment
from .sweep import Sweep

__all__ = ["Progress", "View", "picture", "plain_line", "summary"]

_ROWS = 12  #: bad moments in the live view, the last
_LISTED = 40  #: in the summary; bad.tsv has them all
_REASONS = 12  #: in the summary


@define
class Progress:
    """All sweeps of one run."""

    kernel: str
    begun: float = field(factory=time.monotonic)
    deadline: float = float("inf")
    sweeps: list[Sweep] = field(factory=list)  #: in the order in which they began
    subjects: int = 0  #: that there are
    recording: str = ""  #: the device whose conversation is being recorded
    failed: list[str] = field(factory=list)  #: subjects whose conversation could not be recorded, with the reason
    latest: list[tuple[str, Moment, Found]] = field(factory=list)  #: bad moments of this run

    def begin(self, seconds: float | None) -> None:
        """The first round begins now; no round begins after so many seconds."""
        self.begun = time.monotonic()
        self.deadline = float("inf") if seconds is None else self.begun + seconds

    @property
    def plugs(self) -> int:
        """Devices that were plugged in, in this run."""
        return sum(sweep.plugs for sweep in self.sweeps)

    @property
    def complete(self) -> bool:
        """Every moment of every device was tried."""
        return len(self.sweeps) == self.subjects and not any(sweep.left for sweep in self.sweeps)


class View(Protocol):
    """Shows a run to the user."""

    def update(self, progress: Progress) -> None:
        """Show it as it is now."""

    def say(self, text: str) -> None:
        """Print a line that stays on the terminal."""

    def close(self) -> None:
        """Leave the terminal as it was."""


def _clock(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes // 60}:{minutes % 60:02}:{rest:02}"


def _name(sweep: Sweep) -> str:
    return sweep.plan.case.devices[0].name


def _counts(sweep: Sweep) -> str:
    counts = sweep.counts
    tried = sum(counts.values()) - counts[Verdict.LATE]
    rest = ", ".join(f"{counts[verdict]:,} {verdict.value}" for verdict in Verdict if counts[verdict])
    return f"{tried:,} of {len(sweep.numbers):,} moments: {rest or 'none tried yet'}"


def _speed(progress: Progress, now: float) -> str:
    seconds = now - progress.begun
    left = f", {_clock(max(0.0, progress.deadline - now))} left" if progress.deadline < float("inf") else ""
    return f"{progress.plugs / max(seconds, 0.1):.1f} devices/s, {_clock(seconds)}{left}"


def plain_line(progress: Progress, now: float) -> str:
    if progress.recording:
        return f"{_clock(now - progress.begun)} recording {progress.recording}"
    if not progress.sweeps:
        return f"{_clock(now - progress.begun)} beginning"
    sweep = progress.sweeps[-1]
    number = f"{len(progress.sweeps)}/{progress.subjects} " if progress.subjects > 1 else ""
    return f"{number}{_name(sweep)}: {_counts(sweep)}; {_speed(progress, now)}"


def picture(progress: Progress, now: float) -> RenderableType:
    head = Text.assemble(("usbfuzz stress", "bold"), f"  {progress.kernel}  {_speed(progress, now)}")
    table = Table(box=None, padding=(0, 2), pad_edge=False, show_header=False)
    for sweep in progress.sweeps[-3:]:
        table.add_row(Text(_name(sweep)), Text(_counts(sweep)))
    if progress.recording:
        table.add_row(Text(progress.recording), Text("recording", style="magenta"))
    parts: list[RenderableType] = [head, table]
    for name, moment, found in progress.latest[-_ROWS:]:
        row = Text(f"✗ {name}: {moment.way.name} {moment.where}: ", no_wrap=True, overflow="ellipsis")
        parts.append(row.append(found.why, style="bold red"))
    return Group(*parts)


def summary(progress: Progress, now: float) -> RenderableType:
    """What a run ends with: of each device the counts, the bad moments, and why others were impossible."""
    parts: list[RenderableType] = [Text(f"{progress.kernel}: {progress.plugs:,} devices, {_speed(progress, now)}")]
    for sweep in progress.sweeps:
        parts.append(Text.assemble((f"\n{_name(sweep)}", "bold"), f"  {_counts(sweep)}"))
        parts += _bad(sweep)
        parts += [
            Text(f"  impossible, {count:,} x: {reason}", style="dim") for reason, count in _reasons(sweep.reasons)
        ]
        if sweep.bad:
            parts.append(Text(f"  {sweep.books.directory}/bad.tsv", style="dim", no_wrap=True, overflow="ignore"))
    parts += [Text(failure, style="yellow") for failure in progress.failed]
    return Group(*parts)


def _bad(sweep: Sweep) -> Iterator[RenderableType]:
    bad = sweep.bad
    for found in bad[:_LISTED]:
        moment = sweep.plan.moment(found.number)
        again = f"again {found.hits} of {found.runs}" if found.runs else "not tried again"
        yield Text.assemble(
            f"  {found.number:>6}  {moment.way.name} {moment.where}: ", (found.why, "red"), f"  ({again})"
        )
    if len(bad) > _LISTED:
        yield Text(f"  and {len(bad) - _LISTED:,} more")


def _reasons(reasons: Counter[str]) -> list[tuple[str, int]]:
    """The commonest reasons, the others together."""
    common = reasons.most_common(_REASONS)
    rest = sum(reasons.values()) - sum(count for _, count in common)
    return [*common, *([("other reasons", rest)] if rest else [])]
