"""Cameras: USB Video Class 1.0 to 1.5, with terminals, units, formats, frames and alternate settings."""

from __future__ import annotations

import struct

from usbfuzz.case.model import ControlScript, EndpointScript, Step
from usbfuzz.wire import TransferType, data

from .board import Board, Endpoint, Interface, block
from .dice import Dice, Weighted
from .havoc import payload

__all__ = ["video_function"]

ISO, BULK, INTERRUPT = TransferType.ISOCHRONOUS, TransferType.BULK, TransferType.INTERRUPT
#: Format and frame descriptor subtypes. UVC 1.5 table A-6; DV has no frames of its own.
_FORMATS = Weighted(
    {(0x04, 0x05): 4, (0x06, 0x07): 4, (0x10, 0x11): 2, (0x0C, 0x00): 2, (0x0A, 0x00): 1, (0x12, 0x00): 1}
)
_GUIDS = tuple(
    name + bytes.fromhex("000010008000 00aa00389b71") for name in (b"YUY2", b"NV12", b"H264", b"Y800", b"M420", b"????")
)
_SIZES = ((640, 480), (320, 240), (1280, 720), (1920, 1080), (0, 0), (65535, 65535), (1, 1))


def _frame(dice: Dice, subtype: int, index: int) -> bytes:
    """Frame descriptor with a discrete or continuous list of intervals. UVC payload specifications, table 3-2."""
    width, height = dice.pick(_SIZES[:4]) if dice.chance(0.9) else dice.pick(_SIZES)
    discrete = dice.pick((0, 1, 1, 2, 5, 20))
    intervals = struct.pack(
        f"<{discrete or 3}I", *(dice.pick((333333, 166666, 666666, 0)) for _ in range(discrete or 3))
    )
    rates = struct.pack("<II", width * height * 16 & 0xFFFFFFFF, width * height * 240 & 0xFFFFFFFF)
    head = struct.pack("<BBBHH", subtype, index, dice.below(4), width, height)
    if subtype == 0x11:  # frame based: no buffer size, bytes per line instead, behind the interval type
        return block(head, rates, struct.pack("<IBI", 333333, discrete, 0), intervals)
    return block(head, rates, struct.pack("<IIB", width * height * 2 & 0xFFFFFFFF, 333333, discrete), intervals)


def _format(dice: Dice, index: int) -> bytes:
    """A format with its frames, still image frame and colours."""
    subtype, frame_subtype = dice.weighted(_FORMATS)
    count = dice.pick((1, 1, 2, 3, 8)) if frame_subtype or dice.chance(0.5) else 0
    if frame_subtype and dice.chance(0.04):
        frame_subtype = dice.pick((0x00, 0x05, 0x07, 0x11, 0x03))
    frames = b"".join(_frame(dice, frame_subtype, at + 1) for at in range(count))
    announced = count if dice.chance(0.95) else dice.below(256)
    match subtype:
        case 0x04:
            made = block(subtype, index, announced, dice.pick(_GUIDS), 16, 1, 0, 0, 0, 0)
        case 0x06:
            made = block(subtype, index, announced, 1, 1, 0, 0, 0, 0)
        case 0x10:
            made = block(subtype, index, announced, dice.pick(_GUIDS), 16, 1, 0, 0, 0, 0, 1)
        case 0x0C:
            made = block(subtype, index, struct.pack("<IB", 144000, dice.pick((0, 1, 2, 0x81, 0x7F))))
        case _:
            made = block(subtype, index, bytes(3 if subtype == 0x0A else 20))
    still = block(3, 0, 1, struct.pack("<HH", 640, 480), 1, 0) if dice.chance(0.2) else b""
    colours = block(0x0D, 1, 1, 4) if dice.chance(0.7) else b""
    return made + frames + still + colours


def _streaming_header(dice: Dice, address: int, terminal: int, formats: list[bytes]) -> bytes:
    body = b"".join(formats)
    count = len(formats) if dice.chance(0.95) else dice.below(8)
    width = dice.pick((1, 1, 2, 0))
    controls = dice.bytes(width * count)
    if address & 0x80:
        fixed = struct.pack("<BHBBBBBBB", count, 13 + len(controls) + len(body), address, 0, terminal, 1, 0, 0, width)
        return block(1, fixed, controls) + body
    return (
        block(2, struct.pack("<BHBBB", count, 9 + len(controls) + len(body), address, terminal, width), controls) + body
    )


