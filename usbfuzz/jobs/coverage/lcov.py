"""Coverage as a tracefile of lcov (geninfo(1), section FILES), which genhtml, editors and CI systems read."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from .sources import FileCoverage

__all__ = ["tracefile"]

_UNFIT = re.compile(r"[^\w.$@]")  #: in a name: a comma would end it


def tracefile(files: Iterable[FileCoverage], source: Path | None) -> bytes:
    """One record a file. Paths are those of ``source``, the tree's top, or without it from there."""
    return "".join(line for file in files for line in _record(file, source)).encode()


def _record(file: FileCoverage, source: Path | None) -> Iterator[str]:
    yield f"TN:\nSF:{source / file.path if source else file.path}\n"
    # A static function of a header is in several modules: of one name there may be one.
    lines: dict[str, int] = {}
    hits: dict[str, int] = {}
    for found in file.functions:
        name = _UNFIT.sub("_", found.function.name)
        lines.setdefault(name, found.line)
        hits[name] = hits.get(name, 0) + found.function.hits
    yield from (f"FN:{line},{name}\n" for name, line in lines.items())
    yield from (f"FNDA:{count},{name}\n" for name, count in hits.items())
    yield f"FNF:{len(lines)}\nFNH:{sum(count > 0 for count in hits.values())}\n"
    yield from (f"DA:{line},{count}\n" for _, line, count, _ in file.lines.tolist())
    yield f"LF:{file.known}\nLH:{file.covered}\nend_of_record\n"
