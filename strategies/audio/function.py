"""Sound cards: USB Audio 1.0, 2.0 and 3.0 with a unit graph and streams."""

from __future__ import annotations

import struct

from strategies.board import Board, Interface
from strategies.dice import Dice, Weighted
from strategies.havoc import payload
from strategies.vendor import vendor_function
from usbfuzz.case.model import ControlScript, Step
from usbfuzz.descriptors import Descriptor, uac1, uac2, uac3
from usbfuzz.wire import TransferType, data

from .midi import midi_function
from .units import Graph, build_graph

__all__ = ["audio_function"]

_PROTOCOL = {1: 0x00, 2: 0x20, 3: 0x30}
_RATES = (8000, 16000, 44100, 48000, 96000, 192000)
_FORMATS_1 = Weighted({0x0001: 10, 0x0002: 1, 0x0003: 1, 0x1001: 1, 0x1002: 1, 0x2001: 1, 0x0000: 1})
_VENDOR_MIDI = ((0xFF, 0xFF, 0xFF), (0xFF, 0x03, 0xFF), (0xFF, 0x03, 0x00), (0xFF, 0x00, 0x00))
ISO = TransferType.ISOCHRONOUS


def _control_header(graph: Graph, streaming: list[int]) -> bytes:
    """Class-specific header. UAC1 table 4-2, UAC2 table 4-5, UAC3 table 4-15."""
    body = b"".join(graph.blocks)
    match graph.version:
        case 1:
            total = 8 + len(streaming) + len(body)
            header: Descriptor = uac1.Header(wTotalLength=total, baInterfaceNr=tuple(streaming))
        case 2:
            header = uac2.Header(bCategory=8, wTotalLength=9 + len(body))
        case _:
            header = uac3.Header(bCategory=1, wTotalLength=10 + len(body))
    return header.raw + body


def _format(dice: Dice, graph: Graph, link: int, channels: int) -> bytes:
    """AS general and format type descriptors of one alternate setting."""
    depth = dice.pick((1, 2, 2, 3, 4))
    match graph.version:
        case 1:
            general = uac1.General(bTerminalLink=link, bDelay=1, wFormatTag=dice.weighted(_FORMATS_1))
            return general.raw + _format_type_1(dice, general.wFormatTag, channels, depth).raw
        case 2:
            formats = dice.pick((1, 1, 4, 0x80000000))
            return (
                uac2.General(
                    bTerminalLink=link, bFormatType=1, bmFormats=formats, bNrChannels=channels, bmChannelConfig=3
                ).raw
                + uac2.FormatTypeI(bSubslotSize=depth, bBitResolution=8 * depth).raw
            )
        case _:
            cluster = dice.pick((1, 2, 0x0107, 0))
            return uac3.General(
                bTerminalLink=link,
                wClusterDescrID=cluster,
                bmFormats=1,
                bSubslotSize=depth,
                bBitResolution=8 * depth,
            ).raw


def _format_type_1(dice: Dice, tag: int, channels: int, depth: int) -> Descriptor:
    """Format type I, II or III as the tag says, with single rates or a range."""
    rates = tuple(dice.sample(_RATES, dice.between(1, 5)))
    count = len(rates)
    if dice.chance(0.2):
        count, rates = 0, (8000, 96000)
    if 0x1000 <= tag < 0x2000:
        return uac1.FormatTypeII(wMaxBitRate=448, wSamplesPerFrame=1152, bSamFreqType=count, tSamFreq=rates)
    cls = uac1.FormatTypeIII if tag >= 0x2000 else uac1.FormatTypeI
    return cls(bNrChannels=channels, bSubframeSize=depth, bBitResolution=8 * depth, bSamFreqType=count, tSamFreq=rates)


def _endpoint(dice: Dice, version: int) -> Descriptor:
    """The class-specific descriptor of a streaming endpoint; only that of 1.0 says anything."""
    attributes, units, delay = dice.pick((1, 1, 0, 0x80, 3)), dice.below(3), dice.pick((0, 1, 3))
    match version:
        case 1:
            return uac1.IsochronousEndpoint(bmAttributes=attributes, bLockDelayUnits=units, wLockDelay=delay)
        case 2:
            return uac2.IsochronousEndpoint()
        case _:
            return uac3.IsochronousEndpoint()


def _stream(dice: Dice, board: Board, graph: Graph, direction: int, triple: tuple[int, int, int]) -> int:
    """A streaming interface: an idle setting and one to four with a format and an endpoint each."""
    number = board.interface_number()
    ends = graph.inputs if direction == 0 else graph.outputs
    link = dice.pick(ends) if ends and dice.chance(0.97) else dice.below(256)
    board.add(Interface(number, triple))
    endpoint_number: int | None = None
    for alternate in range(1, 1 + dice.pick((1, 1, 2, 4))):
        channels = dice.pick((1, 2, 2, 2, 6, 8))
        first = graph.version == 1
        extra = _endpoint(dice, graph.version).raw
        sync = dice.pick((0x04, 0x08, 0x08, 0x0C, 0x00))
        size = dice.pick((96, 192, 200, 294, 392, 576, 1023))
        made = board.endpoint(
            ISO, direction, number=endpoint_number, size=size, attributes=sync, audio=first, extra=extra
        )
        endpoint_number = made.bEndpointAddress & 0x0F
        endpoints = [made]
        if sync == 0x04 and dice.chance(0.8):
            endpoints.append(
                board.endpoint(ISO, direction ^ 0x80, size=4, attributes=dice.pick((0x10, 0x10, 0)), audio=first)
            )
        board.add(Interface(number, triple, tuple(endpoints), alternate, _format(dice, graph, link, channels)))
    return number


