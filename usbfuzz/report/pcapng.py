"""Capture files: blocks and options of pcapng (draft-ietf-opsawg-pcapng), as far as one interface needs them."""

from __future__ import annotations

import struct
from collections.abc import Iterable

from attrs import frozen

from usbfuzz import __version__

__all__ = ["LINKTYPE_USB_LINUX_MMAPPED", "Packet", "write_pcapng"]

LINKTYPE_USB_LINUX_MMAPPED = 220

_SECTION_HEADER, _INTERFACE, _ENHANCED_PACKET = 0x0A0D0D0A, 1, 6
_BYTE_ORDER_MAGIC = 0x1A2B3C4D
_COMMENT, _USER_APPLICATION, _NAME, _TIMESTAMP_RESOLUTION = 1, 4, 2, 9
_NANOSECONDS = 9
_MAX_OPTION = 0xFFFF


@frozen
class Packet:
    """One packet; ``at`` is nanoseconds since the epoch, ``length`` what it was before it was cut."""

    at: int
    data: bytes
    length: int
    comment: str = ""


def write_pcapng(packets: Iterable[Packet], *, interface: str, comment: str = "") -> bytes:
    """A capture of one usbmon interface, in little-endian byte order."""
    head = struct.pack("<IHHq", _BYTE_ORDER_MAGIC, 1, 0, -1)
    about = [(_USER_APPLICATION, f"usbfuzz {__version__}".encode()), (_COMMENT, comment.encode())]
    of_interface = [(_NAME, interface.encode()), (_TIMESTAMP_RESOLUTION, bytes((_NANOSECONDS,)))]
    blocks = [
        _block(_SECTION_HEADER, head + _options(about)),
        _block(_INTERFACE, struct.pack("<HHI", LINKTYPE_USB_LINUX_MMAPPED, 0, 0) + _options(of_interface)),
        *map(_packet, packets),
    ]
    return b"".join(blocks)


def _packet(packet: Packet) -> bytes:
    head = struct.pack("<IIIII", 0, packet.at >> 32, packet.at & 0xFFFFFFFF, len(packet.data), packet.length)
    return _block(_ENHANCED_PACKET, head + _padded(packet.data) + _options([(_COMMENT, packet.comment.encode())]))


def _block(kind: int, body: bytes) -> bytes:
    length = struct.pack("<I", 12 + len(body))
    return struct.pack("<I", kind) + length + body + length


def _options(options: Iterable[tuple[int, bytes]]) -> bytes:
    """Options packed, empty ones left out; the code 0 ends the list."""
    said = [(code, value[:_MAX_OPTION]) for code, value in options if value]
    packed = b"".join(struct.pack("<HH", code, len(value)) + _padded(value) for code, value in said)
    return packed + bytes(4) if said else b""


def _padded(raw: bytes) -> bytes:
    return raw + bytes(-len(raw) % 4)
