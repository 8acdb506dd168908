"""Drivers: which bound, which gave a device up and at which request, which were never reached, and their coverage."""

from __future__ import annotations

from xml.etree import ElementTree as ET

from usbfuzz.jobs.html import Column, add, later, number, sortable

from .data import Course, Driver
from .words import clock

__all__ = ["driver_section"]

_COLUMNS = (
    Column("module"),
    Column("standing"),
    Column("bound", numbers=True, about="times"),
    Column("first", numbers=True, about="wall time when it bound first"),
    Column("gave up", numbers=True, about="times a device made for it was not bound, though its code ran"),
    Column("at which request", about="the last it had made, most often first"),
    Column("functions", numbers=True, about="that ran, of those it has"),
    Column("", about="share of its functions"),
    Column("blocks", numbers=True, about="of its code that ran"),
)
_PLACES = 3  #: requests named of one driver
_CLASSES = {"bound": "bound", "gave up": "gave", "code ran": "code", "never reached": "never"}


def driver_section(body: ET.Element, course: Course, *, named: bool) -> None:
    """The drivers of the campaign on one kernel; ``named``: there are others on the page."""
    section = add(body, "section")
    heading = add(section, "h2", "Drivers")
    if named:
        add(heading, "small", course.kernel)
    reached = [driver for driver in course.drivers if driver.standing != "never reached"]
    never = [driver for driver in course.drivers if driver.standing == "never reached"]
    counts = {word: sum(driver.standing == word for driver in reached) for word in ("bound", "gave up", "code ran")}
    said = f"{counts['bound']} bound, {counts['gave up']} only gave up, of {counts['code ran']} some code ran"
    missing = f", {len(never)} were never reached" if course.modules else "; which others there are was not recorded"
    add(section, "p", f"{said}{missing}.{_unseen(course)}", "said")
    if reached:
        rows = sortable(section, f"drivers-{id_of(course)}", _COLUMNS, filter_="Filter drivers")
        for driver in sorted(reached, key=lambda driver: (-driver.bound, -driver.given_up, driver.module)):
            _row(rows, driver)
        later(rows)
    if never:
        more = add(section, "details", classes="more")
        add(more, "summary", f"{len(never)} modules that were never reached")
        add(more, "p", ", ".join(driver.module for driver in never), "names")


def id_of(course: Course) -> str:
    """A word for ids of the page that no other campaign of it has."""
    return "".join(char if char.isalnum() else "-" for char in f"{course.kernel}-{'-'.join(course.params)}")


def _unseen(course: Course) -> str:
    if any(driver.gave_up for driver in course.drivers):
        return ""
    if not course.runs:
        return " Where drivers gave up was not recorded."
    if not course.runs[-1].facts.get("guest", {}).get("coverage"):
        return " Where drivers gave up is not known without coverage."
    return ""


def _row(rows: ET.Element, driver: Driver) -> None:
    row = add(rows, "tr")
    name = add(row, "th", driver.module)
    others = [other for other in driver.names if other.replace("-", "_") != driver.module]
    if others:
        name.text = f"{driver.module} "
        add(name, "small", ", ".join(others))
    add(add(row, "td"), "span", driver.standing, f"tag {_CLASSES[driver.standing]}")
    number(row, driver.bound or None)
    number(row, driver.first, None if driver.first is None else clock(driver.first))
    number(row, driver.given_up or None)
    _places(row, driver)
    whole = driver.functions or 0
    number(row, driver.reached if whole else None, f"{driver.reached:,} of {whole:,}" if whole else "")
    share = add(row, "td", **{"data-v": f"{(driver.reached or 0) / whole:.4f}" if whole else ""})
    if whole:
        add(
            share,
            "meter",
            min="0",
            max=str(whole),
            value=str(driver.reached or 0),
            title=f"{driver.reached} of {whole}",
        )
    number(row, driver.blocks)


def _places(row: ET.Element, driver: Driver) -> None:
    cell = add(row, "td", classes="wrap")
    words = [place.request or "before a request of its own" for place in driver.gave_up]
    times = [f" \N{MULTIPLICATION SIGN}{place.times}" if place.times > 1 else "" for place in driver.gave_up]
    cell.text = "; ".join(map("".join, [*zip(words, times, strict=True)][:_PLACES]))
    if len(driver.gave_up) > _PLACES:
        add(cell, "small", f" and {len(driver.gave_up) - _PLACES} more")
