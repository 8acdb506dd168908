"""Cameras: USB Video Class 1.0 to 1.5, with terminals, units, formats, frames and alternate settings."""

from __future__ import annotations

import struct
from typing import Any

from usbfuzz.case.model import ControlScript, EndpointScript, Step
from usbfuzz.descriptors import Descriptor
from usbfuzz.descriptors.uvc import (
    CameraTerminal,
    ExtensionUnit,
    Header,
    InputTerminal,
    InterruptEndpoint,
    OutputTerminal,
    ProcessingUnit,
    ProcessingUnit11,
    SelectorUnit,
)
from usbfuzz.descriptors.uvc_streaming import (
    ColorMatching,
    DvFormat,
    FrameBasedFormat,
    FrameBasedFrame,
    ImageSize,
    InputHeader,
    MjpegFormat,
    Mpeg2TsFormat,
    OutputHeader11,
    StillImageFrame,
    StreamBasedFormat,
    UncompressedFormat,
    UncompressedFrame,
)
from usbfuzz.wire import TransferType, data

from .board import Board, Endpoint, Interface, lengthened
from .dice import Dice, Weighted
from .havoc import payload

__all__ = ["video_function"]

ISO, BULK, INTERRUPT = TransferType.ISOCHRONOUS, TransferType.BULK, TransferType.INTERRUPT
#: Formats and the subtype of their frames. UVC 1.5 table A-6; DV has no frames of its own.
_FORMATS: Weighted[tuple[type[Descriptor], int]] = Weighted(
    {
        (UncompressedFormat, 0x05): 4,
        (MjpegFormat, 0x07): 4,
        (FrameBasedFormat, 0x11): 2,
        (DvFormat, 0x00): 2,
        (Mpeg2TsFormat, 0x00): 1,
        (StreamBasedFormat, 0x00): 1,
    }
)
_GUIDS = tuple(
    name + bytes.fromhex("000010008000 00aa00389b71") for name in (b"YUY2", b"NV12", b"H264", b"Y800", b"M420", b"????")
)
_SIZES = ((640, 480), (320, 240), (1280, 720), (1920, 1080), (0, 0), (65535, 65535), (1, 1))


def _frame(dice: Dice, subtype: int, index: int) -> bytes:
    """Frame descriptor with a discrete or continuous list of intervals. UVC payload specifications, table 3-2.

    Subtypes that are no frame's get the layout of an uncompressed one.
    """
    width, height = dice.pick(_SIZES[:4]) if dice.chance(0.9) else dice.pick(_SIZES)
    discrete = dice.pick((0, 1, 1, 2, 5, 20))
    fields: dict[str, Any] = {
        "bDescriptorSubtype": subtype,
        "dwFrameInterval": tuple(dice.pick((333333, 166666, 666666, 0)) for _ in range(discrete or 3)),
        "bFrameIndex": index,
        "bmCapabilities": dice.below(4),
        "wWidth": width,
        "wHeight": height,
        "dwMinBitRate": width * height * 16 & 0xFFFFFFFF,
        "dwMaxBitRate": width * height * 240 & 0xFFFFFFFF,
        "dwDefaultFrameInterval": 333333,
        "bFrameIntervalType": discrete,
    }
    if subtype == FrameBasedFrame.fixed_byte(2):
        return FrameBasedFrame(**fields).raw
    return UncompressedFrame(**fields, dwMaxVideoFrameBufferSize=width * height * 2 & 0xFFFFFFFF).raw


def _format(dice: Dice, index: int) -> bytes:
    """A format with its frames, still image frame and colours."""
    cls, frame_subtype = dice.weighted(_FORMATS)
    count = dice.pick((1, 1, 2, 3, 8)) if frame_subtype or dice.chance(0.5) else 0
    if frame_subtype and dice.chance(0.04):
        frame_subtype = dice.pick((0x00, 0x05, 0x07, 0x11, 0x03))
    frames = b"".join(_frame(dice, frame_subtype, at + 1) for at in range(count))
    announced = count if dice.chance(0.95) else dice.below(256)
    made = _format_descriptor(dice, cls, index, announced)
    still = (
        StillImageFrame(bEndpointAddress=0, sizes=(ImageSize(wWidth=640, wHeight=480),), bCompression=(0,)).raw
        if dice.chance(0.2)
        else b""
    )
    colours = ColorMatching(bColorPrimaries=1, bTransferCharacteristics=1, bMatrixCoefficients=4)
    return made.raw + frames + still + (colours.raw if dice.chance(0.7) else b"")


