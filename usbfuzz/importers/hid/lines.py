"""Hex bytes in lines of text, also when a mailer quoted, indented or broke the lines."""

from __future__ import annotations

import re
from collections.abc import Iterator

__all__ = ["hex_of", "plain_lines"]

_QUOTES = re.compile(r"[\s>|]*")
_HEX = re.compile(r"[0-9a-fA-F]{2}(?:[ \t]+[0-9a-fA-F]{2})*[ \t]*")


def plain_lines(content: bytes) -> Iterator[tuple[int, str]]:
    """Number and text of each line, without indentation and the marks of a quotation."""
    for number, line in enumerate(content.decode("utf-8", "replace").split("\n"), 1):
        found = _QUOTES.match(line)
        yield number, line[found.end() if found else 0 :].rstrip()


def hex_of(text: str) -> bytes | None:
    """The bytes of a line that holds hex digits in pairs and nothing else."""
    return bytes.fromhex(text) if text.isascii() and _HEX.fullmatch(text) else None
