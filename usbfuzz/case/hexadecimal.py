"""Bytes as people write them: hex digits, white space and ``#`` comments."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

__all__ = ["HexError", "commented", "parse_hex", "plain"]

_BYTES_A_LINE = 16
_WRAP = 32  #: bytes of one commented line
_COMMENT = re.compile(r"#[^\n]*")


class HexError(ValueError):
    """A word that is not bytes; ``line`` is that of the text, from 0."""

    def __init__(self, line: int, what: str) -> None:
        super().__init__(what)
        self.line = line


def parse_hex(text: str) -> bytes:
    """The bytes of a hex text; raises HexError at the first word that is not an even number of hex digits."""
    digits = _COMMENT.sub("", text)
    try:
        return bytes.fromhex(digits)
    except ValueError:
        for number, line in enumerate(digits.split("\n")):
            for word in line.split():
                _check(word, number)
        raise


def _check(word: str, line: int) -> None:
    shown = word if len(word) <= 20 else word[:20] + "…"
    wrong = next((c for c in word if c not in "0123456789abcdefABCDEF"), None)
    if wrong is not None:
        raise HexError(line, f"{wrong!r} in {shown!r} is not a hex digit")
    if len(word) % 2:
        raise HexError(line, f"{shown!r} has an odd number of hex digits; write two for each byte")


def plain(raw: bytes) -> str:
    """A TOML string of bytes without comments: on one line if short, else 16 a line."""
    if len(raw) <= _BYTES_A_LINE:
        return f'"{raw.hex(" ")}"'
    lines = (raw[i : i + _BYTES_A_LINE].hex(" ") for i in range(0, len(raw), _BYTES_A_LINE))
    return _multiline(lines)


def commented(parts: Sequence[tuple[bytes, str]]) -> str:
    """A TOML multi-line string with a comment behind each part; long parts go on in lines of their own."""
    width = max((len(raw) * 3 - 1 for raw, _ in parts if len(raw) <= _BYTES_A_LINE), default=0)
    lines: list[str] = []
    for raw, comment in parts:
        shown = "".join(c if c.isprintable() and c not in '"\\' else "?" for c in comment)
        head = raw[:_WRAP].hex(" ")
        lines.append(f"{head.ljust(width)}  # {shown}" if shown else head)
        lines += (raw[i : i + _WRAP].hex(" ") for i in range(_WRAP, len(raw), _WRAP))
    return _multiline(lines) if lines else '""'


def _multiline(lines: Iterable[str]) -> str:
    return '"""\n' + "\n".join(lines) + '\n"""'
