"""Which files of the kernel a crash is to be blamed on: what the report says, else where the driver is built."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from harness.guest.kernels.modules import module_name
from usbfuzz.triage import Report

__all__ = ["guilty_files", "module_directories"]

_MOST_BYTES = 4 << 20  #: of a source file that is searched for a function


def guilty_files(
    report: Report | None, guilty: str, drivers: Iterable[str], directories: dict[str, str], tree: Path | None
) -> tuple[str, ...]:
    """Files of the kernel tree, the guiltiest first; a directory, with a slash at its end, where no file is known.

    ``guilty`` is the module to blame if it is known; where neither it nor the report's own module is, it is the first
    of the ``drivers`` that were bound. ``directories`` says where each module is built, see
    :func:`module_directories`. The file that has the report's function is looked for in ``tree``.
    """
    own = _plain(report.module or "") if report else ""
    names = [name for name in dict.fromkeys((_plain(guilty), own)) if name in directories]
    names = names or [name for name in map(_plain, drivers) if name in directories][:1]
    found = [
        _file_of(name, directories[name], report.frame if report and name == own else None, tree) for name in names
    ]
    if report and report.file and _is_there(report.file, tree):
        is_drivers = not names or names[0] == own  # else the report's function is one that many drivers call
        found.insert(0 if is_drivers else 1, report.file)
    return tuple(dict.fromkeys(found))


def _plain(module: str) -> str:
    return module.strip().replace("-", "_")


def module_directories(modules: Path) -> dict[str, str]:
    """Where modules of a kernel are built, built-in ones too, by name; from the lists in ``lib/modules/RELEASE``."""
    found: dict[str, str] = {}
    for name in ("modules.builtin", "modules.dep"):
        try:
            text = (modules / name).read_text(encoding="utf-8", errors="replace")
        except OSError:
            continue
        for line in text.splitlines():
            path = line.partition(":")[0].strip()
            found[module_name(path)] = path.removeprefix("kernel/").rpartition("/")[0] + "/"
    return found


def _is_there(file: str, tree: Path | None) -> bool:
    return not file.startswith(("/", "..")) and (tree is None or (tree / file).is_file())


def _file_of(module: str, directory: str, frame: str | None, tree: Path | None) -> str:
    """The file of a module's directory that defines ``frame``, or is called as the module; else the directory."""
    if tree is None:
        return directory
    files = sorted((tree / directory).glob("*.c")) if (tree / directory).is_dir() else []
    for file in files:
        if module_name(file.stem) == module:
            return f"{directory}{file.name}"
    defining = list(_defining(files, frame)) if frame else []
    return f"{directory}{defining[0].name}" if len(defining) == 1 else directory


def _defining(files: Iterable[Path], function: str) -> Iterator[Path]:
    """The files with a definition of a function: its name begins in the first column's line, and a body follows."""
    head = re.compile(rf"^(?![ \t#/*{{}}])[^;{{}}\n]*\b{re.escape(function)}\s*\([^;{{}}]*\)\s*{{", re.MULTILINE)
    for file in files:
        with file.open("rb") as source:
            text = source.read(_MOST_BYTES).decode("utf-8", "replace")
        if head.search(text):
            yield file
