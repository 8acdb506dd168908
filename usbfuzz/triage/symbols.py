"""Debug information: where it is, and what an address in it means. The work is done by binutils.

::

    Frame (function+offset/size [module]) ──readelf──▶ section, address ──addr2line──▶ Location, one per inlined call
"""

from __future__ import annotations

import re
import shutil
import subprocess
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from attrs import define, frozen

from usbfuzz.errors import InfraError, InputError

__all__ = ["Frame", "Location", "Symbols", "in_tree"]

_SECONDS = 300  #: a vmlinux is half a gigabyte
_PADDING = 64  #: bytes: functions are aligned to 16, and from 6.2 on have up to 16 more before them
_SYMBOL = re.compile(
    rb"^\s*\d+: (?P<address>[0-9a-f]+)\s+(?P<size>\d+|0x[0-9a-f]+) FUNC\s+\S+\s+\S+\s+(?P<section>\d+) (?P<name>\S+)",
    re.MULTILINE,
)
_SECTION = re.compile(rb"^\s*\[\s*(?P<number>\d+)\] (?P<name>\S+)", re.MULTILINE)
#: What stands before a path in the sources: a build directory, "./", or what a distribution's build put there.
_BUILD = re.compile(
    r"^.*?(?=\b(?:arch|block|certs|crypto|drivers|fs|include|init|io_uring|ipc|kernel|lib|mm|net|rust|samples"
    r"|security|sound|virt)/)"
)


@frozen
class Frame:
    """A place in code as the kernel prints it: ``function+0xoffset/0xsize [module]``."""

    function: str
    offset: int  #: bytes into the function; of the call itself, not of where it returns to
    size: int  #: of the function in bytes: tells functions of one name apart, and one build from another
    module: str | None = None


@frozen
class Location:
    """A line of source code. An inlined function has the line in it; the next location is where it was inlined."""

    function: str
    file: str  #: from the top of the kernel tree: ``drivers/usb/core/urb.c``
    line: int
    inlined: bool = False


@frozen
class _Place:
    section: str
    address: int
    size: int

    def holds(self, frame: Frame) -> bool:
        """Whether it may be the frame's function: kallsyms counts the padding up to the next function as well."""
        return 0 <= frame.size - self.size < _PADDING and frame.offset <= self.size


@define
class Symbols:
    """The debug information below some directories: built trees, unpacked ``-dbg`` packages; or ``vmlinux`` files."""

    _objects: dict[str, list[Path]]  #: by module name with ``_`` for ``-``; "" is vmlinux

    @classmethod
    def find(cls, paths: Iterable[Path]) -> Symbols:
        """Look for ``vmlinux*`` and ``*.ko``; raises InputError for a path with neither."""
        objects: dict[str, list[Path]] = defaultdict(list)
        for path in paths:
            found = [path] if path.is_file() else sorted(_walk(path))
            if not found:
                raise InputError(
                    f"{path}: no vmlinux and no module with debug information below it; "
                    "name a built kernel tree, an unpacked -dbg package or a vmlinux"
                )
            for file in found:
                objects[_name_of(file)].append(file)
        return cls(dict(objects))

    def locate(self, frames: Iterable[Frame]) -> dict[Frame, tuple[Location, ...]]:
        """The source lines of the frames that are found, innermost inlined call first; frames of another build are not.

        Raises InfraError when binutils is missing or fails.
        """
        by_object: dict[str, list[Frame]] = defaultdict(list)
        for frame in dict.fromkeys(frames):
            by_object[(frame.module or "").replace("-", "_")].append(frame)
        located: dict[Frame, tuple[Location, ...]] = {}
        for name, mine in by_object.items():
            for file in self._objects.get(name, ()):
                located |= _locate(file, [frame for frame in mine if frame not in located])
        return located


def in_tree(path: str) -> str:
    """The path of a source file from the top of the kernel tree, from what the compiler was given."""
    return _BUILD.sub("", path, count=1)


