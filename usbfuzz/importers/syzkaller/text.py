"""Calls of syzkaller programs (docs/program_syntax.md of syzkaller): a parser for the part USB programs need.

Calls are found wherever they stand, so that programs in mails, wrapped at 80 columns and quoted, can be read.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from attrs import frozen

__all__ = ["Call", "Data", "Group", "Node", "Number", "Pointer", "Union", "calls"]


@frozen
class Number:
    """A constant, or a resource (which is -1 here: nothing is opened)."""

    value: int
    name: str = ""  #: of the resource: ``r0``


@frozen
class Data:
    """Bytes; ``length`` is what a ``/LENGTH`` behind them says, or their number."""

    raw: bytes
    length: int


@frozen
class Group:
    """A struct ``{…}`` or an array ``[…]``."""

    items: tuple[Node, ...]
    is_array: bool


@frozen
class Union:
    """``@option=value``; without a value the option's default."""

    option: str
    value: Node | None


@frozen
class Pointer:
    """``&(0x7f…)=value``; None where the program gives no value."""

    value: Node | None


Node = Number | Data | Group | Union | Pointer


@frozen
class Call:
    """One call: the resource it gives, its name with ``$variant``, its arguments, and its line."""

    result: str
    name: str
    arguments: tuple[Node, ...]
    line: int


class _SyntaxError(Exception):
    pass


_CALL = re.compile(r"(?:\b(r\d{1,9})\s*=\s*)?\b(syz_usb_\w{1,40}(?:\$\w{1,60})?)\(")
_SPACE = re.compile(r"\s*")
_NUMBER = re.compile(r"(?:<(r\d{1,9})=>)?(-?0x[0-9a-fA-F]{1,16}|-?\d{1,20})\b")
_RESOURCE = re.compile(r"r\d{1,9}\b")
_HEX = re.compile(r'"([0-9a-fA-F\s]*)"')
_TEXT = re.compile(r"'((?:[^'\\]|\\.)*)'", re.DOTALL)
_ESCAPE = re.compile(r"\\(?:x([0-9a-fA-F]{2})|(.))", re.DOTALL)
_LENGTH = re.compile(r"/(0x[0-9a-fA-F]{1,8}|\d{1,9})")
_ADDRESS = re.compile(r"&(?:\([^()]{1,40}\)|AUTO)")
_OPTION = re.compile(r"@(\w{1,80})")
_LETTERS = {"a": 7, "b": 8, "f": 12, "n": 10, "r": 13, "t": 9, "v": 11, "0": 0}
_MAX_DEPTH = 64
_MAX_DATA = 1 << 16


def calls(text: str) -> Iterator[Call]:
    """The syz_usb calls of a text; what only looks like one is passed over."""
    line, counted = 1, 0
    for found in _CALL.finditer(text):
        line += text.count("\n", counted, found.start())
        counted = found.start()
        try:
            arguments, _ = _Parser(text).items(found.end(), ")", 0)
        except _SyntaxError:
            continue
        yield Call(found[1] or "", found[2], arguments, line)


class _Parser:
    """Recursive descent over a text; every method gives what it read and where that ended."""

    def __init__(self, text: str) -> None:
        self._text = text

    def items(self, at: int, end: str, depth: int) -> tuple[tuple[Node, ...], int]:
        """Values with commas between them, up to ``end``."""
        found: list[Node] = []
        at = self._skip(at)
        while not self._text.startswith(end, at):
            node, at = self._node(at, depth)
            found.append(node)
            at = self._skip(at)
            if self._text.startswith(",", at):
                at = self._skip(at + 1)
            elif not self._text.startswith(end, at):
                raise _SyntaxError
        return tuple(found), at + 1

    def _skip(self, at: int) -> int:
        found = _SPACE.match(self._text, at)
        return found.end() if found else at

    def _node(self, at: int, depth: int) -> tuple[Node, int]:
        if depth > _MAX_DEPTH:
            raise _SyntaxError
        char = self._text[at : at + 1]
        if char in ("{", "["):
            items, end = self.items(at + 1, "}" if char == "{" else "]", depth + 1)
            return Group(items, char == "["), end
        if char == "&":
            return self._pointer(at, depth)
        if char == "@":
            return self._union(at, depth)
        if char in ('"', "'"):
            return self._data(at)
        return self._number(at)

    def _pointer(self, at: int, depth: int) -> tuple[Node, int]:
        found = _ADDRESS.match(self._text, at)
        if found is None:
            raise _SyntaxError
        value, end = self._value(found.end(), depth)
        return Pointer(value), end

    def _value(self, at: int, depth: int) -> tuple[Node | None, int]:
        """What follows ``=``, if that follows; ``ANY=`` says that the kernel's types do not hold for it."""
        start = self._skip(at)
        if not self._text.startswith("=", start):
            return None, at
        start = self._skip(start + 1)
        if self._text.startswith("nil", start):
            return None, start + 3
        if self._text.startswith("ANY=", start):
            start = self._skip(start + 4)
        return self._node(start, depth + 1)

    def _union(self, at: int, depth: int) -> tuple[Node, int]:
        found = _OPTION.match(self._text, at)
        if found is None:
            raise _SyntaxError
        value, end = self._value(found.end(), depth)
        return Union(found[1], value), end

    def _data(self, at: int) -> tuple[Node, int]:
        if found := _HEX.match(self._text, at):
            digits = "".join(found[1].split())
            if len(digits) % 2:
                raise _SyntaxError
            raw = bytes.fromhex(digits)
        elif found := _TEXT.match(self._text, at):
            raw = _ESCAPE.sub(_unescaped, found[1]).encode("latin-1", "replace")
        else:
            raise _SyntaxError
        length = _LENGTH.match(self._text, found.end())
        if length is None:
            return Data(raw, len(raw)), found.end()
        return Data(raw, min(int(length[1], 0), _MAX_DATA)), length.end()

    def _number(self, at: int) -> tuple[Node, int]:
        if found := _NUMBER.match(self._text, at):
            return Number(
                int(found[2], 0) if found[2].lower().find("x") >= 0 else int(found[2]), found[1] or ""
            ), found.end()
        if found := _RESOURCE.match(self._text, at):
            return Number(-1, found[0]), found.end()
        for word in ("nil", "AUTO"):
            if self._text.startswith(word, at):
                return Number(0), at + len(word)
        raise _SyntaxError


def _unescaped(found: re.Match[str]) -> str:
    return chr(int(found[1], 16)) if found[1] else chr(_LETTERS[found[2]]) if found[2] in _LETTERS else found[2]
