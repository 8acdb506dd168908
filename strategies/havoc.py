"""Mutate bytes without knowing the fields, preferring values that break parsers."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from .dice import Dice, Weighted

__all__ = ["BOUNDARY_BYTES", "BOUNDARY_WORDS", "havoc", "payload"]

#: Byte values at which counters wrap, shifts overflow and off-by-one bounds show.
BOUNDARY_BYTES = (0x00, 0x01, 0x02, 0x03, 0x07, 0x08, 0x0F, 0x10, 0x1F, 0x20, 0x3F, 0x40, 0x7F, 0x80, 0x81, 0xFE, 0xFF)

#: The same for 16-bit little-endian fields.
BOUNDARY_WORDS = (0, 1, 2, 7, 8, 0x3F, 0x40, 0x7F, 0x80, 0xFF, 0x100, 0x1FF, 0x200, 0x400, 0x7FF, 0x800, 0xFFF, 0x1000,
                  0x7FFF, 0x8000, 0xFFFE, 0xFFFF)  # fmt: skip


def _boundary_byte(dice: Dice, raw: bytearray, at: int) -> None:
    raw[at] = dice.pick(BOUNDARY_BYTES)


def _nudge(dice: Dice, raw: bytearray, at: int) -> None:
    raw[at] = (raw[at] + dice.pick((1, -1, 1, -1, 2, -2, 8, -8, 16))) & 0xFF


def _flip(dice: Dice, raw: bytearray, at: int) -> None:
    raw[at] ^= 1 << dice.below(8)


def _any_byte(dice: Dice, raw: bytearray, at: int) -> None:
    raw[at] = dice.below(256)


def _boundary_word(dice: Dice, raw: bytearray, at: int) -> None:
    raw[at : at + 2] = dice.pick(BOUNDARY_WORDS).to_bytes(2, "little")[: len(raw) - at]


def _copy(dice: Dice, raw: bytearray, at: int) -> None:
    raw[at] = raw[dice.below(len(raw))]


_CHANGES = Weighted({_boundary_byte: 6, _nudge: 4, _flip: 3, _any_byte: 3, _boundary_word: 3, _copy: 2})


def havoc(dice: Dice, raw: bytes, changes: int, first: int = 0) -> bytes:
    """``raw`` with ``changes`` of its bytes from offset ``first`` on changed; its length stays."""
    if len(raw) <= first:
        return raw
    changed = bytearray(raw)
    for _ in range(changes):
        dice.weighted(_CHANGES)(dice, changed, dice.between(first, len(raw) - 1))
    return bytes(changed)


def _small_numbers(dice: Dice, length: int) -> bytes:
    return (dice.words(length) & np.uint64(7)).astype(np.uint8).tobytes()


def _sparse(dice: Dice, length: int) -> bytes:
    words = dice.words(length)
    kept = (words & np.uint64(0xFF)).astype(np.uint8)
    kept[(words >> np.uint64(32)) % np.uint64(4) != 0] = 0
    return kept.tobytes()


def _boundaries(dice: Dice, length: int) -> bytes:
    table = np.asarray(BOUNDARY_BYTES, dtype=np.uint8)
    chosen: bytes = table[(dice.words(length) % np.uint64(len(table))).astype(np.intp)].tobytes()
    return chosen


def _counted(dice: Dice, length: int) -> bytes:
    """Begins with its own length as a byte or a word, as many packet headers do."""
    prefix = length.to_bytes(2, dice.pick(("little", "big"))) if dice.chance(0.5) else bytes((length & 0xFF,))
    return (bytes(dice.below(3)) + prefix + _sparse(dice, length))[:length]


def _ascii(dice: Dice, length: int) -> bytes:
    return (b"OK\r\nV1.02 0123456789ABCDEF,;:%s" * (length // 31 + 1))[:length] if dice.chance(0.9) else b"\r" * length


def _same(dice: Dice, length: int) -> bytes:
    return dice.pick((b"\0", b"\0", b"\0", b"\0", b"\xff", b"\xff", b"\x01")) * length


_PAYLOADS: Weighted[Callable[[Dice, int], bytes]] = Weighted(
    {
        _same: 7,
        _small_numbers: 5,
        _sparse: 4,
        _boundaries: 3,
        Dice.bytes: 4,
        _counted: 3,
        _ascii: 1,
    }
)


def payload(dice: Dice, length: int) -> bytes:
    """``length`` bytes of the kinds that devices send: zeros, ones, small numbers, counters, noise."""
    return dice.weighted(_PAYLOADS)(dice, length)
