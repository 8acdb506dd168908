"""USB MIDI: jacks, elements, endpoints."""

from __future__ import annotations

import struct

from strategies.board import Board, Interface, block
from strategies.dice import Dice
from usbfuzz.wire import TransferType

__all__ = ["midi_function"]


def midi_function(dice: Dice, board: Board, triple: tuple[int, int, int] = (1, 3, 0)) -> None:
    """A MIDI streaming interface with jacks, elements and bulk (or interrupt) endpoints. USB MIDI 1.0 appendix B."""
    number = board.interface_number()
    jacks = b""
    ids = range(1, 1 + 2 * dice.between(1, 8))
    for jack in ids:
        if jack % 2:
            jacks += block(2, dice.pick((1, 2)), jack, 0)
        else:
            jacks += block(3, dice.pick((1, 2)), jack, 1, jack - 1, 1, 0)
    if dice.chance(0.2):
        jacks += block(4, len(ids) + 1, 1, 1, 1, 1, 0, 0, 1, dice.below(256), 0)
    kind = TransferType.BULK if dice.chance(0.85) else TransferType.INTERRUPT
    endpoints = []
    for direction in dice.pick(((0x80, 0), (0x80, 0), (0x80,), (0,))):
        pins = bytes(one for one in ids if (one % 2 == 0) == bool(direction))[: dice.between(1, 16)]
        endpoints.append(board.endpoint(kind, direction, extra=block(1, len(pins), pins, kind=0x25), audio=True))
    header = block(1, struct.pack("<HH", 0x0100, 7 + len(jacks)))
    board.add(Interface(number, triple, tuple(endpoints), extra=header + jacks))
