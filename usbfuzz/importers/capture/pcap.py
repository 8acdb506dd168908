"""Capture files as packets: pcap and pcapng, of either byte order, whole or cut short.

Link types are not looked at here; :mod:`usbfuzz.importers.capture.urbs` knows those of USB. The formats are those of
draft-ietf-opsawg-pcap and draft-ietf-opsawg-pcapng.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

from attrs import evolve, field, frozen, mutable

from usbfuzz.errors import InputError
from usbfuzz.importers.model import Problem

__all__ = ["Capture", "Packet", "looks_pcap"]


@frozen
class Packet:
    """One packet of a capture."""

    link_type: int
    order: str  #: byte order of the machine that captured, as :mod:`struct` writes it
    time_ns: int
    data: bytes
    length: int  #: bytes the packet had; more than ``data`` when the capture kept only its head
    offset: int  #: of the packet's record in the file
    comment: str = ""  #: what the one who captured said of it; pcapng only


_PATCHED = 0xA1B2CD34  #: a Linux of the nineties, and some phones: each record has eight bytes more
_PATCHED_BYTES = 8
_PCAP_TICKS = {0xA1B2C3D4: 1000, 0xA1B23C4D: 1, _PATCHED: 1000}  #: magic number: nanoseconds in a tick
_SECTION, _INTERFACE, _OBSOLETE, _SIMPLE, _ENHANCED = 0x0A0D0D0A, 1, 2, 3, 6
_BYTE_ORDER_MAGIC = 0x1A2B3C4D
_OPTION_COMMENT, _OPTION_RESOLUTION, _OPTION_TIME_OFFSET = 1, 9, 14
_SECOND = 1_000_000_000


class _BrokenError(Exception):
    def __init__(self, offset: int, what: str) -> None:
        super().__init__(what)
        self.offset = offset


def looks_pcap(content: bytes) -> bool:
    """The magic number of pcap or pcapng."""
    head = content[:4]
    magics = {int.from_bytes(head, "little"), int.from_bytes(head, "big")}
    return len(head) == 4 and (bool(magics & _PCAP_TICKS.keys()) or _SECTION in magics)


@mutable
class Capture:
    """The packets of a capture, read one after the other; from the first broken record on nothing is read."""

    content: bytes
    name: str  #: what messages call the file
    problems: list[Problem] = field(factory=list)  #: once all packets are read: what is wrong with the file
    link_types: set[int] = field(factory=set)  #: of the packets read so far

    def packets(self) -> Iterator[Packet]:
        """All packets. Raises InputError when the content is no capture, or broken before its first packet."""
        content = self.content
        if not looks_pcap(content):
            raise InputError(f"{self.name}: byte 0: no capture begins so; give a pcap or pcapng file")
        try:
            for packet in _pcapng(content) if content[:4] == _SECTION.to_bytes(4, "big") else _pcap(content):
                self.link_types.add(packet.link_type)
                yield packet
        except _BrokenError as broken:
            if not self.link_types:
                what = f"{self.name}: byte {broken.offset}: {broken}; give a whole capture file"
                raise InputError(what) from broken
            lost = f"the last {len(content) - broken.offset} bytes of the capture are left out"
            self.problems.append(Problem(0, f"byte {broken.offset}: {broken}; {lost}"))


def _unpack(layout: str, content: bytes, offset: int) -> tuple[int, ...]:
    try:
        return struct.unpack_from(layout, content, offset)
    except struct.error as error:
        raise _BrokenError(offset, "the file ends within a header") from error


def _cut(content: bytes, offset: int, length: int, record: int) -> bytes:
    if length > len(content) - offset:
        raise _BrokenError(record, f"a record of {length} bytes goes beyond the end of the file")
    return content[offset : offset + length]


def _pcap(content: bytes) -> Iterator[Packet]:
    order = "<" if int.from_bytes(content[:4], "little") in _PCAP_TICKS else ">"
    magic, _major, _minor, _zone, _accuracy, _snapshot, link = _unpack(f"{order}IHHiIII", content, 0)
    link_type, tick, patched = link & 0x0FFFFFFF, _PCAP_TICKS[magic], _PATCHED_BYTES if magic == _PATCHED else 0
    record, size = struct.Struct(f"{order}IIII"), len(content)
    offset = 24
    while offset < size:
        begin = offset + record.size + patched
        if begin > size:
            raise _BrokenError(offset, "the file ends within a header")
        seconds, ticks, kept, length = record.unpack_from(content, offset)
        if begin + kept > size:
            raise _BrokenError(offset, f"a record of {kept} bytes goes beyond the end of the file")
        data = content[begin : begin + kept]
        yield Packet(link_type, order, seconds * _SECOND + ticks * tick, data, max(length, kept), offset)
        offset = begin + kept


@frozen
class _Interface:
    link_type: int
    snapshot: int  #: bytes kept of a packet; 0: all
    ticks: int  #: in a second
    start_ns: int


@mutable
class _Section:
    order: str
    interfaces: list[_Interface] = field(factory=list)

    def interface(self, number: int, offset: int) -> _Interface:
        if number >= len(self.interfaces):
            raise _BrokenError(offset, f"a packet of interface {number}, of which the capture says nothing")
        return self.interfaces[number]


def _pcapng(content: bytes) -> Iterator[Packet]:
    section = _Section("<")
    offset = 0
    while offset < len(content):
        if content[offset : offset + 4] == _SECTION.to_bytes(4, "big"):
            section = _Section(_section_order(content, offset))
        kind, total = _unpack(f"{section.order}II", content, offset)
        if total < 12 or total % 4:
            raise _BrokenError(offset, f"a block of {total} bytes, which no block can have")
        body = _cut(content, offset, total, offset)[8:-4]
        if kind == _INTERFACE:
            section.interfaces.append(_interface(section.order, body, offset))
        elif kind in _BLOCKS:
            yield _BLOCKS[kind](section, body, offset)
        offset += total


def _section_order(content: bytes, offset: int) -> str:
    magic = content[offset + 8 : offset + 12]
    if magic == _BYTE_ORDER_MAGIC.to_bytes(4, "little"):
        return "<"
    if magic == _BYTE_ORDER_MAGIC.to_bytes(4, "big"):
        return ">"
    raise _BrokenError(offset, "a section header without its byte-order magic")


def _interface(order: str, body: bytes, offset: int) -> _Interface:
    if len(body) < 8:
        raise _BrokenError(offset, "an interface block of less than 8 bytes")
    link, snapshot = struct.unpack_from(f"{order}HxxI", body)
    ticks, start = 1_000_000, 0
    for code, value in _options(order, body[8:]):
        if code == _OPTION_RESOLUTION and value:
            ticks = (2 if value[0] & 0x80 else 10) ** (value[0] & 0x7F)
        elif code == _OPTION_TIME_OFFSET and len(value) == 8:
            (start,) = struct.unpack(f"{order}q", value)
    return _Interface(link, snapshot, ticks, start * _SECOND)


def _options(order: str, raw: bytes) -> Iterator[tuple[int, bytes]]:
    offset = 0
    while offset + 4 <= len(raw):
        code, length = struct.unpack_from(f"{order}HH", raw, offset)
        yield code, raw[offset + 4 : offset + 4 + length]
        offset += 4 + (length + 3 & ~3)


def _enhanced(section: _Section, body: bytes, offset: int) -> Packet:
    if len(body) < 20:
        raise _BrokenError(offset, "a packet block of less than 20 bytes")
    number, high, low, kept, length = struct.unpack_from(f"{section.order}IIIII", body)
    packet = _stamped(section, number, high << 32 | low, (kept, length), body[20:], offset)
    said = (value for code, value in _options(section.order, body[20 + (kept + 3 & ~3) :]) if code == _OPTION_COMMENT)
    return evolve(packet, comment="; ".join(value.decode("utf-8", "replace") for value in said))


def _obsolete(section: _Section, body: bytes, offset: int) -> Packet:
    if len(body) < 20:
        raise _BrokenError(offset, "a packet block of less than 20 bytes")
    number, high, low, kept, length = struct.unpack_from(f"{section.order}HxxIIII", body)
    return _stamped(section, number, high << 32 | low, (kept, length), body[20:], offset)


def _stamped(section: _Section, number: int, stamp: int, lengths: tuple[int, int], data: bytes, offset: int) -> Packet:
    interface = section.interface(number, offset)
    kept, length = lengths
    time_ns = interface.start_ns + stamp * _SECOND // interface.ticks
    return Packet(interface.link_type, section.order, time_ns, _cut(data, 0, kept, offset), max(length, kept), offset)


def _simple(section: _Section, body: bytes, offset: int) -> Packet:
    if len(body) < 4:
        raise _BrokenError(offset, "a packet block of less than 4 bytes")
    interface = section.interface(0, offset)
    (length,) = struct.unpack_from(f"{section.order}I", body)
    kept = min(length, interface.snapshot or length, len(body) - 4)
    return Packet(interface.link_type, section.order, 0, body[4 : 4 + kept], length, offset)


_BLOCKS = {_ENHANCED: _enhanced, _OBSOLETE: _obsolete, _SIMPLE: _simple}