def _stream(dice: Dice, board: Board, terminal: int, version: int) -> None:
    number = board.interface_number()
    direction = 0x80 if dice.chance(0.96) else 0
    formats = [_format(dice, at + 1) for at in range(dice.pick((1, 1, 2, 3)))]
    triple = (0x0E, 2, 1 if version >= 0x0150 else 0)
    bulk = dice.chance(0.35)
    made = board.endpoint(BULK if bulk else ISO, direction, size=128, attributes=0 if bulk else 0x04)
    header = _streaming_header(dice, made.bEndpointAddress, terminal, formats)
    if bulk:
        board.add(Interface(number, triple, (made,), extra=header))
        frame = b"\x0c\x8f" + payload(dice, 500)
        board.scripts.append(EndpointScript(made.bEndpointAddress, (Step(data(frame), 10),)))
        return
    board.add(Interface(number, triple, extra=header))
    for alternate in range(1, dice.pick((2, 3, 8))):
        again = board.endpoint(ISO, direction, number=made.bEndpointAddress & 15, size=128 * alternate, attributes=0x04)
        board.add(Interface(number, triple, (again,), alternate))


def _units(dice: Dice) -> tuple[bytes, int]:
    """Camera → processing → extension units → output, mostly in a row; returns the id streams link to."""
    bits = dice.pick((2, 3, 3, 0, 8))
    camera = block(2, 1, struct.pack("<HB", 0x0201, 0), 0, struct.pack("<HHH", 0, 0, 0), bits, dice.bytes(bits))
    if dice.chance(0.2):
        camera = block(
            2, 1, struct.pack("<HB", dice.pick((0x0200, 0x0202, 0x0401, 0x0101)), 0), 0, dice.bytes(dice.below(12))
        )
    last, units = 1, camera
    if dice.chance(0.85):
        bits = dice.pick((2, 2, 3, 0))
        units += block(5, 2, last, 0, 0x40, bits, dice.bytes(bits), 0, *((0x09,) if dice.chance(0.5) else ()))
        last = 2
    for number in range(3, 3 + dice.below(3)):
        pins = bytes(dice.pick((last, last, last, number, 1)) for _ in range(dice.pick((1, 1, 2))))
        if dice.chance(0.2):
            units += block(4, number, len(pins), pins, 0)
        else:
            bits = dice.pick((1, 2, 4))
            units += block(6, number, dice.bytes(16), dice.between(1, 32), len(pins), pins, bits, dice.bytes(bits), 0)
        last = number
    output = 6
    units += block(3, output, struct.pack("<HB", 0x0101 if dice.chance(0.9) else 0x0301, 0), last, 0)
    return units, output


def _probe_answers(dice: Dice) -> list[ControlScript]:
    """Probe and commit blocks (UVC 1.5 table 4-75, 48 bytes; older hosts ask for less), lengths and capabilities."""
    block_ = struct.pack(
        "<HBBIHHHHHIIIBBBB",
        1,
        dice.pick((1, 1, 0, 255)),
        dice.pick((1, 1, 0, 255)),
        333333,
        0,
        0,
        0,
        0,
        0,
        dice.pick((614400, 0, 0xFFFFFFFF)),
        dice.pick((1024, 3072, 0)),
        48000000,
        0,
        0,
        0,
        0,
    )
    scripts = [
        ControlScript((Step(data(block_ + bytes(14)), 0),), 0xA1, request, 0x0100) for request in (0x81, 0x82, 0x83)
    ]
    length = dice.pick((1, 2, 4, 0, 0xFFFF)).to_bytes(2, "little")
    scripts.append(ControlScript((Step(data(length), 0),), 0xA1, 0x85))
    scripts.append(ControlScript((Step(data(bytes((dice.pick((3, 0x0F, 0xFF)),))), 0),), 0xA1, 0x86))
    return scripts


def video_function(dice: Dice, board: Board) -> None:
    """A control interface with units and one or two streaming interfaces."""
    version = dice.pick((0x0100, 0x0100, 0x0110, 0x0150))
    control = board.interface_number()
    streams = dice.pick((1, 1, 1, 2))
    board.associate(control, 1 + streams, (0x0E, 3, 0))
    units, output = _units(dice)
    listed = bytes(control + 1 + at for at in range(streams))
    header = block(1, struct.pack("<HHIB", version, 12 + streams + len(units), 48000000, streams), listed)
    status: tuple[Endpoint, ...] = ()
    if dice.chance(0.5):
        status = (board.endpoint(INTERRUPT, 0x80, size=16, extra=block(3, struct.pack("<H", 16), kind=0x25)),)
    board.add(Interface(control, (0x0E, 1, 1 if version >= 0x0150 else 0), status, extra=header + units))
    for _ in range(streams):
        _stream(dice, board, output, version)
    board.control += _probe_answers(dice)
