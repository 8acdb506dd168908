"""Bugs: the table of all, and the first of them whole."""

from __future__ import annotations

import os
import re
import shlex
from pathlib import Path
from urllib.parse import quote
from xml.etree import ElementTree as ET

from usbfuzz.jobs.html import Column, add, later, number, sortable

from .bugs import Details
from .data import Account, Bug
from .ladder import Ladder, Step
from .read import Whole

__all__ = ["bug_section"]

_COLUMNS = (
    Column("bug"),
    Column("standing"),
    Column("driver"),
    Column("subsystem"),
    Column("hits", numbers=True),
    Column("reproduced", numbers=True, about="runs that showed it again, of how many"),
    Column("real time", numbers=True, about="runs in real time that showed it, of how many"),
    Column("bytes", numbers=True, about="of its case, as found and minimized"),
    Column("kernels"),
    Column("first seen"),
    Column("last seen"),
)
_MARK = re.compile(r"\[([0-9a-f]{2}(?: [0-9a-f]{2})*)\]")
_UNKNOWN = "not known"


def bug_section(body: ET.Element, whole: Whole, base: Path, out: Path) -> None:
    """All bugs; links to files are written from ``base``, where the page lies."""
    account = whole.account
    section = add(body, "section")
    add(section, "h2", "Bugs")
    if not account.bugs:
        add(section, "p", "None was found.", "said")
    else:
        _table(section, account, whole.details)
    for title, hits in account.suppressed.items():
        add(section, "p", f"suppressed: {title} ({hits:,} \N{MULTIPLICATION SIGN})", "said")
    shown = [bug for bug in account.bugs if bug.slug in whole.details]
    if shown:
        add(add(body, "section"), "h2", "Each bug", "each")
        section = body[-1]
        if len(shown) < len(account.bugs):
            left = len(account.bugs) - len(shown)
            where = f"what is known of the other {left:,} is in {account.directory}/SLUG/."
            add(section, "p", f"The first {len(shown)} are shown whole; {where}", "said")
        for index, bug in enumerate(shown):
            _bug(section, bug, whole.details[bug.slug], f"bug-{index}", account.directory)
            _files(section[-1][-1], out / bug.slug, whole.details[bug.slug], base)


def _table(section: ET.Element, account: Account, details: dict[str, Details]) -> None:
    rows = sortable(section, "bugs", _COLUMNS, filter_="Filter bugs: title, driver, subsystem …")
    table = section.find(".//table[@id='bugs']")
    assert table is not None
    table.set("class", "sortable cards")
    for index, bug in enumerate(account.bugs):
        row = add(rows, "tr")
        name = add(row, "th", "" if bug.slug in details else bug.title)
        if bug.slug in details:
            add(name, "a", bug.title, href=f"#bug-{index}")
        add(add(row, "td", **_label("standing")), "span", bug.standing, f"tag {bug.standing}")
        driver = add(row, "td", bug.driver, "wrap", **_label("driver"))
        if not bug.driver:
            add(driver, "small", _UNKNOWN)
        subsystem = add(row, "td", classes="break", **_label("subsystem"))
        if bug.subsystem:
            _breakable(subsystem, bug.subsystem, "/")
        else:
            add(subsystem, "small", _UNKNOWN)
        _figures(row, bug)
        kernels = add(row, "td", classes="wrap kernels", **_label("kernels"))
        for kernel in sorted(bug.hits) or [bug.kernel]:
            _breakable(add(kernels, "span"), kernel, ":")
        _day(row, "first", bug.first_seen)
        _day(row, "last", bug.last_seen)
    later(rows)


def _figures(row: ET.Element, bug: Bug) -> None:
    number(row, bug.total).set("data-l", "hits")
    tried = f"{bug.reproduced} of {bug.runs}" if bug.runs else "not tried"
    number(row, bug.reproduced / bug.runs if bug.runs else None, tried).set("data-l", "reproduced")
    real = f"{bug.real} of {bug.real_runs}" if bug.real is not None else "not tried"
    number(row, bug.real / bug.real_runs if bug.real is not None else None, real).set("data-l", "real time")
    number(row, bug.after, _size(bug)).set("data-l", "bytes")


def _size(bug: Bug) -> str:
    if bug.after is None:
        return _UNKNOWN
    return f"{bug.after:,}" if bug.before is None else f"{bug.before:,} → {bug.after:,}"


def _breakable(cell: ET.Element, text: str, behind: str) -> None:
    """The text, which a narrow column may break behind each such character."""
    parts = text.split(behind)
    add(cell, "span", parts[0] + (behind if len(parts) > 1 else ""))
    for at, part in enumerate(parts[1:], 2):
        add(cell, "wbr")
        add(cell, "span", part + (behind if at < len(parts) else ""))


def _label(text: str) -> dict[str, str]:
    return {"data-l": text}


def _day(row: ET.Element, name: str, stamp: str) -> None:
    """An ISO 8601 time to the minute, in two lines."""
    day, _, hour = stamp.partition("T")
    cell = add(row, "td", f"{day} ", "day", **{"data-v": stamp, "data-l": f"{name} seen", "title": stamp})
    add(cell, "br")
    add(cell, "small", hour[:5])


