"""The source files of the project, read once."""

from __future__ import annotations

import ast
import io
import tokenize
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

    @property
    def name(self) -> str:
        """Its path below the project: "usbfuzz/triage/stack.py"."""
        return self.path.relative_to(ROOT).as_posix()

    @property
    def package(self) -> str:
        """The package whose folder it lies in: "usbfuzz.triage"."""
        return ".".join(self.path.relative_to(ROOT).parent.parts)

    def comments(self) -> dict[int, str]:
        """Line number → the comment on that line."""
        tokens = tokenize.generate_tokens(io.StringIO(self.text).readline)
        return {token.start[0]: token.string for token in tokens if token.type == tokenize.COMMENT}


def files(*suffixes: str) -> list[Path]:
    """The source files with one of the suffixes, in the order of their paths."""
    found = (path for folder in FOLDERS for path in (ROOT / folder).rglob("*") if path.suffix in suffixes)
    return sorted(path for path in found if path.is_file())


@cache
def sources() -> tuple[Source, ...]:
    """Every Python file of the project."""
    texts = ((path, path.read_text(encoding="utf-8")) for path in files(".py"))
    return tuple(Source(path, text, ast.parse(text)) for path, text in texts)
