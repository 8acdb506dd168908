"""Two sides next to each other: figures at the same time, bugs and drivers that only one has, and the test."""

from __future__ import annotations

from collections.abc import Sequence
from xml.etree import ElementTree as ET

from usbfuzz.jobs.html import Column, add, number, sortable

from .compare import Comparison, Test
from .data import Bug
from .words import span

__all__ = ["compare_section"]

_WORDS = {
    "devices": "devices plugged",
    "drivers": "drivers bound",
    "blocks": "blocks of code",
    "bugs": "bugs confirmed",
    "seen": "crashes seen",
}
_SHOWN = 200  #: bugs in a list


def compare_section(body: ET.Element, found: Comparison) -> None:
    """The comparison of a page."""
    section = add(body, "section")
    add(add(section, "h2", "Against"), "small", found.other)
    here, there = found.runs
    many = "" if here == there == 1 else f", medians of {here} and {there} runs"
    when = (
        f"Figures after {span(found.at)} of each{many}."
        if found.at is not None
        else "Figures are those of each one's end: at what time is not known."
    )
    add(section, "p", f"{when} {len(found.new)} bugs are new, {len(found.gone)} gone, {found.both} in both.", "said")
    tests = {test.name: test for test in found.tests}
    heads = [Column("figure"), Column("here", True), Column("there", True), Column("difference", True)]
    rows = sortable(section, "against", [*heads, Column("Mann-Whitney")])
    for figure in found.figures:
        row = add(rows, "tr")
        add(row, "th", _WORDS[figure.name])
        number(row, figure.here, _number(figure.here))
        number(row, figure.there, _number(figure.there))
        known = figure.here is not None and figure.there is not None
        difference = (figure.here or 0) - (figure.there or 0) if known else None
        number(row, difference, "" if difference is None else f"{difference:+,.0f}")
        add(row, "td", _told(tests[figure.name]) if figure.name in tests else "")
    if found.why_no_test:
        add(section, "p", found.why_no_test, "said")
    halves = add(section, "div", classes="halves")
    _bugs(halves, "New here", found.new)
    _bugs(halves, "Gone: only there", found.gone)
    _drivers(section, "Drivers gained", found.gained)
    _drivers(section, "Drivers lost", found.lost)


def _number(value: float | None) -> str:
    return "not known" if value is None else f"{value:,.0f}"


def _told(test: Test) -> str:
    how = "exact" if test.exact else "normal approximation"
    return f"U = {test.u:g} of {test.pairs}, p = {test.p:.3g} ({how})"


def _bugs(parent: ET.Element, title: str, bugs: Sequence[Bug]) -> None:
    section = add(parent, "section")
    add(section, "h3", f"{title}: {len(bugs) or 'none'}")
    if bugs:
        rows = add(section, "ul")
        for bug in bugs[:_SHOWN]:
            row = add(rows, "li", f"{bug.title} ")
            add(row, "small", bug.driver)
        if len(bugs) > _SHOWN:
            add(rows, "li", f"and {len(bugs) - _SHOWN} more")


def _drivers(parent: ET.Element, title: str, names: Sequence[str]) -> None:
    paragraph = add(parent, "p")
    add(paragraph, "b", f"{title}: {len(names) or 'none'}")
    if names:
        paragraph[-1].tail = f" {', '.join(names)}"