def _bug(section: ET.Element, bug: Bug, details: Details, name: str, directory: str) -> None:
    whole = add(section, "details", classes="bug", id=name)
    head = add(whole, "summary")
    add(head, "b", bug.title)
    add(head, "span", bug.standing, f"tag {bug.standing}")
    add(
        head,
        "span",
        " · ".join(filter(None, (bug.driver, bug.subsystem, f"{bug.total:,} hit{'s' * (bug.total != 1)}"))),
    )
    inside = add(whole, "div", classes="inside")
    if details.problem:
        add(inside, "p", f"Not shown: {details.problem}.")
    _facts(inside, bug, details)
    two = add(inside, "div", classes="two")
    _device(add(two, "div"), details)
    _oops(add(two, "div"), details)
    _conversation(inside, details)
    _manifestations(inside, bug)
    add(inside, "h3", "To see it again")
    add(inside, "code", f"usbfuzz replay {shlex.quote(f'{directory}/{bug.slug}')}", "command")


def _files(inside: ET.Element, directory: Path, details: Details, base: Path) -> None:
    add(inside, "h3", "Files")
    files = add(inside, "p", classes="files")
    for file in details.files:
        add(files, "a", file, href=quote(os.path.relpath(directory / file, base)))


def _facts(inside: ET.Element, bug: Bug, details: Details) -> None:
    facts = add(inside, "dl", classes="facts")
    hits = ", ".join(f"{count:,} on {kernel}" for kernel, count in sorted(bug.hits.items()))
    whole = "nothing more can go" if bug.complete else "the search was cut short"
    rows = (
        ("doubt", bug.doubt),
        ("type", bug.type),
        ("function", details.function),
        ("file", details.file),
        ("seen", f"{hits}; {_when(bug)}" if hits else _when(bug)),
        ("reproduced", f"{bug.reproduced} of {bug.runs}: {bug.how}" if bug.runs else "not tried"),
        ("in real time", f"{bug.real} of {bug.real_runs}" if bug.real is not None else "not tried"),
        ("bytes", f"{_size(bug)}{f'; {whole}' if bug.before is not None else ', not minimized'}"),
        ("made by", bug.source or "several cases together, or not known"),
        ("devices", "; ".join(details.devices)),
    )
    for name, value in rows:
        if value:
            add(facts, "dt", name)
            add(facts, "dd", value)


def _when(bug: Bug) -> str:
    first, last = (stamp.replace("T", " ")[:16] for stamp in (bug.first_seen, bug.last_seen))
    return first if first == last else f"{first} to {last}"


def _device(place: ET.Element, details: Details) -> None:
    if not details.listing:
        return
    heading = add(place, "h3", "The device")
    if details.marked:
        add(heading, "small", "marked: the bug is gone when these bytes change")
    listing = add(place, "pre")
    for line in details.listing:
        _marked(listing, line)
    if details.lsusb:
        more = add(place, "details")
        add(more, "summary", "as lsusb -v shows it")
        add(more, "pre", "\n".join(details.lsusb))


def _marked(listing: ET.Element, line: str) -> None:
    """A line of the listing, with what is in brackets as marked text."""
    at = 0
    for match in _MARK.finditer(line):
        _text(listing, line[at : match.start()])
        add(listing, "mark", match[0])
        at = match.end()
    _text(listing, f"{line[at:]}\n")


def _text(parent: ET.Element, text: str) -> None:
    if len(parent):
        parent[-1].tail = (parent[-1].tail or "") + text
    else:
        parent.text = (parent.text or "") + text


def _oops(place: ET.Element, details: Details) -> None:
    if details.oops:
        add(place, "h3", "What the kernel said")
        add(place, "pre", "\n".join(details.oops))


def _manifestations(inside: ET.Element, bug: Bug) -> None:
    add(inside, "h3", "What else it leads to")
    if not bug.manifestations:
        add(inside, "p", "Nothing else was seen.", "said")
        return
    rows = add(inside, "ul")
    for other in bug.manifestations:
        row = add(rows, "li", f"{other.title} ")
        add(
            row,
            "small",
            " · ".join(filter(None, (other.driver, f"{other.count:,} \N{MULTIPLICATION SIGN}", other.where))),
        )


def _conversation(inside: ET.Element, details: Details) -> None:
    ladder = details.ladder
    heading = add(inside, "h3", "What host and device said")
    if ladder.why:
        add(inside, "p", ladder.why, "said")
        return
    fatal = "the last answer before the guest died is marked"
    add(heading, "small", fatal if details.died else "the guest went on: which transfer was fatal is not recorded")
    steps = add(inside, "ol", classes="ladder")
    ends = add(add(steps, "li", classes="ends"), "time", "ms")
    ends = add(steps[-1], "div", classes="wire")
    add(ends, "span", "host")
    add(ends, "span", "device")
    _steps(steps, ladder)


def _steps(steps: ET.Element, ladder: Ladder) -> None:
    several = len({step.device for step in ladder.steps}) > 1
    for index, step in enumerate(ladder.steps):
        if ladder.left_out and index == ladder.head:
            left = add(steps, "li", classes="note")
            add(left, "time")
            add(add(left, "div", classes="wire"), "span", f"{ladder.left_out:,} steps are left out; usb.pcapng has all")
        _step(steps, step, several=several)


def _step(steps: ET.Element, step: Step, *, several: bool) -> None:
    kind = "note" if step.asks is None else "asks" if step.asks else "says"
    item = add(steps, "li", classes=f"{kind} fatal" if step.fatal else kind)
    add(item, "time", f"{step.at:,.1f}")
    wire = add(item, "div", classes="wire")
    who = f"device {step.device}: " if several and step.asks is not None else ""
    times = f"  \N{MULTIPLICATION SIGN} {step.times:,}" if step.times > 1 else ""
    words = " ".join(filter(None, (step.text, step.status)))
    add(wire, "span", f"{who}{words}{times}")
    if step.data:
        add(wire, "small", step.data)
