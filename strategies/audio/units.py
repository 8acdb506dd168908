"""Terminals and units of an audio function as a graph, in the three encodings of USB Audio 1.0, 2.0 and 3.0."""

from __future__ import annotations

from typing import Any

from attrs import Factory, define

from strategies.board import lengthened
from strategies.dice import Dice
from usbfuzz.descriptors import Descriptor, uac1, uac2, uac3

__all__ = ["Graph", "build_graph"]

_INPUTS = (0x0101, 0x0201, 0x0101, 0x0602, 0x0401, 0x0603)
_OUTPUTS = (0x0301, 0x0101, 0x0302, 0x0605, 0x0402)
_ODD_SOURCE = 0.03
_NO_STRING = 0x0302  #: wDescrStr of a string descriptor that the device does not have


@define
class Graph:
    """The class-specific part of a control interface under construction.

    ``inputs`` and ``outputs`` are the terminals that streams may link to; ``clock`` is the id of the clock (2.0, 3.0).
    """

    version: int  #: 1, 2 or 3
    blocks: list[bytes] = Factory(list)
    sources: list[int] = Factory(list)
    inputs: list[int] = Factory(list)
    outputs: list[int] = Factory(list)
    channels: dict[int, int] = Factory(dict)
    clock: int = 0
    _last: int = 0

    def new_id(self) -> int:
        """The next entity id."""
        self._last += 1
        return self._last

    def source(self, dice: Dice) -> int:
        """The id of an entity to take sound from; rarely of one that does not exist, or of the new one itself."""
        if dice.chance(_ODD_SOURCE) or not self.sources:
            return dice.below(self._last + 3)
        return dice.pick(self.sources)

    def put(self, descriptor: Descriptor, tail: bytes = b"") -> None:
        """Append a class-specific descriptor; ``tail`` are bytes more than its class has, which bLength counts."""
        self.blocks.append(lengthened(descriptor, tail) if tail else descriptor.raw)


def _clocks(dice: Dice, graph: Graph) -> None:
    graph.clock = graph.new_id()
    if graph.version == 3:
        graph.put(uac3.ClockSource(bClockID=graph.clock, bmAttributes=3, bmControls=0x07))
        return
    graph.put(uac2.ClockSource(bClockID=graph.clock, bmAttributes=dice.pick((3, 1, 0)), bmControls=0x07))
    if dice.chance(0.25):
        other = graph.new_id()
        sources = tuple(dice.pick((graph.clock, graph.clock, other, 99)) for _ in range(dice.between(1, 4)))
        graph.put(uac2.ClockSelector(bClockID=other, baCSourceID=sources, bmControls=3))
        graph.clock = other
    if dice.chance(0.1):
        multiplier = graph.new_id()
        source = dice.pick((graph.clock, graph.clock, multiplier))
        graph.put(uac2.ClockMultiplier(bClockID=multiplier, bCSourceID=source, bmControls=3))
        graph.clock = multiplier


def _input(dice: Dice, graph: Graph) -> None:
    number, channels = graph.new_id(), dice.pick((1, 2, 2, 2, 6, 8))
    kind = dice.pick(_INPUTS)
    match graph.version:
        case 1:
            config = (1 << channels) - 1
            graph.put(
                uac1.InputTerminal(bTerminalID=number, wTerminalType=kind, bNrChannels=channels, wChannelConfig=config)
            )
        case 2:
            graph.put(
                uac2.InputTerminal(
                    bTerminalID=number,
                    wTerminalType=kind,
                    bCSourceID=graph.clock,
                    bNrChannels=channels,
                    bmChannelConfig=3,
                )
            )
        case _:
            cluster = dice.pick((0x0000, 0x0107, 0x0108, 0x0001))
            graph.put(
                uac3.InputTerminal(
                    bTerminalID=number, wTerminalType=kind, bCSourceID=graph.clock, wClusterDescrID=cluster
                )
            )
    graph.channels[number] = channels
    graph.sources.append(number)
    graph.inputs.append(number)


def _output(dice: Dice, graph: Graph) -> None:
    number, source = graph.new_id(), graph.source(dice)
    kind = dice.pick(_OUTPUTS)
    if graph.version == 1:
        graph.put(uac1.OutputTerminal(bTerminalID=number, wTerminalType=kind, bSourceID=source))
    else:
        cls = uac2.OutputTerminal if graph.version == 2 else uac3.OutputTerminal
        graph.put(cls(bTerminalID=number, wTerminalType=kind, bSourceID=source, bCSourceID=graph.clock))
    graph.outputs.append(number)


