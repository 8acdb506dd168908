"""USB/IP requests from bytes, replies to bytes; everything is big-endian but the setup packet.

The peer may be any program on the network, so every length is checked against a bound before it is used.
"""

from __future__ import annotations

from enum import IntEnum
from struct import Struct
from typing import TYPE_CHECKING, NoReturn

from usbfuzz.errors import ProtocolError

from .messages import (
    Description,
    Direction,
    ImportRefusal,
    ImportReply,
    ImportRequest,
    IsoPacket,
    ListReply,
    ListRequest,
    OpStatus,
    Submit,
    Submitted,
    Unlink,
    Unlinked,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .messages import Reply

__all__ = ["MAX_LENGTH", "MAX_PACKETS", "VERSION", "RequestReader", "encode"]

VERSION = 0x0111
MAX_LENGTH = 16 << 20  #: bytes of an URB's buffer; more than any driver asks for at once
MAX_PACKETS = 1024  #: of an isochronous URB (USBIP_MAX_ISO_PACKETS in drivers/usb/usbip/usbip_common.h)

_OP = Struct(">HHI")  #: version, code, status
_BUSID = Struct(">32s")
_DESCRIPTION = Struct(">256s32sIIIHHHBBBBBB")  #: ends with bNumInterfaces
_COUNT = Struct(">I")
_INTERFACE = Struct(">BBBx")
_BASE = Struct(">IIIII")  #: command, seqnum, devid, direction, ep
_SUBMIT = Struct(">IiiiI8s")  #: transfer_flags, length, start_frame, number_of_packets, interval, setup
_UNLINK = Struct(">I24x")
_RET_SUBMIT = Struct(">iiiii8x")  #: status, actual_length, start_frame, number_of_packets, error_count
_RET_UNLINK = Struct(">i24x")
_ISO = Struct(">IIIi")
_HEADER = 48  #: bytes of every message once a device is imported
_ENDPOINTS = 16


class _Op(IntEnum):
    REQ_DEVLIST = 0x8005
    REP_DEVLIST = 0x0005
    REQ_IMPORT = 0x8003
    REP_IMPORT = 0x0003


class _Command(IntEnum):
    SUBMIT = 1
    UNLINK = 2
    RET_SUBMIT = 3
    RET_UNLINK = 4


class RequestReader:
    """Collects bytes and yields whole requests; both methods raise ProtocolError on bytes that are none.

    The session decides after each request which of the two reads the next.
    """

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> None:
        """Append what was read; a request may come in pieces."""
        self._buffer += data

    def operation(self) -> ListRequest | ImportRequest | None:
        """The next request of a connection that has no device yet, None while it is not complete."""
        if len(self._buffer) < _OP.size:
            return None
        version, code, _ = _OP.unpack_from(self._buffer)
        if version != VERSION:
            _refuse(f"version {version:#06x}; this server speaks {VERSION:#06x}")
        if code == _Op.REQ_DEVLIST:
            del self._buffer[: _OP.size]
            return ListRequest()
        if code != _Op.REQ_IMPORT:
            _refuse(f"operation {code:#06x}, which is unknown")
        end = _OP.size + _BUSID.size
        if len(self._buffer) < end:
            return None
        (busid,) = _BUSID.unpack_from(self._buffer, _OP.size)
        del self._buffer[:end]
        return ImportRequest(busid.partition(b"\0")[0].decode("ascii", "replace"))

    def command(self) -> Submit | Unlink | None:
        """The next request to an imported device, None while it is not complete."""
        buffer = self._buffer
        if len(buffer) < _HEADER:
            return None
        command, seqnum, devid, direction, ep = _BASE.unpack_from(buffer)
        if command == _Command.UNLINK:
            (unlinked,) = _UNLINK.unpack_from(buffer, _BASE.size)
            del buffer[:_HEADER]
            return Unlink(seqnum, devid, unlinked)
        if command != _Command.SUBMIT:
            _refuse(f"command {command:#x}, which is unknown")
        flags, length, start, count, interval, setup = _SUBMIT.unpack_from(buffer, _BASE.size)
        packets = max(count, 0)  # 0xffffffff, like 0, is what is not isochronous
        if ep >= _ENDPOINTS or direction not in (Direction.OUT, Direction.IN):
            _refuse(f"an URB for endpoint {ep}, direction {direction}")
        if not 0 <= length <= MAX_LENGTH or packets > MAX_PACKETS:
            _refuse(f"an URB of {length} bytes and {packets} packets")
        data_end = _HEADER + (length if direction == Direction.OUT else 0)
        end = data_end + packets * _ISO.size
        if len(buffer) < end:
            return None
        data, tail = bytes(buffer[_HEADER:data_end]), bytes(buffer[data_end:end])
        del buffer[:end]
        iso = tuple(_iso_packets(tail, length))
        return Submit(seqnum, devid, Direction(direction), ep, flags, length, start, count, interval, setup, data, iso)


def _iso_packets(raw: bytes, length: int) -> Iterator[IsoPacket]:
    for offset, size, actual, status in _ISO.iter_unpack(raw):
        if offset + size > length:
            _refuse(f"a packet of {size} bytes at {offset} of an URB of {length}")
        yield IsoPacket(offset, size, actual, status)


def _refuse(what: str) -> NoReturn:
    raise ProtocolError(f"The USB/IP client sent {what}.")


def encode(reply: Reply) -> bytes:
    """The bytes of a reply."""
    match reply:
        case Submitted():
            return _submitted(reply)
        case Unlinked(seqnum=seqnum, status=status):
            return _BASE.pack(_Command.RET_UNLINK, seqnum, 0, 0, 0) + _RET_UNLINK.pack(status)
        case ListReply(devices=devices):
            listed = b"".join(_description(device) + _interfaces(device) for device in devices)
            return _OP.pack(VERSION, _Op.REP_DEVLIST, 0) + _COUNT.pack(len(devices)) + listed
        case ImportReply(device=device):
            return _OP.pack(VERSION, _Op.REP_IMPORT, OpStatus.OK) + _description(device)
        case ImportRefusal(status=status):
            return _OP.pack(VERSION, _Op.REP_IMPORT, status)


def _submitted(reply: Submitted) -> bytes:
    head = _BASE.pack(_Command.RET_SUBMIT, reply.seqnum, 0, 0, 0) + _RET_SUBMIT.pack(
        reply.status, reply.actual_length, reply.start_frame, reply.number_of_packets, reply.error_count
    )
    packets = (_ISO.pack(packet.offset, packet.length, packet.actual_length, packet.status) for packet in reply.packets)
    return b"".join((head, reply.data, *packets))


def _description(device: Description) -> bytes:
    return _DESCRIPTION.pack(
        device.path.encode()[:255],
        device.busid.encode()[:31],
        device.busnum,
        device.devnum,
        device.speed,
        device.idVendor,
        device.idProduct,
        device.bcdDevice,
        device.bDeviceClass,
        device.bDeviceSubClass,
        device.bDeviceProtocol,
        device.bConfigurationValue,
        device.bNumConfigurations,
        len(device.interfaces),
    )


def _interfaces(device: Description) -> bytes:
    return b"".join(
        _INTERFACE.pack(interface.bInterfaceClass, interface.bInterfaceSubClass, interface.bInterfaceProtocol)
        for interface in device.interfaces
    )
