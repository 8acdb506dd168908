"""Hubs: their class descriptor, and answers to what the kernel asks of a hub and its ports."""

from __future__ import annotations

import struct

from usbfuzz.case.model import ControlScript, EndpointScript, Step
from usbfuzz.descriptors.hub import HubDescriptor, SuperSpeedHubDescriptor
from usbfuzz.wire import Speed, TransferType, data

from .board import Board, Interface
from .dice import Dice
from .havoc import payload

__all__ = ["hub_function"]

INTERRUPT = TransferType.INTERRUPT


def _hub_descriptor(dice: Dice, superspeed: bool) -> bytes:
    """Hub class descriptor. USB 2.0 §11.23.2.1, USB 3.2 §10.15.2.1."""
    ports = dice.pick((1, 4, 4, 4, 7, 7, 15, 31)) if dice.chance(0.9) else dice.pick((0, 32, 255))
    characteristics = dice.pick((0x00E9, 0x00A9, 0x0000, 0x0089))
    common = {"bNbrPorts": ports, "wHubCharacteristics": characteristics, "bPwrOn2PwrGood": 50, "bHubContrCurrent": 100}
    if superspeed:
        return SuperSpeedHubDescriptor(**common, bHubHdrDecLat=4).raw
    bitmap = (ports + 8) // 8
    raw = HubDescriptor(**common, DeviceRemovable=bytes(bitmap) + b"\xff" * bitmap).raw
    return raw if dice.chance(0.92) else raw[: dice.between(2, len(raw))]


def hub_function(dice: Dice, board: Board) -> None:
    """A hub whose ports are mostly empty: the guest resets and enumerates each port that reports a device."""
    superspeed = board.speed is Speed.SUPER
    if not board.parts and dice.chance(0.7):
        board.device_triple = (9, 0, 3 if superspeed else dice.pick((0, 1, 2)))
    number = board.interface_number()
    status = board.endpoint(INTERRUPT, 0x80, size=dice.pick((1, 1, 2, 8)), interval=12)
    board.add(Interface(number, (9, 0, 0), (status,)))
    if dice.chance(0.2):
        board.add(Interface(number, (9, 0, 2), (status,), 1))
    whole = data(_hub_descriptor(dice, superspeed))
    port = struct.pack("<HH", *dice.pick(((0x0100, 0), (0x0100, 0), (0x0100, 0), (0x0101, 1), (0x0503, 0x1F))))
    board.control += [
        ControlScript((Step(whole, 0),), 0xA0, 6),
        ControlScript((Step(data(bytes(4)), 0),), 0xA0, 0),
        ControlScript((Step(data(port), dice.between(1, 12)), Step(data(b"\x00\x01\x00\x00"), 0)), 0xA3, 0),
    ]
    if dice.chance(0.4):
        changes = payload(dice, dice.pick((1, 1, 2, 8)))
        board.scripts.append(EndpointScript(status.bEndpointAddress, (Step(data(changes), dice.between(1, 3)),)))
