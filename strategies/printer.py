"""Printers: settings for each protocol, and IEEE 1284 device ids, some of a wrong length."""

from __future__ import annotations

import struct

from usbfuzz.case.model import ControlScript, Step
from usbfuzz.wire import TransferType, data

from .board import Board, Interface
from .dice import Dice

__all__ = ["printer_function"]

BULK = TransferType.BULK

#: IEEE 1284 device ids.
_DEVICE_IDS = (
    b"MFG:Maker;CMD:PCL,PS;MDL:Printer;CLS:PRINTER;",
    b"",
    b"A" * 1021,
    b"MFG:" + b"%s" * 40,
)


def printer_function(dice: Dice, board: Board) -> None:
    """A printer with a setting for each protocol, and a device id with its length in front. Printer class 1.1."""
    number = board.interface_number()
    outgoing, incoming = board.endpoint(BULK, 0), board.endpoint(BULK, 0x80)
    for alternate in range(dice.pick((1, 1, 2, 3))):
        endpoints = (outgoing,) if dice.chance(0.2) else (outgoing, incoming)
        board.add(Interface(number, (7, 1, dice.pick((1, 2, 2, 3))), endpoints, alternate))
    text = dice.pick(_DEVICE_IDS)
    said = len(text) + 2 if dice.chance(0.7) else dice.pick((0, 1, 2, 0xFFFF))
    board.control += [
        ControlScript((Step(data(struct.pack(">H", said) + text), 0),), 0xA1, 0),
        ControlScript((Step(data(bytes((dice.pick((0x18, 0x10, 0x30)),))), 0),), 0xA1, 1),
    ]
