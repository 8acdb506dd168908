"""Values in fwupd's JSON, which may be of any type: what is none of the wanted kind counts as absent."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator

from attrs import frozen

__all__ = ["Fields"]


@frozen
class Fields:
    """An object of the JSON."""

    values: dict[str, object]

    def number(self, name: str, bits: int = 8) -> int:
        """A number, cut to its field's width; fwupd leaves out those that are 0."""
        value = self.values.get(name)
        return value & ((1 << bits) - 1) if isinstance(value, int) else 0

    def integer(self, name: str) -> int | None:
        """A number as it stands; None when there is none."""
        value = self.values.get(name)
        return value if isinstance(value, int) else None

    def text(self, name: str) -> str:
        """A text of printable ASCII; empty when there is none."""
        value = self.values.get(name)
        return value if isinstance(value, str) and value.isascii() and value.isprintable() else ""

    def data(self, name: str) -> bytes:
        """The bytes of a text in base64; empty when there is none."""
        return decoded(self.text(name))

    def objects(self, name: str) -> Iterator[Fields]:
        """The objects of a list."""
        return (Fields(value) for value in self._items(name) if isinstance(value, dict))

    def blobs(self, name: str) -> Iterator[bytes]:
        """The bytes of each text in base64 of a list."""
        return (decoded(value) for value in self._items(name) if isinstance(value, str))

    def _items(self, name: str) -> list[object]:
        value = self.values.get(name)
        return value if isinstance(value, list) else []


def decoded(text: str) -> bytes:
    """The bytes of base64; empty when it is none."""
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return b""
