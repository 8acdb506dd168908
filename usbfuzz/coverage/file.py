"""Blocks in a file: text that can be read, compared and merged by other tools too.

::

    # usbfuzz coverage 1
    # kernel debian:5.10.223-1
    # release 5.10.0-32-FLAVOUR
    uvcvideo<TAB>.text<TAB>1a0<TAB>23<TAB>118<TAB>case-000412

A line is module, section, offset (hexadecimal), size, hits (decimal) and the name of a case, or ``-``. Lines are sorted
by module, section and offset, but for those that a campaign which still runs, or was killed, has appended. Such a file
may come from anybody, so names are held to what they can be.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from usbfuzz.atomic import append_lines, write_atomically
from usbfuzz.errors import InputError, StorageError
from usbfuzz.reading import small_text

from .blocks import MOST_HITS, ROW, Blocks, Place

__all__ = [
    "BLOCKS_FILE",
    "CASES",
    "COVERAGE",
    "append_blocks",
    "blocks_file",
    "blocks_in",
    "case_path",
    "distinct_in",
    "lines_of",
    "read_blocks",
    "text_of",
    "write_blocks",
]

COVERAGE = "coverage"  #: the directory of it in a campaign's output
BLOCKS_FILE = "blocks.tsv"  #: in there
CASES = "cases"  #: the directory in there with the case files that the blocks name

_FORMAT = "# usbfuzz coverage 1"
_HEAD = 3  #: lines in front of the blocks
_MAX_BYTES = 128 << 20  #: of a file: some two million blocks
_LINE = re.compile(
    r"(?P<module>[\w-]{1,64})\t(?P<section>[\w.$:+-]{1,256})\t(?P<offset>[0-9a-f]{1,10})\t(?P<size>\d{1,6})"
    r"\t(?P<hits>\d{1,15})\t(?P<case>-|\w[\w.+-]{0,199})",
    re.ASCII,
)
_FIELDS = "MODULE, SECTION, OFFSET (hexadecimal), SIZE, HITS and CASE (a file's name or -), with tabs between them"


def blocks_file(path: Path) -> Path:
    """The file meant by a path: the file itself, a coverage directory, or a campaign's output. Raises InputError."""
    if path.is_file():
        return path
    for candidate in (path / BLOCKS_FILE, path / COVERAGE / BLOCKS_FILE):
        if candidate.is_file():
            return candidate
    what = "holds no coverage" if path.is_dir() else "there is no such file or directory"
    raise InputError(f"{path}: {what}; give a campaign's output, its {COVERAGE}/ or a {BLOCKS_FILE}")


def case_path(file: Path, case: str) -> Path:
    """Where the case lies that the blocks in ``file`` name, whether it is there or not."""
    return file.parent / CASES / f"{case}.toml"


def read_blocks(file: Path, *, appended: bool = False) -> Blocks:
    """The blocks in a file. Raises InputError, which names file and line, for whatever is no such file.

    ``appended``: a last line that is not whole is left out, as its writer was killed, or has not come to its end.
    """
    text = small_text(file, _MAX_BYTES, what=f"a {BLOCKS_FILE} that usbfuzz wrote")
    return blocks_in(text[: text.rfind("\n") + 1] if appended else text, str(file))


def blocks_in(text: str, file: str) -> Blocks:
    """The blocks in the text of a file, which messages call ``file``; raises as :func:`read_blocks` does."""
    lines = enumerate(text.removesuffix("\n").split("\n"), 1)
    kernel, release = _header(file, lines)
    if not text.endswith("\n"):
        raise InputError(f"{file}:{text.count(chr(10)) + 1}: ends in the middle of a line; the file was cut off")
    places: dict[Place, int] = {}
    cases: dict[str, int] = {"-": -1}
    rows = []
    for number, line in lines:
        match = _LINE.fullmatch(line)
        if match is None:
            raise InputError(f"{file}:{number}: must be {_FIELDS}; the file was changed or cut off")
        module, section, offset, size, hits, case = match.groups()
        place = places.setdefault((module, section), len(places))
        first = cases.setdefault(case, len(cases) - 1)
        rows.append((place, int(offset, 16), int(size), min(int(hits), MOST_HITS), first))
    del cases["-"]
    return Blocks.from_rows(kernel, release, tuple(places), tuple(cases), np.array(rows, ROW))


def text_of(blocks: Blocks) -> str:
    """The text of a file with these blocks."""
    return f"{_FORMAT}\n# kernel {blocks.kernel}\n# release {blocks.release}\n{lines_of(blocks)}"


def lines_of(blocks: Blocks) -> str:
    """The lines of blocks, which may be appended to a file of their kernel: what comes again there is added up."""
    places, cases = ["\t".join(place) for place in blocks.places], [*blocks.cases, "-"]  # number -1 is the last
    return "".join(
        f"{places[place]}\t{offset:x}\t{size}\t{hits}\t{cases[case]}\n"
        for place, offset, size, hits, case in blocks.rows.tolist()
    )


def distinct_in(file: Path) -> set[str]:
    """What tells the blocks of a file apart, a text for each that begins with its module and a tab: quick to read.

    Lines are not looked at. Raises InputError for what cannot be read.
    """
    lines = small_text(file, _MAX_BYTES, what=f"a {BLOCKS_FILE} that usbfuzz wrote").split("\n")
    return {line.rsplit("\t", 2)[0] for line in lines[_HEAD:-1]}


def write_blocks(file: Path, blocks: Blocks) -> None:
    """Replace a file by one with these blocks, or leave it as it was. Raises StorageError."""
    try:
        write_atomically(file, text_of(blocks).encode())
    except OSError as error:
        raise StorageError(f"{file}: cannot be written: {error.strerror}; make room there") from error


def append_blocks(file: Path, blocks: Blocks) -> None:
    """Put blocks behind those of a file, which has none of them; raises StorageError, and the file is as it was then.

    What a killed writer left of a line is taken away. Only one process at a time may do this.
    """
    try:
        append_lines(file, lines_of(blocks).encode())
    except OSError as error:
        raise StorageError(f"{file}: cannot be written: {error.strerror}; make room there") from error


def _header(file: str, lines: Iterator[tuple[int, str]]) -> tuple[str, str]:
    """The kernel and its release; the lines behind the header are left."""
    if next(lines, (1, ""))[1] != _FORMAT:
        raise InputError(f"{file}:1: must be {_FORMAT!r}; give a {BLOCKS_FILE} that this version of usbfuzz reads")
    found = []
    for key in ("# kernel ", "# release "):
        number, line = next(lines, (1, ""))
        name = line.removeprefix(key)
        if not line.startswith(key) or not name or not name.isprintable():
            raise InputError(f"{file}:{number}: must be '{key}…'; the file was changed or cut off")
        found.append(name)
    return found[0], found[1]
