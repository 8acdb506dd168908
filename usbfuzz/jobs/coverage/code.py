"""Pages with text: a source file, whose executed lines lead to the cases that reached them; and a case."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path
from xml.etree import ElementTree as ET

from usbfuzz.case.files import read_text
from usbfuzz.errors import CaseError
from usbfuzz.jobs.html import add
from usbfuzz.reading import plain

from .listing import way
from .pages import INDEX, Page, case_page, file_page, number, share
from .sources import FileCoverage

__all__ = ["case", "file", "source_lines"]

_MAX_BYTES = 8 << 20  #: of a source file
_STYLE = """
body { max-width: 90rem; }
pre { overflow-x: auto; padding: .6rem 0; border: 1px solid var(--line); border-radius: 8px; background: var(--card);
  font-size: 12.5px; line-height: 1.5; }
pre > * { display: block; padding-left: .8rem; width: max-content; min-width: 100%; }
pre i { font-style: normal; color: var(--dim); user-select: none; }
.y { background: var(--ok-bg); } .n { background: var(--crash-bg); }
a.y:hover { outline: 1px solid var(--ok); } :target { outline: 2px solid var(--new); outline-offset: -2px; }
details { margin: 0 0 1rem; } summary { cursor: pointer; color: var(--dim); }
""".strip()


def file(found: FileCoverage, text: Sequence[str] | None, cases: Sequence[str]) -> Page:
    """A source file; without its text only the lines that there is code of."""
    page = Page(file_page(found.path), found.path, _STYLE)
    words = f"{found.covered:,} of {found.known:,} lines executed"
    page.heading(way(found.path), found.path.rpartition("/")[2], words)
    _functions(page, found)
    if text is None:
        add(page.body, "p", "The source of this kernel is not here; see: usbfuzz kernel source --help")
    code = add(page.body, "pre")
    counted = {line: (hits, case) for _, line, hits, case in found.lines.tolist()}
    for line in counted if text is None else range(1, len(text) + 1):
        _line(page, code, line, text[line - 1] if text else "", counted.get(line), cases)
    return page


def case(name: str, path: Path, reached: Sequence[str]) -> Page:
    """A case file as text, and how to run it again."""
    page = Page(case_page(name), name, _STYLE)
    page.heading((("coverage", INDEX),), name, f"reached first of all: {', '.join(reached) or 'nothing'}")
    try:
        text = read_text(path)
    except CaseError as error:
        add(page.body, "p", str(error))
    else:
        again = add(page.body, "p", "Run it again: ")
        add(again, "code", f"usbfuzz replay {shlex.quote(str(path))}")
        add(add(page.body, "pre"), "span", text)
    return page


def source_lines(top: Path, path: str) -> list[str] | None:
    """The lines of a file of a source tree; None when there is none, or when it is not in the tree."""
    try:
        found = (top / path).resolve(strict=True)
        if not found.is_relative_to(top.resolve()) or not found.is_file() or found.stat().st_size > _MAX_BYTES:
            return None
        return found.read_bytes().decode("utf-8", "replace").expandtabs(8).removesuffix("\n").split("\n")
    except (OSError, ValueError):
        return None


def _functions(page: Page, found: FileCoverage) -> None:
    if not found.functions:
        return
    reached = sum(function.function.covered > 0 for function in found.functions)
    details = add(page.body, "details")
    add(details, "summary", f"{reached:,} of {len(found.functions):,} functions reached")
    rows = page.table("function", "", "bytes executed", "", "module", within=details)
    for function in found.functions:
        row = add(rows, "tr", classes="" if function.function.covered else "none")
        page.name(row, function.function.name, page.path, f"L{function.line}")
        share(row, function.function.covered, function.function.size, bar=True)
        number(row, function.module)


def _line(
    page: Page, code: ET.Element, line: int, content: str, counted: tuple[int, int] | None, cases: Sequence[str]
) -> None:
    if counted is None:
        shown = ET.SubElement(code, "span")
        gutter = f"{line:6}           "
    else:
        hits, number_of_case = counted
        given = {"class": "y" if hits else "n", "id": f"L{line}"}
        if number_of_case >= 0:
            name = cases[number_of_case]
            given |= {"href": page.to(case_page(name)), "title": f"first reached by {name}"}
        shown = ET.SubElement(code, "a" if number_of_case >= 0 else "span", given)
        gutter = f"{line:6} {_short(hits) if hits else '':>8}  "
    mark = ET.SubElement(shown, "i")
    mark.text = gutter
    mark.tail = f"{plain(content)}\n"  # not seen, as each line is a block; text that is copied has it


def _short(count: int) -> str:
    """A count in at most five characters: ``118``, ``12.3k``, ``4M``."""
    for unit in ("", "k", "M", "G"):
        if count < 10000:
            return f"{count}{unit}"
        count //= 1000
    return f"{count}T"
