"""Changes of the bytes of an answer or a packet, seen as numbers of any width and order, and as blocks."""

from __future__ import annotations

from typing import Literal

from attrs import frozen

from strategies.dice import Dice, Weighted
from strategies.havoc import havoc, payload

from .material import Material

__all__ = ["LONGEST", "change_bytes", "edge"]

LONGEST = 4096  #: bytes that a change lets an answer grow to
_WIDTHS = (1, 1, 2, 2, 4)  #: bytes of a number, weighted
_FURTHEST = 35  #: that arithmetic moves a number
_HEAD = 8  #: bytes of an answer in which half of the changes happen: headers, lengths, kinds
_LARGEST_BLOCK = 32  #: bytes that are moved, repeated or removed in one go


def _edges(bits: int) -> tuple[int, ...]:
    """Zero, powers of two and their neighbours, up to all bits set: where counters wrap and signs change."""
    values = {power + near for power in (1 << bit for bit in range(bits + 1)) for near in (-1, 0, 1)}
    return tuple(sorted(value for value in values if 0 <= value < 1 << bits))


_EDGES = {width: _edges(8 * width) for width in (1, 2, 4)}


def edge(dice: Dice, width: int) -> int:
    """A boundary value of a number of 1, 2 or 4 bytes."""
    return dice.pick(_EDGES[width])


def _place(dice: Dice, size: int) -> int:
    """An offset, half the time among the first few."""
    return dice.below(min(size, _HEAD) if dice.chance(0.5) else size)


@frozen
class _Number:
    """A number among other bytes: where it is, how wide, and in which order."""

    at: int
    width: int  #: bytes
    order: Literal["little", "big"]

    def value(self, raw: bytearray) -> int:
        """What it is."""
        return int.from_bytes(raw[self.at : self.at + self.width], self.order)

    def set(self, raw: bytearray, value: int) -> None:
        """Make it ``value``, of which too high bits are lost."""
        raw[self.at : self.at + self.width] = (value % (1 << 8 * self.width)).to_bytes(self.width, self.order)


def _number(dice: Dice, raw: bytearray) -> _Number:
    width = dice.pick([width for width in _WIDTHS if width <= len(raw)])
    at = min(_place(dice, len(raw)), len(raw) - width)
    return _Number(at, width, "little" if dice.chance(0.5) else "big")


def _arithmetic(dice: Dice, raw: bytearray, material: Material) -> str:
    del material
    number = _number(dice, raw)
    step = dice.between(1, _FURTHEST) * dice.pick((1, -1))
    number.set(raw, number.value(raw) + step)
    return f"{8 * number.width} bits at {number.at}: {step:+d}"


def _boundary(dice: Dice, raw: bytearray, material: Material) -> str:
    del material
    number = _number(dice, raw)
    value = edge(dice, number.width)
    number.set(raw, value)
    return f"{8 * number.width} bits at {number.at}: {value}"


def _known(dice: Dice, raw: bytearray, material: Material) -> str:
    """A number that the case has elsewhere."""
    number = _number(dice, raw)
    value = dice.pick(material.numbers or (len(raw),)) + dice.pick((0, 0, 0, 1, -1))
    number.set(raw, value)
    return f"{8 * number.width} bits at {number.at}: {value}, as elsewhere"


def _compared(dice: Dice, raw: bytearray, material: Material) -> str:
    """A number that the driver's code compares with, or one beside it; one that the case has, if none is known."""
    if not material.constants:
        return _known(dice, raw, material)
    value = dice.pick(material.constants)
    fitting = [width for width in (1, 2, 4) if value < 1 << 8 * width and width <= len(raw)]
    if not fitting:
        return _known(dice, raw, material)
    width = fitting[0] if dice.chance(0.7) else dice.pick(fitting)
    at = min(_place(dice, len(raw)), len(raw) - width)
    number = _Number(at, width, "little" if dice.chance(0.5) else "big")
    number.set(raw, value + dice.pick((0, 0, 0, 1, -1)))
    return f"{8 * width} bits at {at}: {value}, as the driver compares"


def _length(dice: Dice, raw: bytearray, material: Material) -> str:
    """The length of the whole, or of what follows, nearly."""
    del material
    number = _number(dice, raw)
    length = len(raw) if dice.chance(0.5) else len(raw) - number.at - number.width
    number.set(raw, length + dice.pick((0, 0, 0, 1, -1, 2, 64)))
    return f"{8 * number.width} bits at {number.at}: a length"


def _noise(dice: Dice, raw: bytearray, material: Material) -> str:
    del material
    raw[:] = havoc(dice, bytes(raw), dice.pick((1, 1, 2, 3)))
    return "a few bytes"


def _block(dice: Dice, raw: bytearray) -> tuple[int, int]:
    """Offset and length of a part of ``raw``."""
    length = dice.between(1, min(len(raw), _LARGEST_BLOCK))
    return dice.between(0, len(raw) - length), length


def _copied(dice: Dice, raw: bytearray, material: Material) -> str:
    """Bytes of the answer itself, or of elsewhere in the case, overwrite others."""
    source = dice.pick(material.blocks) if material.blocks and dice.chance(0.5) else bytes(raw)
    start, length = _block(dice, bytearray(source))
    at = _place(dice, len(raw))
    raw[at : at + length] = source[start : start + length][: len(raw) - at]
    return "a block copied"


def _filled(dice: Dice, raw: bytearray, material: Material) -> str:
    del material
    at, length = _block(dice, raw)
    raw[at : at + length] = payload(dice, length)
    return "a block replaced"


def _moved(dice: Dice, raw: bytearray, material: Material) -> str:
    del material
    at, length = _block(dice, raw)
    block = raw[at : at + length]
    del raw[at : at + length]
    raw[(where := dice.below(len(raw) + 1)) : where] = block
    return "a block moved"


def _inserted(dice: Dice, raw: bytearray, material: Material) -> str:
    source = dice.pick(material.blocks) if material.blocks and dice.chance(0.4) else bytes(raw)
    start, length = _block(dice, bytearray(source))
    block = source[start : start + length] if dice.chance(0.7) else payload(dice, length)
    raw[(where := _place(dice, len(raw))) : where] = block
    return "a block inserted"


def _removed(dice: Dice, raw: bytearray, material: Material) -> str:
    del material
    at, length = _block(dice, raw)
    del raw[at : at + length]
    return "a block removed"


_SAME_LENGTH = Weighted(
    {_arithmetic: 5, _boundary: 7, _known: 6, _compared: 5, _length: 2, _noise: 8, _copied: 3, _filled: 2, _moved: 1}
)
_ANY_LENGTH = Weighted({_SAME_LENGTH: 6, Weighted({_inserted: 1, _removed: 1}): 1})


def change_bytes(dice: Dice, raw: bytes, material: Material, *, same_length: bool = False) -> tuple[bytes, str]:
    """``raw`` with one change, and what it was; of no bytes there is nothing to change."""
    if not raw:
        return raw, ""
    changed = bytearray(raw)
    table = _SAME_LENGTH if same_length else dice.weighted(_ANY_LENGTH)
    note = dice.weighted(table)(dice, changed, material)
    return bytes(changed[: max(len(raw), LONGEST)]), note
