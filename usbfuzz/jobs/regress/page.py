"""The matrix as one HTML file that needs no other."""

from __future__ import annotations

from collections.abc import Sequence
from xml.etree import ElementTree as ET

from .matrix import Cell, Column, Matrix, Status
from .words import SIGNS, Topic, details, plain, short, summary, topics

__all__ = ["page"]

#: Colours: text on tinted background, each pair above 4.5:1 in both schemes.
_STYLE = """
:root { color-scheme: light dark; --bg: #fbfbfa; --fg: #1d2125; --dim: #5d666f; --line: #dcdfe3; --card: #fff;
  --ok: #116329; --ok-bg: #e3f4e7; --new: #0b5a75; --new-bg: #e1f1f6; --crash: #a40e26; --crash-bg: #fde7e9;
  --changed: #7a4b00; --changed-bg: #fbefd6; --gone: #6b2fb3; --gone-bg: #f0e8fb; }
@media (prefers-color-scheme: dark) { :root { --bg: #15181b; --fg: #e4e7ea; --dim: #98a2ab; --line: #31373d;
  --card: #1c2024; --ok: #7ee2a0; --ok-bg: #153021; --new: #7fd0ec; --new-bg: #132d38; --crash: #ff9aa5;
  --crash-bg: #42171d; --changed: #f3c66b; --changed-bg: #392b10; --gone: #cdb0ff; --gone-bg: #2c2142; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 2rem 1.5rem 4rem; max-width: 76rem; background: var(--bg); color: var(--fg);
  font: 15px/1.5 system-ui, sans-serif; }
h1 { font-size: 1.35rem; margin: 0; } h2 { font-size: 1.05rem; margin: 2.5rem 0 .75rem; }
p.summary { margin: .25rem 0 1.5rem; color: var(--dim); }
.scroll { overflow-x: auto; border: 1px solid var(--line); border-radius: 8px; background: var(--card); }
table { border-collapse: collapse; width: 100%; }
th, td { padding: .45rem .8rem; text-align: left; border-bottom: 1px solid var(--line); white-space: nowrap; }
tbody tr:last-child > * { border-bottom: 0; }
thead th { font-weight: 600; vertical-align: bottom; }
thead small { display: block; font-weight: 400; color: var(--dim); }
tbody th { font-weight: 500; white-space: normal; overflow-wrap: anywhere; }
tbody th small { display: block; font-weight: 400; color: var(--dim); }
a { color: inherit; text-decoration: none; } a:hover .tag, a:focus .tag { text-decoration: underline; }
.tag { display: inline-block; padding: .05rem .5rem; border-radius: 5px; font-size: .9em; white-space: nowrap; }
.ok { color: var(--ok); background: var(--ok-bg); } .new { color: var(--new); background: var(--new-bg); }
.crash, .error { color: var(--crash); background: var(--crash-bg); }
.warning, .changed { color: var(--changed); background: var(--changed-bg); }
.gone { color: var(--gone); background: var(--gone-bg); }
.crash, .error, .warning, .changed, .gone { font-weight: 600; }
article { margin: .75rem 0; padding: .8rem 1rem; border: 1px solid var(--line); border-radius: 8px;
  background: var(--card); }
article h3 { font-size: 1rem; margin: 0 0 .4rem; } article p { margin: .15rem 0; overflow-wrap: anywhere; }
pre, code { font: 13px/1.45 ui-monospace, monospace; }
pre { margin: .6rem 0; padding: .6rem .8rem; overflow-x: auto; background: var(--bg); border-radius: 6px; }
code { color: var(--dim); overflow-wrap: anywhere; }
""".strip()
#: The page loads and runs nothing, even if text of a guest were not escaped.
_POLICY = "default-src 'none'; style-src 'unsafe-inline'"


def page(matrix: Matrix) -> bytes:
    """The document, in UTF-8. Everything that came from outside is escaped by the writer."""
    html = ET.Element("html", lang="en")
    head = ET.SubElement(html, "head")
    ET.SubElement(head, "meta", charset="utf-8")
    ET.SubElement(head, "meta", {"http-equiv": "Content-Security-Policy", "content": _POLICY})
    ET.SubElement(head, "meta", name="viewport", content="width=device-width")
    _add(head, "title", "usbfuzz regress")
    _add(head, "style", _STYLE)
    body = ET.SubElement(html, "body")
    _add(body, "h1", "usbfuzz regress")
    _add(body, "p", summary(matrix), "summary")
    looked_at = tuple(topics(matrix))
    body.append(_table(matrix, looked_at))
    _sections(body, matrix, looked_at)
    document: bytes = ET.tostring(html, "utf-8", method="html")
    return b"<!doctype html>\n" + document + b"\n"


def _table(matrix: Matrix, looked_at: Sequence[Topic]) -> ET.Element:
    anchors = {id(cell): f"#topic-{number}" for number, topic in enumerate(looked_at) for cell in topic.cells}
    frame = ET.Element("div", {"class": "scroll"})
    table = ET.SubElement(frame, "table")
    head = ET.SubElement(ET.SubElement(table, "thead"), "tr")
    _add(head, "th", "case")
    for column in matrix.columns:
        head.append(_kernel(column))
    body = ET.SubElement(table, "tbody")
    for entry in matrix.entries:
        row = ET.SubElement(body, "tr")
        name = _add(row, "th", entry.name)
        if entry.case and entry.case.title:
            _add(name, "small", entry.case.title)
        for cell in matrix.row(entry):
            row.append(_cell(cell, anchors.get(id(cell), "")))
    return frame


def _kernel(column: Column) -> ET.Element:
    head = ET.Element("th")
    head.text = plain(column.name)
    _add(head, "small", column.release or "not available")
    return head


def _cell(cell: Cell, anchor: str) -> ET.Element:
    data = ET.Element("td", title=plain("\n".join(details(cell))))
    inside = ET.SubElement(data, "a", href=anchor) if anchor else data
    _tag(inside, cell)
    return data


def _tag(parent: ET.Element, cell: Cell) -> None:
    _add(parent, "span", f"{SIGNS[cell.status]} {short(cell)}", f"tag {cell.status.value}")


def _sections(body: ET.Element, matrix: Matrix, looked_at: Sequence[Topic]) -> None:
    if looked_at:
        _add(body, "h2", "What differs")
    for number, topic in enumerate(looked_at):
        body.append(_article(topic, number))
    known = [cell for cell in matrix.cells if cell.status is Status.OK and cell.finding and cell.finding.title]
    if known:
        _add(body, "h2", "Crashes that are recorded, and came")
    for cell in known:
        paragraph = _add(body, "p", f"{cell.entry.name} on {cell.column.name}: ")
        _add(paragraph, "code", cell.finding.title if cell.finding else "")


def _article(topic: Topic, number: int) -> ET.Element:
    article = ET.Element("article", id=f"topic-{number}")
    _tag(_add(article, "h3", f"{topic.heading} "), topic.cells[0])
    for line in topic.lines:
        _add(article, "p", line)
    if topic.report:
        _add(article, "pre", topic.report)
    if topic.command:
        _add(article, "code", topic.command)
    return article


def _add(parent: ET.Element, tag: str, text: str, classes: str = "") -> ET.Element:
    child = ET.SubElement(parent, tag, {"class": classes} if classes else {})
    child.text = plain(text)
    return child
