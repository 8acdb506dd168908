"""What calls in scripts give that need no running: a few pure functions and methods of Python's own.

Each takes values and raises TypeError, ValueError, OverflowError or struct.error as Python does. Nothing here makes
more than its arguments hold, but for :func:`_packed` and :func:`_to_bytes`, which are bounded.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable, Mapping

__all__ = ["FUNCTIONS", "METHODS", "Value"]

Value = int | str | bytes | tuple["Value", ...] | None

_MAX_BYTES = 1 << 16
_FORMAT = re.compile(r"[@=<>!]?(?:\s*\d{0,5}[xcbB?hHiIlLqQnNs])*\s*", re.ASCII)
_ENCODINGS = frozenset(
    ("ascii", "latin-1", "utf-8", "utf8", "utf-16", "utf-16-le", "utf_16_le", "utf-16le", "utf-16-be")
)


def _numbers(values: Value) -> list[int]:
    if not isinstance(values, tuple | bytes):
        raise TypeError("no sequence")
    numbers = [value for value in values if isinstance(value, int)]
    if len(numbers) != len(values):
        raise TypeError("not numbers alone")
    return numbers


def _length(value: Value) -> Value:
    if isinstance(value, str | bytes | tuple):
        return len(value)
    raise TypeError("has no length")


def _total(values: Value) -> Value:
    return sum(_numbers(values))


def _least(*values: Value) -> Value:
    return min(_numbers(values[0] if len(values) == 1 else values))


def _most(*values: Value) -> Value:
    return max(_numbers(values[0] if len(values) == 1 else values))


def _code(value: Value) -> Value:
    if isinstance(value, str | bytes) and len(value) == 1:
        return ord(value)
    raise TypeError("not one character")


def _size(form: Value) -> Value:
    if not isinstance(form, str | bytes):
        raise TypeError("no format")
    text = form if isinstance(form, str) else form.decode("ascii", "replace")
    if not _FORMAT.fullmatch(text) or struct.calcsize(text) > _MAX_BYTES:
        raise ValueError("a format of another kind")
    return struct.calcsize(text)


def _packed(form: Value, *values: Value) -> Value:
    _size(form)
    assert isinstance(form, str | bytes), "_size has seen it"
    return struct.pack(form, *values)


def _to_bytes(number: Value, length: Value = 1, order: Value = "big") -> Value:
    if not isinstance(number, int) or not isinstance(length, int) or length > _MAX_BYTES:
        raise TypeError("no number of bytes")
    return number.to_bytes(length, "little" if order == "little" else "big", signed=number < 0)


def _joined(separator: Value, parts: Value) -> Value:
    if isinstance(separator, bytes) and isinstance(parts, tuple):
        return separator.join(part if isinstance(part, bytes) else bytes(_numbers(part)) for part in parts)
    if isinstance(separator, str) and isinstance(parts, tuple):
        return separator.join(part if isinstance(part, str) else "" for part in parts)
    raise TypeError("nothing to join")


def _encoded(text: Value, encoding: Value = "utf-8") -> Value:
    if not isinstance(text, str) or not isinstance(encoding, str) or encoding.lower() not in _ENCODINGS:
        raise TypeError("no text, or an encoding of another kind")
    return text.encode(encoding)


#: by the name they are called by
FUNCTIONS: Mapping[str, Callable[..., Value]] = {
    "calcsize": _size,
    "len": _length,
    "max": _most,
    "min": _least,
    "ord": _code,
    "pack": _packed,
    "struct.calcsize": _size,
    "struct.pack": _packed,
    "sum": _total,
}
METHODS: Mapping[str, Callable[..., Value]] = {"encode": _encoded, "join": _joined, "to_bytes": _to_bytes}