def _format_descriptor(dice: Dice, cls: type[Descriptor], index: int, announced: int) -> Descriptor:
    """The format that announces so many frames."""
    if cls is MjpegFormat:
        return MjpegFormat(bFormatIndex=index, bNumFrameDescriptors=announced, bmFlags=1)
    if cls is DvFormat:
        return DvFormat(
            bFormatIndex=index, dwMaxVideoFrameBufferSize=144000, bFormatType=dice.pick((0, 1, 2, 0x81, 0x7F))
        )
    if cls is Mpeg2TsFormat:
        return Mpeg2TsFormat(bFormatIndex=index, bDataOffset=0, bPacketLength=0, bStrideLength=0)
    if cls is StreamBasedFormat:
        return StreamBasedFormat(bFormatIndex=index, guidFormat=bytes(16), dwPacketLength=0)
    fields = {"bFormatIndex": index, "bNumFrameDescriptors": announced, "bBitsPerPixel": 16}
    if cls is FrameBasedFormat:
        return FrameBasedFormat(**fields, guidFormat=dice.pick(_GUIDS), bVariableSize=1)
    return UncompressedFormat(**fields, guidFormat=dice.pick(_GUIDS))


def _streaming_header(dice: Dice, address: int, terminal: int, formats: list[bytes]) -> bytes:
    body = b"".join(formats)
    count = len(formats) if dice.chance(0.95) else dice.below(8)
    width = dice.pick((1, 1, 2, 0))
    controls = dice.bytes(width * count)
    fields: dict[str, Any] = {
        "bNumFormats": count,
        "bEndpointAddress": address,
        "bTerminalLink": terminal,
        "bControlSize": width,
        "bmaControls": tuple(
            int.from_bytes(controls[at : at + width], "little") for at in range(0, width * count, width or 1)
        ),
    }
    total = len(controls) + len(body)
    if address & 0x80:
        return InputHeader(**fields, wTotalLength=13 + total, bStillCaptureMethod=1).raw + body
    return OutputHeader11(**fields, wTotalLength=9 + total).raw + body


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


def _input(dice: Dice) -> bytes:
    """A camera terminal, or another input whose type adds bytes of its own."""
    camera = CameraTerminal(bTerminalID=1, bmControls=dice.bytes(dice.pick((2, 3, 3, 0, 8))))
    if not dice.chance(0.2):
        return camera.raw
    other = InputTerminal(bTerminalID=1, wTerminalType=dice.pick((0x0200, 0x0202, 0x0401, 0x0101)))
    return lengthened(other, dice.bytes(dice.below(12)))


def _processing(dice: Dice, source: int) -> Descriptor:
    """As UVC 1.0 has it or with the video standards of 1.1."""
    fields: dict[str, Any] = {"bUnitID": 2, "bSourceID": source, "wMaxMultiplier": 0x4000}
    fields["bmControls"] = dice.bytes(dice.pick((2, 2, 3, 0)))
    return ProcessingUnit11(**fields, bmVideoStandards=0x09) if dice.chance(0.5) else ProcessingUnit(**fields)


def _units(dice: Dice) -> tuple[bytes, int]:
    """Camera → processing → extension units → output, mostly in a row; returns the id streams link to."""
    last, units = 1, _input(dice)
    if dice.chance(0.85):
        units += _processing(dice, last).raw
        last = 2
    for number in range(3, 3 + dice.below(3)):
        pins = tuple(dice.pick((last, last, last, number, 1)) for _ in range(dice.pick((1, 1, 2))))
        if dice.chance(0.2):
            units += SelectorUnit(bUnitID=number, baSourceID=pins).raw
        else:
            bits = dice.pick((1, 2, 4))
            units += ExtensionUnit(
                bUnitID=number,
                guidExtensionCode=dice.bytes(16),
                bNumControls=dice.between(1, 32),
                baSourceID=pins,
                bmControls=dice.bytes(bits),
            ).raw
        last = number
    output = 6
    kind = 0x0101 if dice.chance(0.9) else 0x0301
    units += OutputTerminal(bTerminalID=output, wTerminalType=kind, bSourceID=last).raw
    return units, output


def _probe_answers(dice: Dice) -> list[ControlScript]:
    """Probe and commit blocks (UVC 1.5 table 4-75, 48 bytes; older hosts ask for less), lengths and capabilities."""
    format_index, frame_index = dice.pick((1, 1, 0, 255)), dice.pick((1, 1, 0, 255))
    frame_bytes, payload_bytes = dice.pick((614400, 0, 0xFFFFFFFF)), dice.pick((1024, 3072, 0))
    block = struct.pack("<HBBI5H", 1, format_index, frame_index, 333333, *bytes(5))
    block += struct.pack("<III4B", frame_bytes, payload_bytes, 48_000_000, *bytes(4)) + bytes(14)
    scripts = [ControlScript((Step(data(block), 0),), 0xA1, request, 0x0100) for request in (0x81, 0x82, 0x83)]
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
    header = Header(
        bcdUVC=version,
        wTotalLength=12 + streams + len(units),
        dwClockFrequency=48_000_000,
        baInterfaceNr=tuple(control + 1 + at for at in range(streams)),
    )
    status: tuple[Endpoint, ...] = ()
    if dice.chance(0.5):
        status = (board.endpoint(INTERRUPT, 0x80, size=16, extra=InterruptEndpoint(wMaxTransferSize=16).raw),)
    board.add(Interface(control, (0x0E, 1, 1 if version >= 0x0150 else 0), status, extra=header.raw + units))
    for _ in range(streams):
        _stream(dice, board, output, version)
    board.control += _probe_answers(dice)
