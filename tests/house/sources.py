"""The source files of the project, read once."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

from attrs import frozen

from tests import ROOT

__all__ = ["FOLDERS", "Source", "files", "sources"]

FOLDERS = ("usbfuzz", "strategies", "harness", "scripts", "tests", "examples")


@frozen
class Source:
    """One Python file."""

    path: Path
    text: str
    tree: ast.Module
    nodes: tuple[ast.AST, ...]  #: all of the tree

    @property
    def name(self) -> str:
        """Its path below the project: "usbfuzz/triage/stack.py"."""
        return self.path.relative_to(ROOT).as_posix()

    @property
    def package(self) -> str:
        """The package whose folder it lies in: "usbfuzz.triage"."""
        return ".".join(self.path.relative_to(ROOT).parent.parts)

    def comments(self, node: ast.stmt) -> dict[int, str]:
        """Line number → the comment there: of those on a line of their own above ``node``, and behind its end."""
        lines = self.text.splitlines()
        last = node.end_lineno or node.lineno
        places = {last: lines[last - 1].encode()[node.end_col_offset :].decode().strip()}
        if node.lineno > 1:
            places[node.lineno - 1] = lines[node.lineno - 2].strip()
        return {line: text for line, text in places.items() if text.startswith("#")}


def files(*suffixes: str) -> list[Path]:
    """The source files with one of the suffixes, in the order of their paths."""
    found = (path for folder in FOLDERS for path in (ROOT / folder).rglob("*") if path.suffix in suffixes)
    return sorted(path for path in found if path.is_file())


@cache
def sources() -> tuple[Source, ...]:
    """Every Python file of the project."""
    return tuple(map(_source, files(".py")))


def _source(path: Path) -> Source:
    text = path.read_text(encoding="utf-8")
    tree = ast.parse(text)
    return Source(path, text, tree, tuple(ast.walk(tree)))
