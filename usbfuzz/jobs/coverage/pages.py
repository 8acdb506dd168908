"""What the pages of a report have in common: where each lies, how they lead to each other, how a share is drawn."""

from __future__ import annotations

import posixpath
from collections.abc import Sequence
from urllib.parse import quote
from xml.etree import ElementTree as ET

from attrs import field, frozen

from usbfuzz.jobs.html import add, document

from .table import percent

__all__ = ["INDEX", "Page", "case_page", "file_page", "folder_page", "module_page", "number", "share"]

INDEX = "index.html"

_STYLE = """
h1 { overflow-wrap: anywhere; }
nav { color: var(--dim); margin-bottom: .4rem; overflow-wrap: anywhere; }
:is(nav, td, th, p) a { text-decoration: underline; text-decoration-color: var(--line); text-underline-offset: 3px; }
:is(nav, td, th, p) a:hover { text-decoration-color: currentcolor; }
th, td { padding: .3rem .8rem; }
tbody th { width: 99%; min-width: 14rem; font-weight: 400; }
.none > * { color: var(--dim); }
""".strip()
_DEEPEST = 6  #: how far names of folders are moved to the right
_STYLE += "".join(f"\n.d{depth} {{ padding-left: {0.8 + 1.3 * depth:.1f}rem; }}" for depth in range(1, _DEEPEST + 1))


def folder_page(path: str) -> str:
    """Where the page of a folder of the source tree lies; that of the top is the first page."""
    return f"source/{path}/{INDEX}" if path else INDEX


def file_page(path: str) -> str:
    """Where the page of a file of the source tree lies."""
    return f"source/{path}.html"


def module_page(name: str) -> str:
    """Where the page of a module lies."""
    return f"modules/{name}.html"


def case_page(name: str) -> str:
    """Where the page of a case lies."""
    return f"cases/{name}.html"


@frozen
class Page:
    """A page that is being made."""

    path: str  #: below the directory of the report
    title: str
    style: str = ""  #: CSS of its own
    body: ET.Element = field(factory=lambda: ET.Element("body"))

    def written(self) -> tuple[str, bytes]:
        """Its path and content."""
        return self.path, document(self.title, f"{_STYLE}\n{self.style}", self.body)

    def to(self, path: str, anchor: str = "") -> str:
        """The address of another page of the report, from this one."""
        found = quote(posixpath.relpath(path, posixpath.dirname(self.path)))
        return f"{found}#{anchor}" if anchor else found

    def heading(self, above: Sequence[tuple[str, str]], title: str, summary: str) -> None:
        """The way here (names and paths of pages), the title, a line below it."""
        way = add(self.body, "nav")
        for name, path in above:
            add(way, "a", name, href=self.to(path)).tail = " / "
        add(self.body, "h1", title)
        add(self.body, "p", summary, "summary")

    def table(self, first: str, *columns: str, within: ET.Element | None = None) -> ET.Element:
        """The body of a new table; all columns but the first hold numbers."""
        table = add(add(self.body if within is None else within, "div", classes="scroll"), "table")
        head = add(add(table, "thead"), "tr")
        add(head, "th", first)
        for column in columns:
            add(head, "th", column, "number")
        return add(table, "tbody")

    def name(self, row: ET.Element, text: str, path: str | None, anchor: str = "", depth: int = 0) -> ET.Element:
        """The first cell of a row, which leads to a page if there is one."""
        cell = add(row, "th", "" if path else text, f"d{min(depth, _DEEPEST)}")
        if path:
            add(cell, "a", text, href=self.to(path, anchor))
        return cell


def number(row: ET.Element, text: str) -> None:
    """A cell with a number."""
    add(row, "td", text, "number")


def share(row: ET.Element, part: int, whole: int, *, bar: bool = False) -> None:
    """Two or three cells: a bar, the share in numbers and in percent."""
    if bar:
        cell = add(row, "td")
        if whole:
            add(cell, "meter", min="0", max=str(whole), value=str(part), title=percent(part, whole))
    number(row, f"{part:,} of {whole:,}" if whole else "")
    number(row, percent(part, whole))
