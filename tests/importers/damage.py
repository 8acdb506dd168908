"""Damaged files: an importer answers them with devices that can be written down, or with one clear error."""

from __future__ import annotations

from hypothesis import strategies as st

from usbfuzz.case import Case, dumps, loads
from usbfuzz.errors import InputError
from usbfuzz.importers import Importer

__all__ = ["damaged", "survives"]


def damaged(content: bytes, values: st.SearchStrategy[int]) -> st.SearchStrategy[bytes]:
    """The content with up to 20 of its bytes changed."""
    places = st.lists(st.tuples(st.integers(0, len(content) - 1), values), max_size=20)

    def change(changes: list[tuple[int, int]]) -> bytes:
        raw = bytearray(content)
        for at, value in changes:
            raw[at] = value
        return bytes(raw)

    return places.map(change)


def survives(importer: Importer, content: bytes) -> None:
    """The importer raises nothing but InputError, and what it gives can be written down and read again."""
    try:
        found = importer(content, "x")
    except InputError:
        return
    for imported in found:
        assert loads(dumps(Case((imported.device,), ()))).devices == (imported.device,)