def _ranges(dice: Dice) -> bytes:
    """Layout 3 parameter block: wNumSubRanges and as many triplets, or not as many. UAC2 §5.2.3.3."""
    rates = dice.sample(_RATES, dice.between(1, 6))
    triplets = b"".join(struct.pack("<III", rate, rate, 0) for rate in rates)
    if dice.chance(0.2):
        triplets = struct.pack(
            "<III", dice.pick((0, 8000)), dice.pick((192000, 0xFFFFFFFF)), dice.pick((0, 1, 1000, 0x80000000))
        )
        rates = rates[:1]
    count = len(rates) if dice.chance(0.85) else dice.pick((0, 1, 16, 1025, 0xFFFF))
    return struct.pack("<H", count) + triplets


_CLUSTER_INFO, _CLUSTER_END = 0x20, 0xFF


def _cluster(dice: Dice) -> bytes:
    """High capability cluster descriptor: channels, each a row of segments with their own wLength. UAC3 §4.3.2.1."""
    channels = dice.between(0, 8)
    segments = b""
    for number in range(channels):
        segments += struct.pack("<HBBBB", 6, _CLUSTER_INFO, 1, number, 0)
        if dice.chance(0.3):
            odd = dice.pick((0, 1, 2, 3, 8, 0xFFFF))
            segments += struct.pack("<HB", odd, dice.pick((0x00, _CLUSTER_INFO, 0x21, 0xFE, _CLUSTER_END))) + bytes(5)
        segments += struct.pack("<HB", 3, _CLUSTER_END)
    total = 7 + len(segments)
    said = total if dice.chance(0.85) else dice.pick((0, 6, 7, 8, 64, 4096))
    return struct.pack("<HBBHB", said, 0x40, 1, 1, channels) + segments + bytes(dice.pick((0, 0, 64)))


def _answers(dice: Dice, version: int) -> list[ControlScript]:
    """Current values, ranges, clusters: what mixer and clock code reads in probe."""

    def reads(bRequest: int, body: bytes, wValue: int | None = None) -> ControlScript:
        return ControlScript((Step(data(body), 0),), 0xA1, bRequest, wValue)

    if version == 1:
        return [
            reads(0x81, struct.pack("<h", dice.pick((0, 1, -256)))),
            reads(0x82, struct.pack("<h", dice.pick((-32768, -8192, 0, 1)))),
            reads(0x83, struct.pack("<h", dice.pick((0, 32767, 256)))),
            reads(0x84, struct.pack("<h", dice.pick((1, 256, 0, -1)))),
        ]
    scripts = [reads(0x02, _ranges(dice), 0x0100), reads(0x01, struct.pack("<I", dice.pick(_RATES)), 0x0100)]
    if dice.chance(0.8):
        small = struct.pack("<Hhhh", dice.pick((1, 1, 2, 0)), -8192, 0, dice.pick((256, 1, 0)))
        scripts += [reads(0x02, small), reads(0x01, payload(dice, 4))]
    if version == 3:
        scripts.append(reads(0x06, _cluster(dice)))
    return scripts


def _sound_card(dice: Dice, board: Board, version: int) -> None:
    protocol = _PROTOCOL[version]
    directions = [dice.pick((0, 0x80)) for _ in range(dice.pick((0, 1, 1, 2, 2, 3)))]
    graph = build_graph(dice, version, directions.count(0x80), directions.count(0))
    control = board.interface_number()
    streaming = [control + 1 + at for at in range(len(directions))]
    if version > 1 or dice.chance(0.2):
        board.associate(
            control, 1 + len(directions), (1, dice.pick((0, 0, 0x22, 0x23)) if version == 3 else 0, protocol)
        )
    status = (board.endpoint(TransferType.INTERRUPT, 0x80, size=8),) if dice.chance(0.25) else ()
    board.add(Interface(control, (1, 1, protocol), status, extra=_control_header(graph, streaming)))
    for direction in directions:
        _stream(dice, board, graph, direction, (1, 2, protocol))
    board.control += _answers(dice, version)


def audio_function(dice: Dice, board: Board) -> None:
    """A sound card of any version, MIDI with or without one, or, for a quirky id, a vendor-specific interface."""
    roll = dice.below(100)
    if roll < 15 and board.identity.idProduct is not None:
        vendor_function(dice, board)
    elif roll < 45 and board.identity.idProduct is not None:
        midi_function(dice, board, dice.pick(_VENDOR_MIDI))  # as Roland's and Yamaha's keyboards do
    elif roll >= 90:
        control = board.interface_number()
        header = uac1.Header(wTotalLength=9, baInterfaceNr=(control + 1,))
        board.add(Interface(control, (1, 1, 0), extra=header.raw))
        midi_function(dice, board)
    else:
        _sound_card(dice, board, dice.pick((1, 1, 1, 1, 2, 2, 2, 3, 3)))
        if dice.chance(0.1):
            midi_function(dice, board)
