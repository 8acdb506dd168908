"""A network adapter of the CDC EEM kind: Ethernet frames over two bulk endpoints and nothing else. CDC EEM 1.0."""

from __future__ import annotations

import struct
from collections.abc import Iterator

from usbfuzz.descriptors.constants import ClassCode
from usbfuzz.device import Reply, build, endpoint_in, endpoint_out
from usbfuzz.wire import TransferType

from .cdc import EthernetAdapter

__all__ = ["EemAdapter", "pack_frame", "unpack_packets"]

_EEM, _PROTOCOL = 0x0C, 0x07  #: bInterfaceSubClass, bInterfaceProtocol
_IN, _OUT = 0x81, 0x02
_COMMAND = 1 << 15  #: bmType
_LENGTH, _ECHO_LENGTH = 0x3FFF, 0x07FF
_ECHO, _ECHO_RESPONSE = 0, 1  #: bmEEMCmd
_NO_CHECKSUM = b"\xde\xad\xbe\xef"  #: in place of a CRC, which bmCRC = 0 says is not one


def pack_frame(frame: bytes) -> bytes:
    """One data packet. EEM §5.1.2.1."""
    return struct.pack("<H", len(frame) + len(_NO_CHECKSUM)) + frame + _NO_CHECKSUM


def unpack_packets(raw: bytes) -> Iterator[tuple[int, bytes]]:
    """Header and contents of each whole packet of a transfer; a frame still has its four bytes of CRC."""
    at = 0
    while at + 2 <= len(raw):
        header = int.from_bytes(raw[at : at + 2], "little")
        echoes = header & _COMMAND and header >> 11 & 7 in {_ECHO, _ECHO_RESPONSE}
        length = (header & _ECHO_LENGTH if echoes else 0) if header & _COMMAND else header & _LENGTH
        at += 2 + length
        if at <= len(raw):
            yield header, raw[at - length : at]


class EemAdapter(EthernetAdapter):
    """Ethernet adapter without an address of its own: the host makes one up."""

    device = build.device(
        idVendor=0x0627, idProduct=0x0603, bDeviceClass=ClassCode.COMMUNICATIONS, iManufacturer=1, iProduct=2
    )
    strings = ((1, "usbfuzz"), (2, "EEM adapter"))
    configurations = (
        build.counted(
            build.interface(
                bInterfaceClass=ClassCode.COMMUNICATIONS, bInterfaceSubClass=_EEM, bInterfaceProtocol=_PROTOCOL
            ),
            build.endpoint(_IN, TransferType.BULK, wMaxPacketSize=512),
            build.endpoint(_OUT, TransferType.BULK, wMaxPacketSize=512),
        ),
    )

    def __init__(self) -> None:
        super().__init__()
        self._commands: list[bytes] = []

    @endpoint_out(_OUT)
    def receive(self, payload: bytes) -> None:
        """Frames, and echo commands, which come back as responses. EEM §5.1.2.2."""
        for header, contents in unpack_packets(payload):
            if not header & _COMMAND:
                self.exchange(contents[:-4])
            elif header >> 11 & 7 == _ECHO and len(self._commands) < 16:
                self._commands.append(struct.pack("<H", _COMMAND | _ECHO_RESPONSE << 11 | len(contents)) + contents)
                self.wake(_IN)

    @endpoint_in(_IN)
    def send(self, _length: int) -> Reply:
        """One packet a transfer."""
        if self._commands:
            return self._commands.pop(0)
        return pack_frame(self._frames.popleft()) if self._frames else None
