"""What a soak found, as tables for a terminal."""

from __future__ import annotations

from collections.abc import Iterator
from statistics import median

from rich.table import Table as Grid
from rich.text import Text

from usbfuzz.jobs.audit import Audited
from usbfuzz.jobs.page.words import span

from .growth import TOLERANCE, Growth, grown
from .killing import VICTIMS, Killed
from .looks import Row
from .run import Soaked
from .soaking import Course

__all__ = ["tables"]

_MIB = float(1 << 20)


def tables(soaked: Soaked) -> Iterator[Grid | Text]:
    """All that there is to show, one thing after the other."""
    yield Text(f"{soaked.wanted.kernel}, {soaked.wanted.lanes} lanes; {soaked.machine}")
    if soaked.course is not None:
        yield _processes(soaked.course)
        yield _sizes(soaked.course)
        grew = "nothing grew" if soaked.course.seen.judged else "it was too short to say whether anything grew"
        yield _whole(soaked.course.audited, soaked.course.findings, f"{grew}; nothing is left or damaged")
    if soaked.killed is not None:
        yield _kills(soaked.killed)
        yield _whole(soaked.killed.audited, soaked.killed.findings, "nothing is left, was lost or done twice")
    yield from (Text(f"✗ {finding}") for finding in soaked.findings)


def _whole(audited: Audited, findings: tuple[str, ...], well: str) -> Text:
    verdict = f"{len(findings)} findings" if findings else well
    seen = f"{audited.crashes} crash directories and {audited.corpus} cases of the corpus"
    return Text(f"{seen} looked through: {verdict}")


def _grid(title: str, *names: str) -> Grid:
    grid = Grid(title=title, title_justify="left")
    for number, name in enumerate(names):
        grid.add_column(name, justify="right" if number else "left")
    return grid


def _processes(course: Course) -> Grid:
    cases = course.seen.cases[-1][1] if course.seen.cases else 0
    title = f"Processes over {span(course.seconds)} and {cases:,} cases: first quarter and last, after a warm-up"
    grid = _grid(title, "process", "lives", "looks", "memory", "", "growth", "an hour", "files", "threads", "")
    for row in course.rows:
        grid.add_row(
            row.name,
            str(row.lives),
            str(row.looks),
            *_memory(row.memory),
            _count(row.descriptors),
            _count(row.threads),
            _mark(row),
        )
    return grid


def _memory(growth: Growth | None) -> tuple[str, str, str, str]:
    if growth is None:
        return "-", "-", "-", "-"
    first, last = (f"{value / _MIB:.1f} MiB" for value in (growth.first, growth.last))
    return first, last, f"{100 * growth.share:+.1f} %", f"{100 * growth.per_hour:+.1f} %"


def _count(growth: Growth | None) -> str:
    return "-" if growth is None else f"{growth.first:g} → {growth.last:g}"


def _mark(row: Row) -> str:
    if row.findings:
        return "[red]✗[/]"
    if not row.judged or row.memory is None:
        return "too short"
    return f"[green]✓[/] (≤ {100 * TOLERANCE:.0f} %)"


def _sizes(course: Course) -> Grid:
    grid = _grid("On the disk", "what", "first", "last", "an hour")
    for what, looks in course.seen.sizes.items():
        growth = grown([looks], course.seen.begin, course.seen.end)
        if growth is not None:
            hourly = (growth.last - growth.first) / growth.hours / _MIB if growth.hours else 0.0
            grid.add_row(what, f"{growth.first / _MIB:.2f} MiB", f"{growth.last / _MIB:.2f} MiB", f"{hourly:+.1f} MiB")
    return grid


def _kills(killed: Killed) -> Grid:
    grid = _grid(
        f"{len(killed.deaths)} kills while {killed.cases:,} cases were run; seconds, median and most",
        *("killed", "times", "rounds went on", "all gone", "books unsaved", "findings"),
    )
    waits = {before.number: after.waited for before, after in zip(killed.deaths, killed.deaths[1:], strict=False)}
    for role in VICTIMS:
        mine = [death for death in killed.deaths if death.victim == role.value]
        if mine:
            grid.add_row(
                role.value,
                str(len(mine)),
                _spread([waits[death.number] for death in mine if death.number in waits]),
                _spread([death.cleared for death in mine]),
                _spread([death.unsaved for death in mine]),
                str(sum(len(death.findings) for death in mine) or ""),
            )
    return grid


def _spread(seconds: list[float]) -> str:
    return f"{median(seconds):.1f}, {max(seconds):.1f}" if seconds else "-"
