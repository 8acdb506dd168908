"""How a campaign went: its figures, curves over wall and guest time, lanes' time, what each source brought."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from xml.etree import ElementTree as ET

from usbfuzz.jobs.html import Column, add, number, sortable
from usbfuzz.jobs.html.plots import Series, curves

from .data import Account, Course, Sample, Source
from .words import BUSY, clock, span
from .yield_section import yield_table

__all__ = ["course_sections", "tiles"]

_PANELS: tuple[tuple[str, Callable[[Sample], float | None]], ...] = (
    ("devices plugged", lambda sample: sample.devices),
    ("drivers bound", lambda sample: sample.drivers),
    ("blocks of code", lambda sample: sample.blocks),
    ("bugs confirmed", lambda sample: sample.bugs),
)
_ACROSS: tuple[tuple[str, Callable[[Sample], float]], ...] = (
    ("wall time", lambda sample: sample.wall),
    ("guest time", lambda sample: sample.guest),
)


def tiles(body: ET.Element, account: Account) -> None:
    """The figures of all campaigns of the directory together."""
    box = add(body, "dl", classes="tiles")
    lasts = [course.last for course in account.courses]
    known = [last for last in lasts if last is not None]
    whole = len(known) == len(lasts) and bool(known)
    wall = sum(last.wall for last in known) if whole else None
    totals: Counter[str] = Counter()
    for course in account.courses:
        totals.update(course.totals)
    devices = int(totals["plugs"]) if account.courses else None
    _tile(box, "time", span(wall) if wall is not None else "not known")
    _tile(box, "devices", _count(devices), f"{devices / wall:.1f}/s" if devices and wall else "")
    modules = [course.modules for course in account.courses if course.modules]
    _tile(
        box,
        "drivers bound",
        _count(sum(course.bound for course in account.courses) if account.courses else None),
        f"of {modules[0]:,}" if len(modules) == len(lasts) == 1 else "",
    )
    _tile(box, "blocks of code", _count(account.code.get("blocks")))
    _tile(box, "bugs confirmed", _count(account.count("confirmed")))
    _tile(box, "seen only", _count(account.count("seen")))
    _tile(box, "evidence", _count(account.count("evidence")))
    _tile(box, "sightings", _count(sum(bug.total for bug in account.bugs)))


def _tile(box: ET.Element, name: str, value: str, more: str = "") -> None:
    tile = add(box, "div")
    add(tile, "dt", name)
    shown = add(tile, "dd", value)
    if more:
        add(shown, "small", more)


def _count(value: int | None) -> str:
    return "not known" if value is None else f"{value:,}"


def course_sections(body: ET.Element, course: Course, *, named: bool) -> None:
    """Curves, lanes and sources of the campaign on one kernel; ``named``: there are others on the page."""
    _curves(body, course, named=named)
    halves = add(body, "div", classes="halves")
    _lanes(halves, course, named=named)
    if course.yields:
        yield_table(_heading(halves, "What each source is worth", course, named=named), course)
    _sources(halves, course, named=named)


def _heading(parent: ET.Element, title: str, course: Course, *, named: bool) -> ET.Element:
    section = add(parent, "section")
    heading = add(section, "h2", title)
    if named:
        add(heading, "small", f"{course.kernel} {' '.join(course.params)}")
    return section


def _curves(body: ET.Element, course: Course, *, named: bool) -> None:
    section = _heading(body, "Course", course, named=named)
    if len(course.samples) < 2:
        add(section, "p", "Not recorded: there are no samples of this campaign over time.", "said")
        return
    box = add(section, "div", classes="panels")
    for across, of in _ACROSS:
        for colour, (title, value) in enumerate(_PANELS):
            points = [(of(sample), y) for sample in course.samples if (y := value(sample)) is not None]
            figure = add(box, "figure")
            caption = add(figure, "figcaption")
            add(caption, "b", title)
            add(caption, "span", f"over {across}")
            if points:
                series = Series(title, [x for x, _ in points], [y for _, y in points], colour)
                figure.append(curves(f"{title} over {across}", [series], clock))
            else:
                add(figure, "p", "not known", "said")
    first = course.samples[-1]
    ratio = f", {first.guest / first.wall:.1f} s of guest time to a second" if first.wall and first.guest else ""
    add(
        section,
        "p",
        f"Guest time is that of all lanes while they ran cases, as far as their consoles tell it{ratio}.",
        "said",
    )


def _lanes(body: ET.Element, course: Course, *, named: bool) -> None:
    section = _heading(body, "Lanes' time", course, named=named)
    spent = {state: course.last.lanes.get(state, 0.0) for state in BUSY} if course.last else {}
    total = sum(spent.values())
    if not total:
        add(section, "p", "Not recorded.", "said")
        return
    bar = add(section, "div", classes="stack", role="img", **{"aria-label": "lanes' time by what they did"})
    rows = sortable(section, "lanes", [Column("what lanes did"), Column("seconds", True), Column("share", True)])
    for colour, (state, seconds) in enumerate(spent.items()):
        if not seconds:
            continue
        share = 100 * seconds / total
        add(bar, "i", classes=f"c{colour}", style=f"width: {share:.2f}%", title=f"{state} {share:.1f} %")
        row = add(rows, "tr")
        name = add(row, "th")
        add(
            name,
            "i",
            classes=f"c{colour}",
            style="display: inline-block; width: .7rem; height: .7rem; border-radius: 2px",
        )
        name[-1].tail = f" {state}"
        number(row, seconds, f"{seconds:,.0f}")
        number(row, share, f"{share:.1f} %")


def _sources(body: ET.Element, course: Course, *, named: bool) -> None:
    section = _heading(body, "What each source brought", course, named=named)
    if not course.sources:
        add(section, "p", "Not recorded.", "said")
        return
    heads = ("cases", "new blocks", "per 1,000 cases", "bugs")
    rows = sortable(section, "sources", [Column("source"), *(Column(head, True) for head in heads)])
    for name, group in (("Hypothesis", False), ("boofuzz field sweep", True)):
        mine = [source for source in course.sources if source.sweep is group]
        if mine:
            _source(rows, _summed(name, mine), whole=True)
        for source in mine:
            _source(rows, source, whole=False)
    add(
        section,
        "p",
        "A block counts for the source of the case that reached it first, where one case alone is known to; a bug for "
        "that of its case, where it takes one alone.",
        "said",
    )


def _summed(name: str, sources: Sequence[Source]) -> Source:
    blocks = [source.blocks for source in sources if source.blocks is not None]
    return Source(
        name,
        sources[0].sweep,
        sum(source.cases for source in sources),
        sum(blocks) if blocks else None,
        sum(source.bugs for source in sources),
    )


def _source(rows: ET.Element, source: Source, *, whole: bool) -> None:
    row = add(rows, "tr")
    if whole:
        add(add(row, "th"), "b", f"{source.name}, all")
    else:
        add(row, "th", source.name or "not known")
    number(row, source.cases)
    number(row, source.blocks)
    per = 1000 * source.blocks / source.cases if source.blocks is not None and source.cases else None
    number(row, per, None if per is None else f"{per:,.0f}")
    number(row, source.bugs)
