"""Pieces of C: arrays of bytes with what they say behind them, strings, comments."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from usbfuzz.reading import printable

__all__ = ["c_array", "c_bytes", "c_comment", "c_string"]

_A_LINE = 12  #: bytes that a line shows


def c_bytes(name: str, parts: Sequence[tuple[bytes, str]]) -> str:
    """A C array of bytes with one descriptor or HID item a line, and what it says as a comment."""
    lines = []
    for raw, words in parts:
        rows = [raw[at : at + _A_LINE] for at in range(0, len(raw), _A_LINE)] or [b""]
        lines += [f"\t{''.join(f'0x{byte:02x}, ' for byte in row)}".rstrip() for row in rows]
        lines[-len(rows)] += f"\t/* {c_comment(words)} */"
    if not any(raw for raw, _ in parts):
        lines = ["\t0,\t/* nothing: C has no empty array */"]
    return "\n".join([f"static const uint8_t {name}[] = {{", *lines, "};"])


def c_array(kind: str, name: str, rows: Iterable[str]) -> str:
    """A C array with an element a line."""
    return "\n".join([f"static const {kind} {name}[] = {{", *(f"\t{row}," for row in rows), "};"])


def c_string(text: str) -> str:
    """``text`` as a C string; what is no printable ASCII is a question mark, and none begins a trigraph."""
    shown = "".join(char if char.isascii() and char.isprintable() else "?" for char in text)
    return '"' + re.sub(r'([\\"?])', r"\\\1", shown) + '"'


def c_comment(text: str) -> str:
    """``text`` without what would end a C comment."""
    shown = printable(text)
    return shown.replace("*/", "* /").replace("/*", "/ *")
