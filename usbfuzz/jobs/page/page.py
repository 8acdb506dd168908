"""The page: its sections one below the other."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from xml.etree import ElementTree as ET

from attrs import frozen

from usbfuzz import __version__
from usbfuzz.jobs.html import add, document
from usbfuzz.jobs.html.document import own

from .bug_section import bug_section
from .compare import Comparison
from .compare_section import compare_section
from .course_section import course_sections, tiles
from .data import Account
from .driver_section import driver_section
from .foot import foot
from .read import Whole
from .words import headline, state_words

__all__ = ["Place", "render_page", "render_set"]


@frozen
class Place:
    """Where a page will lie, so that it can lead to the files of a bug."""

    file: Path
    out: Path
    refresh: int = 0  #: seconds after which it is made anew; 0: it is not


def render_page(whole: Whole, place: Place, comparison: Comparison | None = None) -> bytes:
    """The page of one campaign's directory."""
    account = whole.account
    body = ET.Element("body", {"data-refresh": str(place.refresh)} if place.refresh else {})
    _head(body, account, place.refresh)
    tiles(body, account)
    if comparison is not None:
        compare_section(body, comparison)
    bug_section(body, whole, place.file.parent, place.out)
    for course in account.courses:
        course_sections(body, course, named=len(account.courses) > 1)
        driver_section(body, course, named=len(account.courses) > 1)
    foot(body, account)
    return _written(f"usbfuzz: {place.out.name}", body, place.refresh)


def render_set(accounts: Sequence[Account], directory: Path, comparison: Comparison | None) -> bytes:
    """The page of a directory with several campaigns: what each came to, and the comparison of all."""
    body = ET.Element("body")
    header = add(body, "header")
    mark = add(header, "p", classes="mark")
    add(mark, "b", "usbfuzz")
    add(mark, "span", str(directory))
    add(header, "h1", f"{len(accounts)} campaigns")
    if comparison is not None:
        compare_section(body, comparison)
    for account in accounts:
        section = add(body, "section")
        add(section, "h2", account.directory)
        for sentence in headline(account):
            add(section, "p", sentence)
        add(section, "p", f"Its own page: usbfuzz report {account.directory}", "said")
    foot(body, accounts[0])
    return _written(f"usbfuzz: {directory.name}", body, 0)


def _written(title: str, body: ET.Element, refresh: int) -> bytes:
    here = Path(__file__).parent
    style = (here / "page.css").read_text(encoding="utf-8")
    script = own("table.js") + "\n" + (here / "page.js").read_text(encoding="utf-8").replace('"use strict";\n', "", 1)
    return document(title, style, body, script, refresh)


def _head(body: ET.Element, account: Account, refresh: int) -> None:
    header = add(body, "header")
    mark = add(header, "p", classes="mark")
    add(mark, "b", "usbfuzz")
    add(mark, "span", account.directory)
    add(mark, "span", f"as of {account.made[:16].replace('T', ' ')} UTC, usbfuzz {__version__}")
    first, *rest = headline(account) if account.courses else [headline(account)[0]]
    add(header, "h1", first)
    for sentence in rest:
        add(header, "p", sentence, "pays")
    again = " It is made anew while the campaign runs, and loads itself." if refresh else ""
    add(header, "p", state_words(account) + again)
    if account.notes:
        notes = add(header, "ul", classes="notes")
        for note in account.notes:
            add(notes, "li", note)
