"""Terminals and units of an audio function as a graph, in the three encodings of USB Audio 1.0, 2.0 and 3.0."""

from __future__ import annotations

import struct

from attrs import Factory, define

from strategies.board import block
from strategies.dice import Dice

__all__ = ["Graph", "build_graph"]

IN_TERMINAL, OUT_TERMINAL, MIXER, SELECTOR, FEATURE = 2, 3, 4, 5, 6
_INPUTS = (0x0101, 0x0201, 0x0101, 0x0602, 0x0401, 0x0603)
_OUTPUTS = (0x0301, 0x0101, 0x0302, 0x0605, 0x0402)
_SELECTOR_TAIL = {1: b"\0", 2: b"\x03\0", 3: b"\x03\0\0\0\0\0"}
_ODD_SOURCE = 0.03


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
        """An entity to take sound from: one that exists, hardly ever one that does not (or the new one itself)."""
        if dice.chance(_ODD_SOURCE) or not self.sources:
            return dice.below(self._last + 3)
        return dice.pick(self.sources)

    def put(self, subtype: int, *fields: int | bytes) -> None:
        """Append a class-specific descriptor."""
        self.blocks.append(block(subtype, *fields))


def _clocks(dice: Dice, graph: Graph) -> None:
    graph.clock = graph.new_id()
    if graph.version == 3:
        graph.put(0x0B, graph.clock, 3, struct.pack("<IBH", 0x07, 0, 0))
        return
    graph.put(0x0A, graph.clock, dice.pick((3, 1, 0)), 0x07, 0, 0)
    if dice.chance(0.25):
        other = graph.new_id()
        sources = bytes(dice.pick((graph.clock, graph.clock, other, 99)) for _ in range(dice.between(1, 4)))
        graph.put(0x0B, other, len(sources), sources, 3, 0)
        graph.clock = other
    if dice.chance(0.1):
        multiplier = graph.new_id()
        graph.put(0x0C, multiplier, dice.pick((graph.clock, graph.clock, multiplier)), 3, 0)
        graph.clock = multiplier


def _input(dice: Dice, graph: Graph) -> None:
    number, channels = graph.new_id(), dice.pick((1, 2, 2, 2, 6, 8))
    kind = struct.pack("<H", dice.pick(_INPUTS))
    match graph.version:
        case 1:
            graph.put(IN_TERMINAL, number, kind, 0, channels, struct.pack("<H", (1 << channels) - 1), 0, 0)
        case 2:
            graph.put(IN_TERMINAL, number, kind, 0, graph.clock, channels, struct.pack("<IBHB", 3, 0, 0, 0))
        case _:
            cluster = dice.pick((0x0000, 0x0107, 0x0108, 0x0001))
            graph.put(IN_TERMINAL, number, kind, 0, graph.clock, struct.pack("<IHHHH", 0, cluster, 0, 0, 0))
    graph.channels[number] = channels
    graph.sources.append(number)
    graph.inputs.append(number)


def _output(dice: Dice, graph: Graph) -> None:
    number, source = graph.new_id(), graph.source(dice)
    kind = struct.pack("<H", dice.pick(_OUTPUTS))
    match graph.version:
        case 1:
            graph.put(OUT_TERMINAL, number, kind, 0, source, 0)
        case 2:
            graph.put(OUT_TERMINAL, number, kind, 0, source, graph.clock, struct.pack("<HB", 0, 0))
        case _:
            graph.put(OUT_TERMINAL, number, kind, 0, source, graph.clock, struct.pack("<IHHH", 0, 0, 0, 0))
    graph.outputs.append(number)


def _feature(dice: Dice, graph: Graph) -> None:
    number, source = graph.new_id(), graph.source(dice)
    channels = graph.channels.get(source, 2) + 1 if dice.chance(0.9) else dice.pick((0, 1, 17, 60))
    if graph.version == 1:
        size = dice.pick((1, 1, 2))
        controls = b"".join(dice.below(1 << 8 * size).to_bytes(size, "little") for _ in range(channels))
        graph.put(FEATURE, number, source, size, controls, 0)
    else:
        controls = b"".join(struct.pack("<I", dice.pick((0x0F, 0x03, 0xFFFFFFFF, 0))) for _ in range(channels))
        graph.put(FEATURE + (graph.version == 3), number, source, controls, bytes(graph.version - 1))
    graph.channels[number] = graph.channels.get(source, 2)
    graph.sources.append(number)


def _mixer(dice: Dice, graph: Graph) -> None:
    number = graph.new_id()
    pins = [graph.source(dice) for _ in range(dice.between(1, 5))]
    inputs = sum(graph.channels.get(pin, 2) for pin in pins)
    outputs = dice.pick((1, 2, 2, 8))
    bitmap = dice.bytes((inputs * outputs + 7) // 8)
    head = (MIXER + (graph.version == 3), number, len(pins), bytes(pins))
    match graph.version:
        case 1:
            graph.put(*head, outputs, 3, 0, 0, bitmap, 0)
        case 2:
            graph.put(*head, outputs, struct.pack("<IB", 3, 0), bitmap, 0, 0)
        case _:
            graph.put(*head, struct.pack("<H", dice.below(3)), bitmap, struct.pack("<IH", 0, 0))
    graph.channels[number] = outputs
    graph.sources.append(number)


def _selector(dice: Dice, graph: Graph) -> None:
    number = graph.new_id()
    pins = bytes(graph.source(dice) for _ in range(dice.between(1, 6)))
    graph.put(SELECTOR + (graph.version == 3), number, len(pins), pins, _SELECTOR_TAIL[graph.version])
    graph.channels[number] = 2
    graph.sources.append(number)


def _processing(dice: Dice, graph: Graph) -> None:
    """A processing or an extension unit: up/down mix, Dolby, 3D, reverb, chorus, compressor, or a vendor's."""
    number = graph.new_id()
    extension = dice.chance(0.4)
    subtype = (8 if extension else 7) + (graph.version >= 2) + (graph.version == 3)
    code = struct.pack("<H", dice.pick((0xFF00, 0x0001, 0x5750)) if extension else dice.between(0, 7))
    pins = bytes(graph.source(dice) for _ in range(dice.between(1, 3)))
    if graph.version == 1:
        controls = dice.bytes(dice.pick((1, 1, 2, 0)))
        modes = bytes((2, 3, 0, 3, 0)) if not extension and dice.chance(0.4) else b""
        graph.put(subtype, number, code, len(pins), pins, 2, 3, 0, 0, len(controls), controls, 0, modes)
    else:
        graph.put(subtype, number, code, len(pins), pins, struct.pack("<BIB", 2, 3, 0), dice.bytes(2), 0)
    graph.channels[number] = 2
    graph.sources.append(number)


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
