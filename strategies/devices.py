"""Whole devices: the ids a driver asks for, a function it accepts, and answers; plausible until they are malformed."""

from __future__ import annotations

from attrs import evolve
from hypothesis import strategies as st

from usbfuzz.case.model import DeviceSpec, Firmware
from usbfuzz.errors import InputError
from usbfuzz.wire import Speed

from .board import Board
from .dice import Dice, Weighted, dice
from .habits import TOTALS
from .identities import CLASS_DRIVERS, Identities, Identity
from .malform import malform
from .palette import COMPOSITE, Palette, builder_of
from .responses import answer_control, answer_endpoints

__all__ = [
    "LEARNED_MARK",
    "bare_device",
    "device_and_firmware",
    "devices",
    "devices_of",
    "hid_devices",
    "make_device",
    "malformed",
    "release",
]

_SPEEDS = Weighted({Speed.HIGH: 72, Speed.FULL: 18, Speed.SUPER: 8, Speed.LOW: 2})
#: How the name of a device ends that answers as was learned.
LEARNED_MARK = " learned"
#: Devices that answer as was learned, where something was.
_LEARNED = 0.5
_FIRST = 0.6  #: of them are the one that got furthest
_VENDORS = (0x046D, 0x04F2, 0x0525, 0x0BDA, 0x1D6B, 0x1234, 0x056A, 0x05AC, 0x0582, 0x0763, 0x041E, 0x17CC, 0x2708)


def release(dice: Dice, identity: Identity) -> int:
    """A bcdDevice that ``identity`` matches; often an odd one where any does."""
    if identity.bcdDevice is None:
        return (
            0x0100 if dice.chance(0.8) else dice.pick((0x0000, 0x0001, 0x0200, 0x0400, 0x0700, 0x1000, 0x9999, 0xFFFF))
        )
    low, high = identity.bcdDevice
    return dice.pick((low, high, dice.between(low, high)))


def _start_board(dice: Dice, identity: Identity, *, tables: bool) -> Board:
    """An empty board for a device that ``identity`` matches, as far as the device descriptor goes."""
    product = identity.idProduct if identity.idProduct is not None else dice.below(0x10000)
    classes = (identity.bDeviceClass, identity.bDeviceSubClass, identity.bDeviceProtocol)
    return Board(
        identity,
        speed=dice.weighted(_SPEEDS),
        idVendor=dice.pick(_VENDORS) if identity.idVendor is None else identity.idVendor,
        idProduct=product,
        bcdDevice=release(dice, identity),
        device_triple=(classes[0] or 0, classes[1] or 0, classes[2] or 0),
        tables=tables,
    )


def make_device(dice: Dice, palette: Palette, kind: str) -> DeviceSpec:
    """A plausible device of one kind (of SHARES) for a driver of ``palette``.

    A composite is two or three functions of other kinds; its ids are the first one's.
    """
    return device_and_firmware(dice, palette, kind)[0]


def device_and_firmware(dice: Dice, palette: Palette, kind: str) -> tuple[DeviceSpec, tuple[Firmware, ...]]:
    """The same, and the files that its driver reads, where what was learned of it says which."""
    board = _board(dice, palette, kind)
    learned = None if kind == COMPOSITE else palette.identities.learned.get(board.identity.module)
    if learned is not None and learned.devices and dice.chance(_LEARNED):
        # The first got furthest; the others reached what it did not.
        draft = (learned.devices[0] if dice.chance(_FIRST) else dice.pick(learned.devices)).draft
        paint = dice.word()
        return evolve(draft.device(paint), name=f"{board.name}{LEARNED_MARK}"), draft.firmware(paint)
    return board.spec(answer_control(dice), answer_endpoints(dice, board)), ()


def bare_device(dice: Dice, palette: Palette, kind: str) -> DeviceSpec:
    """The same without answers, but for those that the kind itself has."""
    return _board(dice, palette, kind).spec()


def _board(dice: Dice, palette: Palette, kind: str) -> Board:
    functions = [kind]
    if kind == COMPOSITE:
        functions = [dice.weighted(palette.functions) for _ in range(dice.pick((2, 2, 3)))]
    board = _start_board(dice, palette.identity(dice, functions[0]), tables=palette.identities.tables)
    for position, function in enumerate(functions):
        if position:
            board.identity = palette.identity(dice, function)
        builder_of(function)(dice, board)
    if board.tables and (totals := TOTALS.get(f"{board.idVendor:04x}:{board.idProduct:04x}")):
        board.pad_to(dice.pick(totals))
    return board


def devices_of(kind: str, identities: Identities = CLASS_DRIVERS) -> st.SearchStrategy[DeviceSpec]:
    """Plausible devices of one kind, such as ``"printer"`` (a file of :mod:`usbfuzz.kinds`) or ``"composite"``.

    Raises InputError when the kernel has no driver for any.
    """
    palette = Palette(identities)
    if kind not in palette.shares.items:
        raise InputError(f"no driver for {kind} devices among these identities: give those of another kernel.")
    return dice().map(lambda chosen: make_device(chosen, palette, kind))


def devices(identities: Identities = CLASS_DRIVERS) -> st.SearchStrategy[DeviceSpec]:
    """Plausible devices of all kinds that the kernel of ``identities`` has drivers for, composites included."""
    palette = Palette(identities)
    return st.builds(lambda kind, chosen: make_device(chosen, palette, kind), palette.shares.strategy(), dice())


def malformed(plausible: st.SearchStrategy[DeviceSpec], least: int = 1, most: int = 8) -> st.SearchStrategy[DeviceSpec]:
    """Devices of another strategy with ``least`` to ``most`` malformations (at most 100)."""
    return st.builds(
        lambda spec, count, chosen: malform(chosen, spec, count)[0], plausible, st.integers(least, most), dice()
    )


def hid_devices(identities: Identities = CLASS_DRIVERS) -> st.SearchStrategy[DeviceSpec]:
    """HID devices with report descriptors: ``devices_of("hid")``."""
    return devices_of("hid", identities)
