"""Typed reading of one TOML table: every wrong value becomes a CaseError that names its line and key."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator
from enum import Enum
from typing import Any, NoReturn, TypeVar

from attrs import frozen

from usbfuzz.errors import CaseError

from .hexadecimal import HexError, parse_hex
from .locate import KeyPath, Source, clipped, dotted

__all__ = ["Document", "Table"]

Choice = TypeVar("Choice", bound=Enum)
Value = TypeVar("Value")

_NUMBER = re.compile(r"0|[1-9][0-9]{0,8}")
_TYPES = {bool: "true or false", str: "text", int: "a number", list: "a list", dict: "a table", float: "a fraction"}


@frozen
class Document:
    """Where the tables come from: what messages call it, and its text."""

    name: str
    source: Source

    def fail(self, path: KeyPath, what: str, inner: int = 0) -> NoReturn:
        """Raise the CaseError for the value at ``path``."""
        line = self.source.line(path, inner)
        place = self.name if line is None else f"{self.name}:{line}"
        raise CaseError(f"{place}: {dotted(path)}: {what}")


class Table:
    """One table. Each method reads one key; :meth:`close` raises for keys that were not read."""

    def __init__(self, document: Document, path: KeyPath, values: dict[str, Any]) -> None:
        self.document = document
        self.path = path
        self._left = dict(values)
        self._known: list[str] = []

    def has(self, key: str) -> bool:
        """Whether the key is there and not taken yet."""
        return key in self._left

    def has_table(self, key: str) -> bool:
        """Whether the key is there as a table."""
        return isinstance(self._left.get(key), dict)

    def fail(self, key: str, what: str) -> NoReturn:
        """Raise the CaseError for one key."""
        self.document.fail((*self.path, key), what)

    def integer(self, key: str, low: int, high: int) -> int | None:
        """A number in ``low..high``, or None when the key is absent."""
        value: int | None = self._take(key, int)
        if value is not None and not low <= value <= high:
            bounds = f"{low:#x}..{high:#x}" if high in (0xFF, 0xFFFF) else f"{low}..{high}"
            shown = value if value.bit_length() <= 64 else "the number"
            self.fail(key, f"{shown} is out of range; use {bounds}")
        return value

    def text(self, key: str, default: str | None = "") -> str:
        """Text; required when there is no default."""
        value: str | None = self._take(key, str)
        return self.required(key, default if value is None else value)

    def flag(self, key: str, *, default: bool) -> bool:
        """A boolean."""
        value: bool | None = self._take(key, bool)
        return default if value is None else value

    def choice(self, key: str, words: type[Choice], default: Choice | None) -> Choice:
        """One of an enumeration's values; required when there is no default."""
        value = self._take(key, str)
        if value is None:
            return self.required(key, default)
        try:
            return words(value)
        except ValueError:
            self.fail(
                key, f"'{clipped(value)}' is not known; use one of {', '.join(str(word.value) for word in words)}"
            )

    def raw(self, key: str) -> bytes | None:
        """Bytes written as a hex string."""
        value = self._take(key, str)
        return None if value is None else self._bytes((key,), value)

    def raws(self, key: str) -> tuple[bytes, ...]:
        """A list of hex strings."""
        return tuple(self._bytes((key, i), text) for i, text in enumerate(self._items(key, str)))

    def texts(self, key: str) -> tuple[str, ...]:
        """A list of texts."""
        return tuple(self._items(key, str))

    def table(self, key: str) -> Table | None:
        """A table, or None when the key is absent."""
        value = self._take(key, dict)
        return None if value is None else Table(self.document, (*self.path, key), value)

    def tables(self, key: str) -> list[Table]:
        """An array of tables, in either notation."""
        return [Table(self.document, (*self.path, key, i), item) for i, item in enumerate(self._items(key, dict))]

    def numbered(self, high: int) -> Iterator[tuple[int, str]]:
        """All keys as numbers ``0..high``, with the keys themselves."""
        for key in tuple(self._left):
            if not (_NUMBER.fullmatch(key) and int(key) <= high):
                self.fail(key, f"'{clipped(key)}' is not a number in 0..{high}")
            yield int(key), key

    def required(self, key: str, value: Value | None) -> Value:
        """The value, unless it is None."""
        if value is None:
            self.fail(key, f"is missing; add {key} = …")
        return value

    def close(self) -> None:
        """Raise the CaseError for a key that was not read."""
        for key in self._left:
            near = difflib.get_close_matches(key, self._known, n=1)
            hint = f"did you mean {near[0]}?" if near else f"known here: {', '.join(sorted(self._known))}"
            self.fail(key, f"is not a key of this table; {hint}")

    def _bytes(self, keys: KeyPath, text: str) -> bytes:
        try:
            return parse_hex(text)
        except HexError as error:
            self.document.fail((*self.path, *keys), str(error), error.line)

    def _items(self, key: str, kind: type) -> list[Any]:
        items = self._take(key, list) or []
        for i, item in enumerate(items):
            if not isinstance(item, kind):
                self.document.fail((*self.path, key, i), f"must be {_TYPES[kind]}, not {_named(item)}")
        return items

    def _take(self, key: str, kind: type) -> Any:
        self._known.append(key)
        value = self._left.pop(key, None)
        if value is not None and (not isinstance(value, kind) or (kind is int and isinstance(value, bool))):
            self.fail(key, f"must be {_TYPES[kind]}, not {_named(value)}")
        return value


def _named(value: Any) -> str:
    return _TYPES.get(type(value), "a date or time")
