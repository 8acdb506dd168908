"""The matrix as one HTML file that needs no other."""

from __future__ import annotations

from collections.abc import Sequence
from xml.etree import ElementTree as ET

from usbfuzz.jobs.html import add, document
from usbfuzz.reading import plain

from .matrix import Cell, Column, Matrix, Status
from .words import SIGNS, Topic, details, short, summary, topics

__all__ = ["page"]

_STYLE = """
thead small { display: block; font-weight: 400; color: var(--dim); }
tbody th small { display: block; font-weight: 400; color: var(--dim); }
a:hover .tag, a:focus .tag { text-decoration: underline; }
.crash, .error, .warning, .changed, .gone { font-weight: 600; }
article { margin: .75rem 0; padding: .8rem 1rem; border: 1px solid var(--line); border-radius: 8px;
  background: var(--card); }
article h3 { font-size: 1rem; margin: 0 0 .4rem; } article p { margin: .15rem 0; overflow-wrap: anywhere; }
pre { margin: .6rem 0; padding: .6rem .8rem; overflow-x: auto; background: var(--bg); border-radius: 6px; }
code { color: var(--dim); overflow-wrap: anywhere; }
""".strip()


def page(matrix: Matrix) -> bytes:
    """The document, in UTF-8."""
    body = ET.Element("body")
    add(body, "h1", "usbfuzz regress")
    add(body, "p", summary(matrix), "summary")
    looked_at = tuple(topics(matrix))
    body.append(_table(matrix, looked_at))
    _sections(body, matrix, looked_at)
    return document("usbfuzz regress", _STYLE, body)


def _table(matrix: Matrix, looked_at: Sequence[Topic]) -> ET.Element:
    anchors = {id(cell): f"#topic-{number}" for number, topic in enumerate(looked_at) for cell in topic.cells}
    frame = ET.Element("div", {"class": "scroll"})
    table = ET.SubElement(frame, "table")
    head = ET.SubElement(ET.SubElement(table, "thead"), "tr")
    add(head, "th", "case")
    for column in matrix.columns:
        head.append(_kernel(column))
    body = ET.SubElement(table, "tbody")
    for entry in matrix.entries:
        row = ET.SubElement(body, "tr")
        name = add(row, "th", entry.name)
        if entry.case and entry.case.title:
            add(name, "small", entry.case.title)
        for cell in matrix.row(entry):
            row.append(_cell(cell, anchors.get(id(cell), "")))
    return frame


def _kernel(column: Column) -> ET.Element:
    head = ET.Element("th")
    head.text = plain(column.name)
    add(head, "small", column.release or "not available")
    return head


def _cell(cell: Cell, anchor: str) -> ET.Element:
    data = ET.Element("td", title=plain("\n".join(details(cell))))
    inside = ET.SubElement(data, "a", href=anchor) if anchor else data
    _tag(inside, cell)
    return data


def _tag(parent: ET.Element, cell: Cell) -> None:
    add(parent, "span", f"{SIGNS[cell.status]} {short(cell)}", f"tag {cell.status.value}")


def _sections(body: ET.Element, matrix: Matrix, looked_at: Sequence[Topic]) -> None:
    if looked_at:
        add(body, "h2", "What differs")
    for number, topic in enumerate(looked_at):
        body.append(_article(topic, number))
    known = [cell for cell in matrix.cells if cell.status is Status.OK and cell.finding and cell.finding.title]
    if known:
        add(body, "h2", "Crashes that are recorded, and came")
    for cell in known:
        paragraph = add(body, "p", f"{cell.entry.name} on {cell.column.name}: ")
        add(paragraph, "code", cell.finding.title if cell.finding else "")


def _article(topic: Topic, number: int) -> ET.Element:
    article = ET.Element("article", id=f"topic-{number}")
    _tag(add(article, "h3", f"{topic.heading} "), topic.cells[0])
    for line in topic.lines:
        add(article, "p", line)
    if topic.report:
        add(article, "pre", topic.report)
    if topic.command:
        add(article, "code", topic.command)
    return article