def _feature(dice: Dice, graph: Graph) -> None:
    number, source = graph.new_id(), graph.source(dice)
    channels = graph.channels.get(source, 2) + 1 if dice.chance(0.9) else dice.pick((0, 1, 17, 60))
    if graph.version == 1:
        size = dice.pick((1, 1, 2))
        bits = tuple(dice.below(1 << 8 * size) for _ in range(channels))
        graph.put(uac1.FeatureUnit(bUnitID=number, bSourceID=source, bControlSize=size, bmaControls=bits))
    else:
        cls = uac2.FeatureUnit if graph.version == 2 else uac3.FeatureUnit
        masks = tuple(dice.pick((0x0F, 0x03, 0xFFFFFFFF, 0)) for _ in range(channels))
        graph.put(cls(bUnitID=number, bSourceID=source, bmaControls=masks))
    graph.channels[number] = graph.channels.get(source, 2)
    graph.sources.append(number)


def _mixer(dice: Dice, graph: Graph) -> None:
    number = graph.new_id()
    pins = tuple(graph.source(dice) for _ in range(dice.between(1, 5)))
    inputs = sum(graph.channels.get(pin, 2) for pin in pins)
    outputs = dice.pick((1, 2, 2, 8))
    bitmap = dice.bytes((inputs * outputs + 7) // 8)
    match graph.version:
        case 1:
            unit: Descriptor = uac1.MixerUnit(
                bUnitID=number, baSourceID=pins, bNrChannels=outputs, wChannelConfig=3, bmControls=bitmap
            )
        case 2:
            unit = uac2.MixerUnit(
                bUnitID=number, baSourceID=pins, bNrChannels=outputs, bmChannelConfig=3, bmMixerControls=bitmap
            )
        case _:
            unit = uac3.MixerUnit(
                bUnitID=number, baSourceID=pins, wClusterDescrID=dice.below(3), bmMixerControls=bitmap
            )
    graph.put(unit)
    graph.channels[number] = outputs
    graph.sources.append(number)


def _selector(dice: Dice, graph: Graph) -> None:
    number = graph.new_id()
    pins = tuple(graph.source(dice) for _ in range(dice.between(1, 6)))
    if graph.version == 1:
        graph.put(uac1.SelectorUnit(bUnitID=number, baSourceID=pins))
    else:
        cls = uac2.SelectorUnit if graph.version == 2 else uac3.SelectorUnit
        graph.put(cls(bUnitID=number, baSourceID=pins, bmControls=3))
    graph.channels[number] = 2
    graph.sources.append(number)


def _processing(dice: Dice, graph: Graph) -> None:
    """A processing or an extension unit: up/down mix, Dolby, 3D, reverb, chorus, compressor, or a vendor's."""
    number = graph.new_id()
    extension = dice.chance(0.4)
    code = dice.pick((0xFF00, 0x0001, 0x5750)) if extension else dice.between(0, 7)
    pins = tuple(graph.source(dice) for _ in range(dice.between(1, 3)))
    fields = {"bUnitID": number, "wExtensionCode" if extension else "wProcessType": code, "baSourceID": pins}
    if graph.version == 1:
        graph.put(_processing_1(dice, extension, fields))
    else:
        graph.put(*_processing_later(dice, graph.version, extension, fields))
    graph.channels[number] = 2
    graph.sources.append(number)


def _processing_1(dice: Dice, extension: bool, fields: dict[str, Any]) -> Descriptor:
    fields |= {"bNrChannels": 2, "wChannelConfig": 3, "bmControls": dice.bytes(dice.pick((1, 1, 2, 0)))}
    if extension:
        return uac1.ExtensionUnit(**fields)
    modes = bytes((2, 3, 0, 3, 0)) if dice.chance(0.4) else b""
    return uac1.ProcessingUnit(**fields, specific=modes)


def _processing_later(dice: Dice, version: int, extension: bool, fields: dict[str, Any]) -> tuple[Descriptor, bytes]:
    """A unit of 2.0 or 3.0, and a byte that makes extension units longer than they are."""
    controls = dice.bytes(2)
    if version == 2:
        fields |= {"bNrChannels": 2, "bmChannelConfig": 3}
    match version, extension:
        case 2, False:
            return uac2.ProcessingUnit(**fields, bmControls=int.from_bytes(controls, "little")), b""
        case 2, True:
            return uac2.ExtensionUnit(**fields, bmControls=controls[0], iExtension=controls[1]), b"\0"
        case _, False:
            specific = bytes(4) + controls + b"\0"
            return uac3.ProcessingUnit(**fields, wProcessingDescrStr=_NO_STRING, specific=specific), b""
        case _:
            cluster = int.from_bytes(controls, "little")
            return uac3.ExtensionUnit(**fields, wExtensionDescrStr=_NO_STRING, wClusterDescrID=cluster), b"\0"


def build_graph(dice: Dice, version: int, streams_in: int, streams_out: int) -> Graph:
    """Terminals for that many capture and playback streams and some units between them, in any order."""
    graph = Graph(version)
    if version > 1:
        _clocks(dice, graph)
    for _ in range(max(1, streams_in + streams_out)):
        _input(dice, graph)
    for _ in range(dice.below(5)):
        dice.pick((_feature, _feature, _feature, _mixer, _selector, _processing))(dice, graph)
    for _ in range(max(1, streams_in + streams_out)):
        _output(dice, graph)
    if dice.chance(0.06):
        dice.shuffle(graph.blocks)
    return graph
