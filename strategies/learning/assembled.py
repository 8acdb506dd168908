"""Operands that were put together out of half bytes from several places: two registers of a byte each, say.

A half byte is believed to be a copy of another if it follows that in every paint, which for one of a thousand happens
by chance once in a thousand times.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from attrs import evolve, frozen

from .draft import Change
from .parts import Key

__all__ = ["Halves"]

_BITS = 4
_HALF = (1 << _BITS) - 1
_MOST = 4  #: places that a half byte may come from; of more it is not known which is meant

_Place = tuple[Key, int, int]  #: where a byte is, and the half of it: bits to the right


@frozen(eq=False)
class Halves:
    """All half bytes that were sent, by what they were in each paint."""

    sents: Sequence[Mapping[Key, bytes]]
    index: Mapping[tuple[int, ...], Sequence[_Place]]

    @classmethod
    def of(cls, sents: Sequence[Mapping[Key, bytes]], places: Sequence[tuple[Key, int]]) -> Halves:
        """Those of the bytes at these places, from what was sent in each paint."""
        index: dict[tuple[int, ...], list[_Place]] = {}
        for key, at in places:
            for shift in (0, _BITS):
                index.setdefault(tuple((sent[key][at] >> shift) & _HALF for sent in sents), []).append((key, at, shift))
        return cls(sents, index)

    def change(self, operands: Sequence[int], wanted: int, width: int, because: str) -> Change | None:
        """What to send so that an operand is ``wanted``, which was this in each paint; ``width`` in bytes.

        None when a half byte of it follows the paint and is none that was sent, or is not to be changed.
        """
        made: dict[tuple[Key, int], int] = {}
        for position in range(0, 8 * width, _BITS):
            halves = tuple((operand >> position) & _HALF for operand in operands)
            half = (wanted >> position) & _HALF
            if len(set(halves)) == 1:
                if halves[0] != half:
                    return None
                continue
            found = self.index.get(halves, ())
            if not 0 < len(found) <= _MOST:
                return None
            key, at, shift = found[0]
            byte = made.get((key, at), self.sents[0][key][at])
            made[key, at] = (byte & ~(_HALF << shift)) | half << shift
        changes = [Change(key, at, bytes((byte,)), because) for (key, at), byte in made.items()]
        return evolve(changes[0], also=tuple(changes[1:])) if changes else None
