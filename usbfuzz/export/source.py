"""Python source as ``ruff format`` leaves it: on one line where it fits, else an argument a line with commas."""

from __future__ import annotations

import keyword
import re
from collections.abc import Iterator, Sequence

from attrs import frozen

from usbfuzz.descriptors import describe, report_items, split
from usbfuzz.descriptors.constants import DescriptorType

__all__ = [
    "Call",
    "Expression",
    "Hex",
    "Item",
    "class_name",
    "commented_rows",
    "hex_of",
    "import_lines",
    "laid_out",
    "number_of",
    "printable",
    "text_of",
]

_WIDTH = 88  #: characters of a line; ruff's default, and what it takes at any greater line-length
_INDENT = "    "
_A_ROW = 16  #: bytes
_WORD = re.compile(r"[A-Za-z0-9]+")
_LONGEST = 40  #: characters of a class name
_DEEPEST = 8  #: collections in a report descriptor that are shown by indentation


@frozen
class Hex:
    """``bytes.fromhex`` of rows of text with comments; one comment is enough to keep the rows apart."""

    rows: tuple[tuple[str, str], ...]


@frozen
class Call:
    """A call of ``head``, and what is taken of its result (``.raw``); with an empty head a tuple."""

    head: str
    items: tuple[Item, ...]
    tail: str = ""


Expression = str | Call | Hex


@frozen
class Item:
    """An argument or element: its value, its keyword if any, and a comment on the line above it."""

    value: Expression
    name: str = ""
    comment: str = ""


def hex_of(raw: bytes) -> Expression:
    """The expression of bytes; long ones in rows that say where in them they begin."""
    if not raw:
        return 'b""'
    if len(raw) <= _A_ROW:
        return Call("bytes.fromhex", (Item(f'"{raw.hex(" ")}"'),))
    return Hex(tuple((row, str(_A_ROW * nth)) for nth, row in enumerate(_rows_of(raw))))


def commented_rows(raw: bytes, kind: int = 0) -> Expression:
    """Bytes as hex, a descriptor (of a HID report descriptor: an item) a row, with what it is."""
    if kind == DescriptorType.HID_REPORT:
        parts = [(item.raw, "  " * min(item.depth, _DEEPEST) + item.text) for item in report_items(raw)]
    else:
        parts = [(descriptor.raw, describe(descriptor)) for descriptor in split(raw)]
    found: list[tuple[str, str]] = []
    for part, words in parts:
        first, *others = _rows_of(part)
        found += [(first, words), *((row, "") for row in others)]
    return Hex(tuple(found)) if found else 'b""'


def printable(text: str) -> str:
    """The text on one line, for a docstring: without what would end it, or is no letter of any kind."""
    return " ".join("".join(char if char.isprintable() and char not in '"\\' else " " for char in text).split())


def class_name(text: str, taken: frozenset[str]) -> str:
    """The words of a text, joined; none of the names that are taken, nor of Python's."""
    found = ""
    for word in _WORD.findall(text):
        longer = f"{found}{word[:1].upper()}{word[1:]}"
        if found and len(longer) > _LONGEST:
            break
        found = longer[:_LONGEST]
    if not found or found[0].isdigit() or found in taken or keyword.iskeyword(found):
        return f"Exported{found}"
    return found


def _rows_of(raw: bytes) -> list[str]:
    """The bytes in hex, sixteen a row."""
    return [raw[at : at + _A_ROW].hex(" ") for at in range(0, len(raw), _A_ROW)]


def number_of(value: int, digits: int) -> str:
    """A number in hex."""
    return f"0x{value:0{digits}X}"


def text_of(text: str) -> str:
    """The literal of a text, in the quotes that need fewer backslashes."""
    quote = "'" if text.count('"') > text.count("'") else '"'
    return quote + "".join(_escaped(char, quote) for char in text) + quote


def _escaped(char: str, quote: str) -> str:
    if char in ("\\", quote):
        return "\\" + char
    return char if char.isprintable() else repr(char)[1:-1]


def laid_out(expression: Expression, depth: int, before: str = "", behind: str = "") -> list[str]:
    """The lines of ``before``, the expression and ``behind``, indented ``depth`` times."""
    indent = _INDENT * depth
    flat = _flat(expression)
    if flat is not None and len(line := indent + before + flat + behind) <= _WIDTH:
        return [line]
    if isinstance(expression, str):
        return [indent + before + expression + behind]
    if isinstance(expression, Hex):
        rows = _rows(expression.rows, indent + _INDENT)
        return [f"{indent}{before}bytes.fromhex(", *rows, f"{indent}){behind}"]
    lines = [f"{indent}{before}{expression.head}("]
    for item in expression.items:
        if item.comment:
            lines.append(f"{indent}{_INDENT}# {item.comment}")
        lines += laid_out(item.value, depth + 1, f"{item.name}=" if item.name else "", ",")
    return [*lines, f"{indent}){expression.tail}{behind}"]


def import_lines(module: str, names: Sequence[str]) -> list[str]:
    """The statement that imports the names."""
    line = f"from {module} import {', '.join(names)}"
    if len(line) <= _WIDTH:
        return [line]
    return [f"from {module} import (", *(f"{_INDENT}{name}," for name in names), ")"]


def _rows(rows: Sequence[tuple[str, str]], indent: str) -> Iterator[str]:
    for text, comment in rows:
        yield f'{indent}"{text}"  # {comment}' if comment else f'{indent}"{text}"'


def _flat(expression: Expression) -> str | None:
    """The expression on one line; None where it has comments."""
    if isinstance(expression, str):
        return expression
    if isinstance(expression, Hex) or any(item.comment for item in expression.items):
        return None
    parts = []
    for item in expression.items:
        value = _flat(item.value)
        if value is None:
            return None
        parts.append(f"{item.name}={value}" if item.name else value)
    lone = "," if not expression.head and len(parts) == 1 else ""
    return f"{expression.head}({', '.join(parts)}{lone}){expression.tail}"
