"""C reproducers of syzkaller: what they write to memory, and the syz_usb calls that read it.

A reproducer is a list of stores to constant addresses with calls in between. It is followed as such, statement by
statement, and never compiled; branches are taken, loops run once.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import Literal

from attrs import field, frozen, mutable

__all__ = ["CCall", "Memory", "c_calls"]

_COMMENT = re.compile(r"/\*.*?\*/|//[^\n]*", re.DOTALL)
_VALUE = r"\(?\s*(?:htobe\d+\()?\s*(-?(?:0x[0-9a-fA-F]{1,16}|\d{1,20}))(?:u?l{0,2})?\s*\)*"
_STATEMENT = re.compile(
    r"(?P<store>\*\s*\(\s*uint(?P<bits>8|16|32|64)_t\s*\*\s*\)\s*\(?\s*(?P<at>0x[0-9a-fA-F]{1,16})(?:ul)?\s*\)?"
    r"\s*=\s*(?P<swap>htobe\d+\()?\s*(?P<value>-?(?:0x[0-9a-fA-F]{1,16}|\d{1,20}))\w{0,3}\s*\)?\s*\)?\s*;)"
    r"|(?P<copy>memcpy\(\s*\(\s*void\s*\*\s*\)\s*\(?\s*(?P<to>0x[0-9a-fA-F]{1,16})(?:ul)?\s*\)?\s*,"
    r'\s*(?P<text>(?:"(?:[^"\\]|\\.)*"\s*)+),\s*(?P<size>\d{1,9})\s*\))'
    r"|(?P<set>memset\(\s*\(\s*void\s*\*\s*\)\s*\(?\s*(?P<from>0x[0-9a-fA-F]{1,16})(?:ul)?\s*\)?\s*,"
    r"\s*(?P<byte>-?\d{1,3}|0x[0-9a-fA-F]{1,2})\s*,\s*(?P<count>\d{1,9})\s*\))"
    r"|(?P<bitfield>STORE_BY_BITMASK\(\s*uint(?P<word>8|16|32|64)_t\s*,\s*(?P<order>\w*)\s*,\s*(?P<field>0x[0-9a-fA-F]{1,16})(?:ul)?"
    r"\s*,\s*(?P<bits_value>-?(?:0x[0-9a-fA-F]{1,16}|\d{1,20}))\w{0,3}\s*,\s*(?P<offset>\d{1,2})\s*,\s*(?P<width>\d{1,2})\s*\))"
    r"|(?P<result>\br\[(?P<slot>\d{1,4})\]\s*=\s*res\b)"
    r"|(?P<call>\b(?P<name>syz_usb_\w{1,40})\((?P<arguments>[^;{}]{0,400}?)\)\s*\)?\s*;)"
)
_ARGUMENT = re.compile(rf"\s*(?:\(\s*\w[\w\s*]*\))?\s*(?:r\[(\d{{1,4}})\]|{_VALUE})\s*")
_STRING = re.compile(r'"((?:[^"\\]|\\.)*)"')
_PAGE = 4096
_MAX_PAGES = 1024
_MAX_SET = 1 << 20  #: bytes of one memset
_EMPTY = bytes(_PAGE)


@mutable
class Memory:
    """Bytes at addresses; what was never written is zero. Beyond 4 MiB in all nothing more is kept."""

    _pages: dict[int, bytearray] = field(factory=dict)

    def write(self, address: int, raw: bytes) -> None:
        """Store bytes at an address."""
        for start, piece, at in _pieces(address, len(raw)):
            if piece not in self._pages and len(self._pages) < _MAX_PAGES:
                self._pages[piece] = bytearray(_PAGE)
            if page := self._pages.get(piece):
                part = raw[start : start + _PAGE - at]
                page[at : at + len(part)] = part

    def read(self, address: int, length: int) -> bytes:
        """The ``length`` bytes at an address."""
        found = bytearray()
        for start, piece, at in _pieces(address, length):
            page = self._pages.get(piece, _EMPTY)
            found += page[at : at + min(_PAGE - at, length - start)]
        return bytes(found)

    def number(self, address: int, width: int) -> int:
        """The little-endian number of ``width`` bytes at an address."""
        return int.from_bytes(self.read(address, width), "little")


def _pieces(address: int, length: int) -> Iterator[tuple[int, int, int]]:
    """Offset of each piece of a range that lies in one page, the page's number, and where in it the piece begins."""
    start = 0
    while start < length:
        page, at = divmod(address + start, _PAGE)
        yield start, page, at
        start += _PAGE - at


@frozen
class CCall:
    """One call: its name, its arguments (``-1`` where a slot of ``r`` is passed), that slot, and its line."""

    name: str
    arguments: tuple[int, ...]
    slot: int | None
    line: int


def c_calls(text: str, memory: Memory) -> Iterator[CCall | int]:
    """The calls in order; ``memory`` is as each finds it. A number is the slot the last result is stored in."""
    text = _COMMENT.sub(lambda found: "\n" * found[0].count("\n"), text)
    line, counted = 1, 0
    for found in _STATEMENT.finditer(text):
        line += text.count("\n", counted, found.start())
        counted = found.start()
        if found["result"]:
            yield int(found["slot"])
        elif found["call"]:
            if call := _call(found["name"], found["arguments"], line):
                yield call
        else:
            _store(found, memory)


def _store(found: re.Match[str], memory: Memory) -> None:
    if found["store"]:
        width = int(found["bits"]) // 8
        order: Literal["little", "big"] = "big" if found["swap"] else "little"
        memory.write(int(found["at"], 16), _packed(found["value"], width, order))
    elif found["copy"]:
        raw = b"".join(_literal(literal) for literal in _STRING.findall(found["text"]))
        size = min(int(found["size"]), len(raw) + 1)
        memory.write(int(found["to"], 16), raw.ljust(size, b"\0")[:size])
    elif found["set"]:
        count = min(int(found["count"]), _MAX_SET)
        memory.write(int(found["from"], 16), _packed(found["byte"], 1) * count)
    else:
        _bitfield(found, memory)


def _bitfield(found: re.Match[str], memory: Memory) -> None:
    address, width = int(found["field"], 16), int(found["word"]) // 8
    order: Literal["little", "big"] = "big" if found["order"].startswith("htobe") else "little"
    mask = (1 << int(found["width"])) - 1
    old = int.from_bytes(memory.read(address, width), order)
    bits = (int(found["bits_value"], 0) & mask) << int(found["offset"])
    new = old & ~(mask << int(found["offset"])) | bits
    memory.write(address, _packed(str(new), width, order))


def _packed(value: str, width: int, order: Literal["little", "big"] = "little") -> bytes:
    number = int(value, 16) if "x" in value.lower() else int(value)
    return (number & (1 << 8 * width) - 1).to_bytes(width, order)


def _literal(text: str) -> bytes:
    """The bytes of a C string literal, whose escapes are those of Python's bytes."""
    try:
        value = ast.literal_eval(f'b"{text}"')
    except (ValueError, SyntaxError):
        return b""
    return value if isinstance(value, bytes) else b""


def _call(name: str, arguments: str, line: int) -> CCall | None:
    """A call whose arguments are all constants; a declaration is none."""
    values: list[int] = []
    slot = None
    for argument in arguments.split(","):
        found = _ARGUMENT.fullmatch(argument)
        if found is None:
            return None
        if found[1] is not None:
            slot = int(found[1])
        values.append(-1 if found[1] is not None else int(found[2], 16) if "x" in found[2].lower() else int(found[2]))
    return CCall(name, tuple(values), slot, line)
