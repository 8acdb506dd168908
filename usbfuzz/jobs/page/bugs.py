"""The crash directories of a campaign: the figures of all, and what is shown of one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from attrs import field, frozen

from usbfuzz.atomic import UNFINISHED
from usbfuzz.coverage import COVERAGE
from usbfuzz.crashes.layout import CAPTURE_FILE, CASE_FILE, JOINED_DIRECTORY, MINIMIZED_FILE, ORIGINAL_FILE
from usbfuzz.crashes.record import Crash, Standing
from usbfuzz.crashes.saved import SavedCrash
from usbfuzz.errors import InputError
from usbfuzz.report.annotate import LEGEND, annotated
from usbfuzz.report.lsusb import render_lsusb
from usbfuzz.report.words import oops_of

from .data import Bug, Manifested
from .ladder import Ladder, read_ladder
from .origin import numbers_of, strategy_of
from .reached import folder_of

__all__ = ["DETAILED", "Details", "Found", "read_bugs", "read_details"]

#: Bugs of a page that are shown whole; of the others a page has the row.
DETAILED = 200
_LINES = 400  #: of a listing or an oops, per bug
_NAMED = 8  #: directories named in one note


@frozen
class Details:
    """What is shown of one bug."""

    listing: tuple[str, ...] = ()  #: the devices byte by byte, with brackets around what matters
    marked: bool = False
    lsusb: tuple[str, ...] = ()
    oops: tuple[str, ...] = ()
    ladder: Ladder = field(factory=Ladder)
    died: bool = False  #: the guest died in the run that is recorded
    function: str = ""
    file: str = ""
    devices: tuple[str, ...] = ()
    files: tuple[str, ...] = ()  #: of the directory, by name
    problem: str = ""  #: why there is nothing


@frozen
class Found:
    """All crash directories, and what was left out."""

    bugs: tuple[Bug, ...]
    details: dict[str, Details]  #: of the first of them, by slug
    notes: tuple[str, ...]


def read_bugs(out: Path, subsystem: Callable[[str], str], most: int = DETAILED) -> Found:
    """The crash directories in ``out``, with details of the first ``most``. Raises InputError."""
    crashes, notes = _crashes(out)
    crashes.sort(key=_rank)
    details = {crash.slug: read_details(out / crash.slug) for crash in crashes[:most]}
    bugs = tuple(_bug(out, crash, details.get(crash.slug), subsystem) for crash in crashes)
    return Found(bugs, details, tuple(notes))


def _rank(crash: Crash) -> tuple[object, ...]:
    return (_ORDER.index(crash.standing), -crash.total, crash.title, crash.slug)


_ORDER = tuple(Standing)


def _crashes(out: Path) -> tuple[list[Crash], list[str]]:
    try:
        paths = sorted(path for path in out.iterdir() if path.is_dir() and not path.is_symlink())
    except OSError as error:
        raise InputError(f"{out}: cannot be read: {error.strerror}; give the directory of a campaign") from error
    crashes, foreign, unfinished = [], [], []
    for path in paths:
        if path.name.startswith(UNFINISHED):
            unfinished.append(path.name)
        elif path.name != COVERAGE:
            crash = Crash.read(path)
            crashes.append(crash) if crash is not None else foreign.append(path.name)
    notes = []
    if foreign:
        notes.append(f"Not crash directories, or not whole, and left out: {_some(foreign)}.")
    if unfinished:
        notes.append(f"Half written when something was killed, and left out: {_some(unfinished)}.")
    return crashes, notes


def _some(names: list[str]) -> str:
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more


def _bug(out: Path, crash: Crash, details: Details | None, subsystem: Callable[[str], str]) -> Bug:
    minimized = numbers_of(out / crash.slug / MINIMIZED_FILE)
    by_file = folder_of(f"/kernel/{details.file}") if details is not None and details.file else ""
    first = (crash.guilty or crash.driver).partition(",")[0].strip()
    return Bug(
        slug=crash.slug,
        title=crash.title,
        standing=crash.standing.value,
        doubt=crash.doubt,
        type=crash.type,
        driver=crash.guilty or crash.driver,
        subsystem=subsystem(first) or by_file,
        hits=crash.hits,
        reproduced=crash.reproduced,
        runs=crash.runs,
        how=crash.how,
        real=crash.confirmed if crash.confirmed >= 0 and crash.confirmations else None,
        real_runs=crash.confirmations,
        before=minimized.get("before"),
        after=minimized.get("after", crash.size or None),
        complete=minimized.get("complete") == 1,
        kernel=crash.kernel,
        first_seen=crash.first_seen,
        last_seen=crash.last_seen,
        manifestations=tuple(Manifested(row.title, row.driver, row.count, row.where) for row in crash.manifestations),
        source=strategy_of(_original(out / crash.slug)),
    )


def _original(directory: Path) -> Path:
    """The case as it was found."""
    original = directory / ORIGINAL_FILE
    return original if original.exists() else directory / CASE_FILE


def _files(directory: Path) -> tuple[str, ...]:
    """What lies in a crash directory; directories that turned out to be the same bug are below one of it."""
    names = [path.name for path in directory.iterdir() if path.is_file() and not path.name.startswith(".")]
    joined = [f"{JOINED_DIRECTORY}/"] if (directory / JOINED_DIRECTORY).is_dir() else []
    return (*sorted(names), *joined)


def read_details(directory: Path) -> Details:
    """What is shown of the bug in a crash directory; files that are broken cost only what is in them."""
    files: tuple[str, ...] = ()
    try:
        files = _files(directory)
        saved = SavedCrash.read(directory)
    except (InputError, OSError) as error:  # a campaign that runs may have joined it with another
        return Details(files=files, problem=str(error))
    report = saved.report
    died = report is not None and report.panicked
    marks = saved.minimized.marks if saved.minimized else ()
    listing = annotated(saved.case, marks)
    lsusb = [line for device in saved.case.devices for line in (*render_lsusb(device).splitlines(), "")]
    return Details(
        listing=_cut([line for line in listing if line != LEGEND], directory / CASE_FILE),
        marked=bool(marks),
        lsusb=_cut(lsusb, directory / "lsusb.txt"),
        oops=_cut(oops_of(report, saved.console), directory / "console.log"),
        ladder=read_ladder(directory / CAPTURE_FILE, died=died),
        died=died,
        function=(report.frame or "") if report else "",
        file=(report.file or "") if report else "",
        devices=tuple(f"{device.name}, {device.speed.value} speed" for device in saved.case.devices),
        files=files,
    )


def _cut(lines: list[str], path: Path) -> tuple[str, ...]:
    """The first lines, and where the others are."""
    if len(lines) <= _LINES:
        return tuple(lines)
    return (*lines[:_LINES], f"… {len(lines) - _LINES} more lines: {path}")
