"""The lines of keys and values in a TOML document, for error messages: tomllib does not tell them.

The *skeleton* of a document is its text with strings filled with ``"`` and comments with spaces, character for
character: what is left is structure, which is easy to search and to measure.
"""

from __future__ import annotations

import re
from functools import cached_property

__all__ = ["KeyPath", "Source", "clipped", "dotted"]

#: Keys and array indexes from the root of the document: ``("device", 0, "speed")``.
KeyPath = tuple[str | int, ...]

_OPAQUE = re.compile(
    r'"""(?:[^"\\]|\\.|"(?!""))*+"{3,5}'
    r"|'''(?:[^']|'(?!''))*+'{3,5}"
    r'|"(?:[^"\\\n]|\\.)*+"'
    r"|'[^'\n]*+'"
    r"|#[^\n]*+",
    re.DOTALL,
)
_HEADER = re.compile(r"[ \t]*\[(\[?)([^\[\]\n]*)\]")
_KEY = re.compile(r"[ \t]*([\w-]+)[ \t]*=")
_ASSIGNED = re.compile(r"(?:[\w-]+[ \t]*=[ \t]*)?")
_MAX_NESTING = 16
_MAX_SHOWN = 40  #: characters
#: tomllib takes quadratic time and memory for a.a.a.a…
_DOTTED_KEY = re.compile(rf"(?:\.[^.\n,=]*){{{_MAX_NESTING}}}")


def dotted(path: KeyPath) -> str:
    """A key path as people write it: ``device[0].speed``."""
    words = (f"[{part}]" if isinstance(part, int) else f".{clipped(part)}" for part in path)
    return "".join(words).removeprefix(".")


def clipped(text: str) -> str:
    """Text from a file as a message may show it: short, and harmless to a terminal."""
    shown = text if text.isprintable() else repr(text[:_MAX_SHOWN])
    return shown if len(shown) <= _MAX_SHOWN else shown[:_MAX_SHOWN] + "…"


class Source:
    """The text of a TOML document, with ``\\n`` line ends."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.skeleton = _OPAQUE.sub(_blank, text)

    @property
    def literal(self) -> str:
        """The same document with literal strings where they say the same, character for character.

        tomllib searches for the end of those; it walks through the others in Python, and most of a case are strings.
        """
        return _OPAQUE.sub(_literally, self.text)

    def too_deep(self) -> int | None:
        """A line where tables, arrays or dotted keys are nested beyond any use, or None."""
        if self.skeleton.count(".") >= _MAX_NESTING and (dots := _DOTTED_KEY.search(self.skeleton)):
            return self._line(dots.start())
        depth = 0
        for bracket in re.finditer(r"[\[\]{}]", self.skeleton):
            depth += 1 if bracket[0] in "[{" else -1
            if depth > _MAX_NESTING:
                return self._line(bracket.start())
        return None

    def line(self, path: KeyPath, inner: int = 0) -> int | None:
        """Line (from 1) of the value at ``path``, or of the nearest table or array around it; None without either.

        ``inner`` counts lines inside a multi-line string, from the first line of its content.
        """
        for length in range(len(path), 0, -1):
            start = self._starts.get(path[:length])
            if start is None:
                continue
            for part in path[length:]:
                start = self._element(start, part) if isinstance(part, int) else self._inline(start, part)
            value = _ASSIGNED.match(self.text, start)
            opened = value is not None and self.text.startswith(('"""\n', "'''\n"), value.end())
            return self._line(start) + (inner + 1 if opened else 0)
        return None

    def _line(self, offset: int) -> int:
        return self.text.count("\n", 0, offset) + 1

    @cached_property
    def _starts(self) -> dict[KeyPath, int]:
        """Offset of every table header, and of every key at the start of a line."""
        starts: dict[KeyPath, int] = {}
        counts: dict[KeyPath, int] = {}
        table: KeyPath = ()
        offset = depth = 0
        for line in self.skeleton.splitlines(keepends=True):
            if depth == 0 and (header := _HEADER.match(line)):
                table = _opened(header[2], is_array=bool(header[1]), counts=counts)
                for length in range(1, len(table) + 1):
                    starts.setdefault(table[:length], offset)
            elif depth == 0 and (key := _KEY.match(line)):
                starts.setdefault((*table, key[1]), offset + key.start(1))
            depth += line.count("[") + line.count("{") - line.count("]") - line.count("}")
            offset += len(line)
        return starts

    def _element(self, start: int, index: int) -> int:
        """Offset of an element of the array that is assigned at ``start``."""
        depth = 0
        for bracket in re.finditer(r"[\[\]{},]", self.skeleton[start:]):
            if bracket[0] in "]}":
                depth -= 1
            elif bracket[0] in "[{":
                depth += 1
            if depth == 1 and bracket[0] in "[,":
                if index == 0:
                    after = start + bracket.end()
                    return after + len(self.skeleton[after:]) - len(self.skeleton[after:].lstrip())
                index -= 1
        return start

    def _inline(self, start: int, key: str) -> int:
        """Offset of a key of the inline table that starts at ``start``."""
        end = self.skeleton.find("}", start)
        found = re.compile(rf"(?<![\w-]){re.escape(key)}[ \t]*=").search(self.skeleton, start, max(end, start))
        return found.start() if found else start


def _blank(opaque: re.Match[str]) -> str:
    fill = " " if opaque[0].startswith("#") else '"'
    return "\n".join(fill * len(line) for line in opaque[0].split("\n"))


def _literally(opaque: re.Match[str]) -> str:
    text, (start, end) = opaque[0], opaque.span()
    beside = opaque.string[max(0, start - 1) : start] + opaque.string[end : end + 1]
    if text[0] != '"' or "'" in text or "\\" in text or '"' in beside:  # quotes side by side: no valid TOML
        return text
    quotes = 3 if text.startswith('"""') else 1
    return "'" * quotes + text[quotes:-quotes] + "'" * quotes


def _opened(header: str, *, is_array: bool, counts: dict[KeyPath, int]) -> KeyPath:
    """The table a header opens; ``counts`` has the length of every array of tables so far."""
    table: KeyPath = ()
    parts = header.split(".")
    for i, part in enumerate(parts):
        table += (part.strip(),)
        if is_array and i == len(parts) - 1:
            counts[table] = counts.get(table, 0) + 1
        if table in counts:
            table += (counts[table] - 1,)
    return table
