"""The part of a campaign's page that says what each source of cases took and brought."""

from __future__ import annotations

from xml.etree import ElementTree as ET

from usbfuzz.jobs.html import Column, add, number, sortable

from .data import Course

__all__ = ["yield_table"]


def yield_table(section: ET.Element, course: Course) -> None:
    """A row for each source of a guided campaign."""
    total = sum(each.seconds for each in course.yields) or 1.0
    heads = ("cases", "time", "new blocks", "a second", "bugs")
    rows = sortable(section, "yields", [Column("source"), *(Column(head, True) for head in heads)])
    for each in course.yields:
        row = add(rows, "tr")
        add(row, "th", each.source)
        number(row, each.cases)
        number(row, each.seconds, f"{100 * each.seconds / total:.0f} %")
        number(row, each.blocks)
        number(row, each.rate, None if each.rate is None else f"{each.rate:,.1f}")
        number(row, each.bugs)
    said = (
        "Time is the lanes', restores after crashes included. A block counts for the source of the case that the "
        "corpus keeps for it. Sources get time by what they brought of late."
    )
    add(section, "p", said, "said")
