"""Records that macOS writes of its USB host controllers (``ifconfig XHC20 up``), link type USB_DARWIN.

https://www.tcpdump.org/linktypes/LINKTYPE_USB_DARWIN.html; but the identifier of a request has 8 bytes, as the header's
32 show. All numbers are little-endian. What the host sends stands in the record of the completion.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

from usbfuzz.descriptors.constants import DIRECTION_IN
from usbfuzz.wire import Setup, Speed, Status, TransferType

from .pcap import Packet
from .urbs import Frame, UrbEvent

__all__ = ["urb_of_darwin"]

#: version, length of header, request type, bytes, status, frames, identifier, location, speed, address, endpoint, type
_HEADER = struct.Struct("<HBBIIIQIBBBB")
_FRAME = struct.Struct("<III")  #: length of header, bytes, status
_FRAME_BYTES = 28
_SETUP_BYTES = 8
_SPEEDS = (Speed.LOW, Speed.FULL, Speed.HIGH, Speed.SUPER, Speed.SUPER)
_MOST_FRAMES = 4096
#: IOKit/IOReturn.h, IOKit/usb/USB.h, IOKit/usb/IOUSBHostFamily.h
_STATUS = {
    0x00000000: Status.OK,
    0xE00002E7: Status.OK,  # kIOReturnUnderrun: a short answer
    0xE00002E8: Status.BABBLE,  # kIOReturnOverrun
    0xE00002EB: Status.NEVER,  # kIOReturnAborted: the host gave up
    0xE00002D6: Status.TIMEOUT,  # kIOReturnTimeout
    0xE0004051: Status.TIMEOUT,  # kIOUSBTransactionTimeout
    0xE000404F: Status.STALL,  # kIOUSBPipeStalled
    0xE0005000: Status.STALL,  # kUSBHostReturnPipeStalled
    0xE00002C0: None,  # kIOReturnNoDevice
    0xE00002D9: None,  # kIOReturnNotAttached
}


def urb_of_darwin(packet: Packet) -> UrbEvent | None:
    """What a record says of a transfer; None when it is cut within its header, or no transfer of a known type."""
    raw = packet.data
    if len(raw) < _HEADER.size:
        return None
    (_, header, request, length, status, frames, number, location, speed, address, endpoint, kind) = (
        _HEADER.unpack_from(raw)
    )
    if kind >= len(TransferType) or not _HEADER.size <= header <= len(raw):
        return None
    type_, complete, data = TransferType(kind), request == 1, raw[header:]
    setup: Setup | None = None
    if type_ is TransferType.CONTROL and not complete and len(data) >= _SETUP_BYTES:
        setup, data = Setup.unpack(data[:_SETUP_BYTES]), data[_SETUP_BYTES:]
        endpoint = endpoint & 0x0F | setup.bmRequestType & DIRECTION_IN
    moved: tuple[Frame, ...] = ()
    if type_ is TransferType.ISOCHRONOUS:
        moved, data = _frames(raw, header, min(frames, _MOST_FRAMES)) if complete else ((), b"")
        length = sum(frame.length for frame in moved)
    return UrbEvent(
        id=number,
        complete=complete,
        bus=location >> 24,
        address=address,
        bEndpointAddress=endpoint,
        type=type_,
        time_ns=packet.time_ns,
        setup=setup,
        status=_STATUS.get(status, Status.IO_ERROR),
        length=length,
        data=data[:length] if complete else data,
        frames=moved,
        place=packet.offset,
        speed=_SPEEDS[speed] if speed < len(_SPEEDS) else None,
    )


def _frames(raw: bytes, start: int, count: int) -> tuple[tuple[Frame, ...], bytes]:
    """The frames, and the data of all of them."""
    parts = list(_cut(raw, start, count))
    frames, offset = [], 0
    for status, length, data in parts:
        frames.append(Frame(_STATUS.get(status) or Status.IO_ERROR, offset, length))
        offset += len(data)
    return tuple(frames), b"".join(data for _, _, data in parts)


def _cut(raw: bytes, at: int, count: int) -> Iterator[tuple[int, int, bytes]]:
    """Status, length and data of each frame; each begins at a multiple of 4 bytes."""
    for _ in range(count):
        at += -at % 4
        if at + _FRAME.size > len(raw):
            return
        header, length, status = _FRAME.unpack_from(raw, at)
        if header < _FRAME_BYTES:
            return
        yield status, length, raw[at + header : at + header + length]
        at += header + length
