"""A crash directory read back, and the texts in it: made anew by a renderer, or shown.

The renderer is an argument, and always :func:`usbfuzz.report.render.render`: :mod:`usbfuzz.report` imports this room,
which therefore cannot import it.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

from attrs import field, frozen

from usbfuzz.atomic import discard, write_atomically
from usbfuzz.case import load
from usbfuzz.case.model import Case
from usbfuzz.coverage import Reached, parse_reached
from usbfuzz.errors import CaseError, InputError
from usbfuzz.triage import Report, extract

from .layout import (
    CAPTURE_FILE,
    CASE_FILE,
    CONSOLE_FILE,
    CRASH_FILE,
    FUNCTIONS_FILE,
    ORIGINAL_FILE,
    REPORT_FILE,
    USE_FILE,
)
from .lock import DirectoryLock
from .minimized import Minimized, load_result
from .record import Crash, find_crash, read_crashes

__all__ = ["Rendered", "Renderer", "SavedCrash", "read_report", "render_anew", "write_texts"]

_MAX_TEXT = 64 << 20  #: bytes of console.log and coverage.tsv that are read
_MAX_REPORT = 4 << 20  #: bytes of report.txt that are shown


@frozen
class SavedCrash:
    """What a crash directory holds: everything its texts are made from."""

    crash: Crash
    case: Case
    console: str
    minimized: Minimized | None = None
    reached: tuple[Reached, ...] = ()  #: what the run reached of the driver's code, where that was seen
    files: frozenset[str] = frozenset()  #: names of files no text is made from, and that a report may point to

    @classmethod
    def read(cls, directory: Path) -> SavedCrash:
        """The crash in ``directory``; raises InputError, CaseError."""
        crash = Crash.read(directory)
        if crash is None:
            raise InputError(f"{directory}: is no crash directory: it lacks a crash.toml or case.toml that can be read")
        case = load(directory / CASE_FILE)
        try:
            minimized = load_result(directory)
        except CaseError:
            minimized = None  # what is known of the bytes that matter is broken; the rest is not
        console = _read_text(directory / CONSOLE_FILE)
        names = (ORIGINAL_FILE, CAPTURE_FILE, CONSOLE_FILE)
        files = frozenset(name for name in names if (directory / name).is_file())
        return cls(crash, case, console, minimized, _read_reached(directory / FUNCTIONS_FILE), files)

    @property
    def report(self) -> Report | None:
        """The crash in the console log; None when the harness saw it, not the kernel (a hang, a silent death)."""
        return next((report for report in extract(self.console) if self.crash.is_bug_of(report)), None)


@frozen
class Rendered:
    """Texts by file name; report.txt is always among them. ``failures`` says which are missing, and why."""

    files: dict[str, str]
    failures: dict[str, str] = field(factory=dict)


#: Makes every text of a crash. Never raises: what cannot be rendered is a failure in the result.
Renderer = Callable[[SavedCrash], Rendered]


def write_texts(directory: Path, render: Renderer) -> Rendered:
    """Write the texts of a crash directory anew; raises InputError, CaseError, OSError."""
    rendered = render(SavedCrash.read(directory))
    for name, text in rendered.files.items():
        write_atomically(directory / name, text.encode("utf-8", "replace"))
    if USE_FILE not in rendered.files:  # minimizing may have found that no program is needed
        discard(directory / USE_FILE)
    return rendered


def render_anew(name: str, directory: Path, render: Renderer) -> Iterator[tuple[Path, Rendered]]:
    """Write the texts of the crashes that ``name`` means, and say of each what became of it.

    ``name`` is a directory of crashes (then of all), or what :func:`find_crash` takes. Raises InputError, CaseError,
    OSError, and StorageError while a campaign runs there.
    """
    paths = _meant(name, directory)
    with DirectoryLock.acquire(paths[0].resolve().parent):  # a path may be ".", whose parent is itself
        for path in paths:
            yield path, write_texts(path, render)


def read_report(name: str, directory: Path) -> str:
    """The text of a crash's report.txt; ``name`` as in :func:`find_crash`. Raises InputError."""
    path = find_crash(name, directory) / REPORT_FILE
    try:
        with path.open("rb") as file:
            return file.read(_MAX_REPORT).decode("utf-8", "replace")
    except OSError as error:
        raise InputError(
            f"{path}: cannot be read: {error.strerror}; `usbfuzz crashes report {path.parent}` writes it anew"
        ) from error


def _meant(name: str, directory: Path) -> list[Path]:
    given = Path(name)
    if not given.is_dir() or (given / CRASH_FILE).exists():
        return [find_crash(name, directory)]
    paths = [given / slug for slug in read_crashes(given)]
    if not paths:
        raise InputError(f"{given}: no crashes there; give a crash directory, or one a campaign saved crashes in")
    return paths


def _read_reached(path: Path) -> tuple[Reached, ...]:
    """The functions in coverage.tsv; none when it is not there, or broken: the rest of the report is not."""
    text = _read_text(path)
    with contextlib.suppress(InputError):
        return parse_reached(text, str(path)) if text else ()
    return ()


def _read_text(path: Path) -> str:
    try:
        if path.is_symlink() or not path.is_file():
            return ""
        with path.open("rb") as file:
            return file.read(_MAX_TEXT).decode("utf-8", "replace")
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from error
