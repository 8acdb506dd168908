"""What a minimization found, and ``minimized.toml``, in which it is kept next to the case."""

from __future__ import annotations

import os
import re
import tomllib
from pathlib import Path
from typing import Any

import tomlkit
from attrs import field, frozen

from usbfuzz.case import load
from usbfuzz.case.files import MAX_BYTES, write_file
from usbfuzz.case.locate import Source
from usbfuzz.case.model import Case
from usbfuzz.case.parts import digest, parts
from usbfuzz.case.tables import Document, Table
from usbfuzz.errors import CaseError

from .layout import CASE_FILE, MINIMIZED_FILE

__all__ = ["Mark", "Minimized", "load_result", "save_result"]

_FORMAT = 1
_MOST = 1 << 31  #: for any number in the file
_DIGEST = re.compile(r"[0-9a-f]{64}")
_NUMBERS = ("hits", "runs", "tried", "before", "after", "milliseconds")


@frozen
class Mark:
    """Bytes of one device that matter: change them, and the bug is gone."""

    device: int  #: index into Case.devices
    part: str  #: ``device``, ``configurations[0]``, ``strings[1]`` …: see :func:`usbfuzz.case.parts.parts`
    offset: int
    length: int


@frozen
class Minimized:
    """A case made as small as the bug allows."""

    case: Case
    hits: int  #: of ``runs`` on a fresh guest that showed the bug, at most 10
    runs: int
    tried: int  #: runs the search took
    seconds: float  #: wall time it took
    before: int  #: weight of the case it began with, bytes; see :func:`usbfuzz.case.parts.weight`
    after: int  #: weight of ``case``
    complete: bool  #: nothing more can go; false when the time was up before that was known
    marks: tuple[Mark, ...] = field(default=())


def save_result(directory: Path, minimized: Minimized) -> None:
    """Write ``minimized.toml`` for the case in ``directory``; raises StorageError. The case itself is not written."""
    document = tomlkit.document()
    document["format"] = _FORMAT
    document["case"] = digest(minimized.case)
    for name in ("hits", "runs", "tried", "before", "after", "complete"):
        document[name] = getattr(minimized, name)
    document["milliseconds"] = round(minimized.seconds * 1000)
    marks = tomlkit.aot()
    for mark in minimized.marks:
        table = tomlkit.table()
        table.update({"device": mark.device, "part": mark.part, "offset": mark.offset, "length": mark.length})
        marks.append(table)
    if minimized.marks:
        document["mark"] = marks
    write_file(directory / MINIMIZED_FILE, tomlkit.dumps(document).encode())


def load_result(directory: Path) -> Minimized | None:
    """What is known of the case in ``directory``; None when it was not minimized, or changed by hand since.

    Raises CaseError when ``minimized.toml`` or ``case.toml`` is broken: ``PATH:LINE: KEY: …``.
    """
    path = directory / MINIMIZED_FILE
    text = _read(path)
    if text is None:
        return None
    case = load(directory / CASE_FILE)
    table = _parse(path, text)
    if table.required("format", table.integer("format", 0, _MOST)) != _FORMAT:
        table.fail("format", f"this usbfuzz reads format {_FORMAT}; use the usbfuzz that wrote the file")
    about = table.text("case", None)
    if not _DIGEST.fullmatch(about):
        table.fail("case", "is not the digest of a case; delete the file and minimize again")
    numbers = {name: table.required(name, table.integer(name, 0, _MOST)) for name in _NUMBERS}
    complete = table.flag("complete", default=False)
    milliseconds = numbers.pop("milliseconds")
    if about != digest(case):
        return None
    marks = tuple(_mark(row, case) for row in table.tables("mark"))
    table.close()
    return Minimized(case, seconds=milliseconds / 1000, complete=complete, marks=marks, **numbers)


def _mark(row: Table, case: Case) -> Mark:
    device = row.required("device", row.integer("device", 0, _MOST))
    if device >= len(case.devices):
        row.fail("device", f"there is no device {device} in the case")
    name = row.text("part", None)
    known = dict(parts(case.devices[device]))
    if name not in known:
        row.fail("part", f"the device has none of that name; it has {', '.join(known)}")
    offset = row.required("offset", row.integer("offset", 0, _MOST))
    length = row.required("length", row.integer("length", 1, _MOST))
    if offset + length > len(known[name]):
        row.fail("length", f"{name} has only {len(known[name])} bytes")
    row.close()
    return Mark(device, name, offset, length)


def _read(path: Path) -> str | None:
    """The text of a regular file, None when there is none."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise CaseError(f"{path}: cannot be read: {error.strerror}; delete it and minimize again") from error
    with os.fdopen(descriptor, "rb") as file:
        raw = file.read(MAX_BYTES)
    try:
        return raw.decode()
    except UnicodeDecodeError as error:
        raise CaseError(f"{path}: is not UTF-8 text (byte {error.start}); delete it and minimize again") from error


def _parse(path: Path, text: str) -> Table:
    try:
        values: dict[str, Any] = tomllib.loads(text)
    except ValueError as error:
        raise CaseError(f"{path}: not valid TOML: {error}; delete it and minimize again") from error
    return Table(Document(str(path), Source(text)), (), values)