def _walk(directory: Path) -> Iterator[Path]:
    for path in directory.rglob("*"):
        if (path.name.startswith("vmlinux") or path.name.endswith((".ko", ".ko.debug"))) and path.is_file():
            with path.open("rb") as file:
                if file.read(4) == b"\x7fELF":
                    yield path


def _name_of(path: Path) -> str:
    return "" if path.name.startswith("vmlinux") else path.name.partition(".")[0].replace("-", "_")


def _locate(file: Path, frames: Sequence[Frame]) -> dict[Frame, tuple[Location, ...]]:
    functions = _functions(file, frozenset(frame.function for frame in frames))
    places: dict[Frame, _Place] = {}
    for frame in frames:
        if place := next((place for place in functions.get(frame.function, ()) if place.holds(frame)), None):
            places[frame] = place
    located: dict[Frame, tuple[Location, ...]] = {}
    for section in {place.section for place in places.values()}:
        mine = [frame for frame, place in places.items() if place.section == section]
        answers = _addr2line(file, section, [places[frame].address + frame.offset for frame in mine])
        located |= {frame: answer for frame, answer in zip(mine, answers, strict=True) if answer}
    return located


def _functions(file: Path, wanted: frozenset[str]) -> Mapping[str, Sequence[_Place]]:
    """Where the functions of some names are, by name."""
    output = _run("readelf", "--wide", "--sections", "--symbols", str(file))
    sections = {int(match["number"]): match["name"].decode(errors="replace") for match in _SECTION.finditer(output)}
    found: dict[str, list[_Place]] = defaultdict(list)
    for match in _SYMBOL.finditer(output):
        name = match["name"].decode(errors="replace")
        if name in wanted:
            section = sections.get(int(match["section"]), "")
            found[name].append(_Place(section, int(match["address"], 16), int(match["size"], 0)))
    return found


def _addr2line(file: Path, section: str, addresses: Sequence[int]) -> list[tuple[Location, ...]]:
    """The locations of each address: of a section where code has no addresses yet (modules), else absolute."""
    relative = [] if _name_of(file) == "" else ["--section", section]
    words = [f"{address:#x}" for address in addresses]
    output = _run("addr2line", "--addresses", "--functions", "--inlines", *relative, "--exe", str(file), *words)
    answers: list[list[tuple[str, str]]] = []
    lines = iter(output.decode(errors="replace").splitlines())
    for line in lines:
        if line.startswith("0x"):
            answers.append([])
        elif answers:
            answers[-1].append((line, next(lines, "")))
    if len(answers) != len(addresses):
        raise InfraError(f"addr2line: {len(answers)} answers to {len(addresses)} questions about {file}")
    return [_locations(pairs) for pairs in answers]


def _locations(pairs: Sequence[tuple[str, str]]) -> tuple[Location, ...]:
    """``function`` and ``file:line (discriminator 2)`` of each level; the last is not inlined."""
    found = []
    for number, (function, place) in enumerate(pairs):
        path, _, line = place.partition(" (")[0].rpartition(":")
        if line.isdigit() and path != "??":
            found.append(Location(function, in_tree(path), int(line), number < len(pairs) - 1))
    return tuple(found)


def _tool(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        raise InfraError(f"{name}: not found on PATH; install Debian's binutils package")
    return found


def _run(name: str, *arguments: str) -> bytes:
    try:
        done = subprocess.run([_tool(name), *arguments], capture_output=True, timeout=_SECONDS, check=False)
    except subprocess.TimeoutExpired as error:
        raise InfraError(f"{name}: no answer about {arguments[-1]} within {_SECONDS} s") from error
    if done.returncode:
        words = done.stderr.decode(errors="replace").strip().splitlines()
        raise InfraError(f"{name} failed: {words[-1] if words else f'exit status {done.returncode}'}")
    return done.stdout
