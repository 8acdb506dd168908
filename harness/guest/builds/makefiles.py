"""What a kernel tree's Makefiles say: the options that a module belongs to, and how many objects there are to make.

Only assignments are read, not make's conditions and functions: what that misses counts as unknown, and the build itself
tells in the end.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from attrs import field, frozen

__all__ = ["module_options", "objects_to_make"]

_ASSIGNMENT = re.compile(r"^\s*([\w.$(){}-]+)\s*[+:]?=\s*([^#\n]*)", re.MULTILINE)
_OPTION = re.compile(r"\$[({]CONFIG_(\w+)[)}]")
_MOST_NESTED = 4  #: objects that are made of objects


def module_options(source: Path, modules: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    """For each of ``modules`` (name -> ``kernel/DIRECTORY/FILE.ko``) the options that may build it; none if unknown."""
    known: dict[str, dict[str, tuple[str, ...]]] = {}
    found = {}
    for name, path in modules.items():
        directory = path.removeprefix("kernel/").rpartition("/")[0]
        if directory not in known:
            known[directory] = _options(source / directory)
        found[name] = known[directory].get(name, ())
    return found


def objects_to_make(source: Path, srcarch: str, options: Mapping[str, str]) -> int:
    """About how many files ``make`` compiles with these options set (``y`` or ``m``)."""
    seen: set[Path] = set()
    return sum(_count(source, _Values(options, srcarch), seen))


@frozen
class _Values:
    """What the variables in Makefiles stand for."""

    options: Mapping[str, str]
    srcarch: str
    plain: Mapping[str, str] = field(init=False)

    @plain.default
    def _plain(self) -> Mapping[str, str]:
        return {"SRCARCH": self.srcarch, "BITS": "64"}

    def put_into(self, text: str) -> str:
        text = _OPTION.sub(lambda match: self.options.get(match[1], ""), text)
        return re.sub(r"\$[({](\w+)[)}]", lambda match: self.plain.get(match[1], match[0]), text)


def _options(directory: Path) -> dict[str, tuple[str, ...]]:
    """Module -> options of one directory's Makefile."""
    found: dict[str, list[str]] = {}
    for target, words in _assignments(directory):
        option = _OPTION.fullmatch(target.removeprefix("obj-"))
        for word in words.split() if option and target.startswith("obj-") else ():
            if option and word.endswith(".o"):
                found.setdefault(word[:-2].replace("-", "_"), []).append(option[1])
    return {name: tuple(options) for name, options in found.items()}


def _count(directory: Path, values: _Values, seen: set[Path]) -> Iterator[int]:
    """Numbers of files to compile, of a directory and those below it."""
    if directory in seen:
        return
    seen.add(directory)
    lists: dict[str, list[str]] = {}
    for target, words in _assignments(directory):
        lists.setdefault(values.put_into(target), []).extend(values.put_into(words).split())
    for name in ("obj-y", "obj-m", "lib-y", "core-y", "drivers-y", "libs-y"):
        for word in lists.get(name, ()):
            if word.endswith("/"):
                yield from _count(directory / word, values, seen)
            elif word.endswith(".o"):
                yield _sources(directory, word[:-2], lists)


def _sources(directory: Path, stem: str, lists: Mapping[str, list[str]], depth: int = 0) -> int:
    """How many source files an object is made of."""
    if depth == _MOST_NESTED or any((directory / f"{stem}{ending}").is_file() for ending in (".c", ".S")):
        return 1
    parts = [word for kind in ("y", "m", "objs") for word in lists.get(f"{stem}-{kind}", ()) if word.endswith(".o")]
    return sum(_sources(directory, part[:-2], lists, depth + 1) for part in set(parts))


def _assignments(directory: Path) -> Iterator[tuple[str, str]]:
    """The assignments of a directory's ``Kbuild`` or ``Makefile``: what is assigned to, and the words."""
    path = next((directory / name for name in ("Kbuild", "Makefile") if (directory / name).is_file()), None)
    if path is not None:
        text = path.read_text(encoding="utf-8", errors="replace").replace("\\\n", " ")
        yield from _ASSIGNMENT.findall(text)
