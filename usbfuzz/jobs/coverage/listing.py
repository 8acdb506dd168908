"""Pages that list: folders and modules, the files of a folder, the functions of a module."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from xml.etree import ElementTree as ET

from usbfuzz.jobs.html import add

from .modules import ModuleCoverage
from .pages import INDEX, Page, case_page, file_page, folder_page, module_page, number, share
from .read import Coverage
from .table import summary
from .tree import Folder, Tally

__all__ = ["Places", "folder", "index", "module", "way"]

_LINES = ("", "lines executed", "", "functions reached", "")
#: module, section and offset of a function -> path of its file, and its line
Places = Mapping[tuple[str, str, int], tuple[str, int]]


def index(coverage: Coverage, top: Folder) -> Page:
    """The first page: folders as a tree, and modules."""
    page = Page(INDEX, f"Coverage of {coverage.blocks.kernel}")
    page.heading((), page.title, summary(coverage))
    add(page.body, "h2", "Source")
    rows = page.table("folder", *_LINES)
    for depth, name, below in top.walk():
        _tallied(page, rows, name, folder_page(below.path), below.tally, depth)
    _tallied(page, rows, "all", None, top.tally)
    add(page.body, "h2", "Modules")
    rows = page.table("module", "", "functions reached", "", "bytes executed", "", "blocks")
    for found in sorted(coverage.modules, key=lambda module: (-module.reached, module.name)):
        row = add(rows, "tr")
        page.name(row, found.name, module_page(found.name))
        share(row, found.reached, len(found.functions), bar=True)
        share(row, found.covered, found.size)
        number(row, f"{found.blocks:,}")
    return page


def folder(here: Folder) -> Page:
    """The folders and files of a folder; a file of which nothing was executed has no page."""
    page = Page(folder_page(here.path), here.path)
    page.heading(way(here.path), here.path, _words(here.tally))
    rows = page.table("name", *_LINES)
    for name, below in here.below():
        _tallied(page, rows, f"{name}/", folder_page(below.path), below.tally)
    for file, tally in here.files:
        _tallied(page, rows, file.path.rpartition("/")[2], file_page(file.path) if tally.covered else None, tally)
    return page


def module(found: ModuleCoverage, places: Places) -> Page:
    """The functions of a module."""
    page = Page(module_page(found.name), f"{found.name}, a module")
    words = f"{found.reached:,} of {len(found.functions):,} functions reached, {found.blocks:,} blocks"
    page.heading((("coverage", INDEX),), page.title, words)
    rows = page.table("function", "", "bytes executed", "", "hits", "case")
    for function in found.functions:
        place = places.get((found.name, function.section, function.offset))
        row = add(rows, "tr", classes="" if function.covered else "none")
        page.name(row, function.name, file_page(place[0]) if place else None, f"L{place[1]}" if place else "")
        share(row, function.covered, function.size, bar=True)
        number(row, f"{function.hits:,}" if function.covered else "")
        cell = add(row, "td")
        if function.case:
            add(cell, "a", function.case, href=page.to(case_page(function.case)))
    return page


def way(path: str) -> Sequence[tuple[str, str]]:
    """The folders above a file or folder: name and page of each."""
    parts = path.split("/")[:-1]
    folders = [(part, folder_page("/".join(parts[: number + 1]))) for number, part in enumerate(parts)]
    return (("coverage", INDEX), *folders)


def _tallied(page: Page, rows: ET.Element, name: str, path: str | None, tally: Tally, depth: int = 0) -> None:
    row = add(rows, "tr", classes="" if tally.covered else "none")
    page.name(row, name, path, depth=depth)
    share(row, tally.covered, tally.known, bar=True)
    share(row, tally.reached, tally.functions)


def _words(tally: Tally) -> str:
    functions = f"{tally.reached:,} of {tally.functions:,} functions reached" if tally.functions else "no functions"
    return f"{tally.covered:,} of {tally.known:,} lines executed, {functions}"
