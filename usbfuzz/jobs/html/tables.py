"""Tables: heads, rows, numbers; with the script of this room a reader may sort and filter them."""

from __future__ import annotations

from collections.abc import Sequence
from xml.etree import ElementTree as ET

from attrs import frozen

from .document import add

__all__ = ["Column", "later", "number", "sortable"]

LIMIT = 300  #: rows of a table that a script lays out at first: ten thousand take a browser many seconds


@frozen
class Column:
    """One column of a table."""

    title: str
    numbers: bool = False  #: its cells are numbers
    about: str = ""  #: what is shown when the pointer rests on the head


def sortable(parent: ET.Element, name: str, columns: Sequence[Column], *, filter_: str = "") -> ET.Element:
    """The body of a new table with the id ``name``; ``filter_`` is what the field above it says, "" for none."""
    if filter_:
        line = add(parent, "div", classes="filter", hidden="hidden", **{"data-for": name})
        add(line, "input", type="search", placeholder=filter_, **{"aria-label": filter_})
        add(line, "output", **{"aria-live": "polite"})
    frame = add(parent, "div", classes="scroll")
    table = add(frame, "table", classes="sortable", id=name, **{"data-limit": str(LIMIT)})
    head = add(add(table, "thead"), "tr")
    for column in columns:
        about = {"title": column.about} if column.about else {}
        add(head, "th", column.title, "number" if column.numbers else "", scope="col", **about)
    return add(table, "tbody")


def later(table_body: ET.Element) -> None:
    """Call it when a table is filled: what is beyond the first rows of a long one is not laid out at first."""
    if len(table_body) <= LIMIT:
        return
    for row in table_body[LIMIT:]:
        row.set("hidden", "hidden")
        row.set("class", "later")


def number(row: ET.Element, value: float | None, text: str | None = None) -> ET.Element:
    """A cell with a number, as ``text`` where that is given; one that is not known is empty."""
    if value is None:
        return add(row, "td", text or "", "number", **{"data-v": ""})
    return add(row, "td", f"{value:,}" if text is None else text, "number", **{"data-v": str(value)})
