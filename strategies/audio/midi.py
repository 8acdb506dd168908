"""USB MIDI: jacks, elements, endpoints."""

from __future__ import annotations

from strategies.board import Board, Interface
from strategies.dice import Dice
from usbfuzz.descriptors.midi import Element, Endpoint, Header, InJack, OutJack, SourcePin
from usbfuzz.wire import TransferType

__all__ = ["midi_function"]


def midi_function(dice: Dice, board: Board, triple: tuple[int, int, int] = (1, 3, 0)) -> None:
    """A MIDI streaming interface with jacks, elements and bulk (or interrupt) endpoints. USB MIDI 1.0 appendix B."""
    number = board.interface_number()
    jacks = b""
    ids = range(1, 1 + 2 * dice.between(1, 8))
    for jack in ids:
        if jack % 2:
            jacks += InJack(bJackType=dice.pick((1, 2)), bJackID=jack).raw
        else:
            pin = SourcePin(baSourceID=jack - 1)
            jacks += OutJack(bJackType=dice.pick((1, 2)), bJackID=jack, pins=(pin,)).raw
    if dice.chance(0.2):
        jacks += Element(
            bElementID=len(ids) + 1,
            pins=(SourcePin(baSourceID=1),),
            bNrOutputPins=1,
            bmElementCaps=bytes((dice.below(256),)),
        ).raw
    kind = TransferType.BULK if dice.chance(0.85) else TransferType.INTERRUPT
    endpoints = []
    for direction in dice.pick(((0x80, 0), (0x80, 0), (0x80,), (0,))):
        pins = tuple(jack for jack in ids if (jack % 2 == 0) == bool(direction))[: dice.between(1, 16)]
        endpoints.append(board.endpoint(kind, direction, extra=Endpoint(baAssocJackID=pins).raw, audio=True))
    header = Header(wTotalLength=7 + len(jacks))
    board.add(Interface(number, triple, tuple(endpoints), extra=header.raw + jacks))
