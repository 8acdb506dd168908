"""Submissions and completions of transfers, from the capture records of three link types.

Linux (``struct usbmon_packet``, Documentation/usb/usbmon.rst) writes 48 bytes before the data, its memory-mapped
variant 64; USBPcap (desowin.org/usbpcap/captureformat.html) writes 27 and more. Text that usbmon prints is read by
:mod:`usbfuzz.importers.capture.usbmon_text`.
"""

from __future__ import annotations

import struct

from attrs import frozen

from usbfuzz.descriptors.constants import DIRECTION_IN
from usbfuzz.wire import Setup, Speed, Status, TransferType

from .pcap import Packet

__all__ = ["Frame", "UrbEvent", "linux_status", "urb_of_mmapped", "urb_of_usbmon", "urb_of_usbpcap"]


@frozen
class Frame:
    """One packet of an isochronous transfer; ``length`` counts from ``offset`` in the transfer's data."""

    status: Status
    offset: int
    length: int


@frozen
class UrbEvent:
    """One event in the life of a transfer: it is submitted, or it completes."""

    id: int  #: the same for the submission and the completion
    complete: bool
    bus: int
    address: int
    bEndpointAddress: int  #: direction bit included
    type: TransferType
    time_ns: int
    setup: Setup | None = None
    status: Status | None = Status.OK  #: of a completion; None: the device was gone
    length: int = 0  #: bytes asked for, or moved
    data: bytes = b""  #: as much of them as was captured
    frames: tuple[Frame, ...] = ()
    place: int = 0  #: line of a text, byte of a file
    speed: Speed | None = None  #: of the device, where the capture tells it

    @property
    def is_in(self) -> bool:
        """Device to host."""
        return bool(self.bEndpointAddress & DIRECTION_IN)


_ERRNO = {
    0: Status.OK,
    -121: Status.OK,  # EREMOTEIO: a short answer where the driver wanted none
    -32: Status.STALL,  # EPIPE
    -75: Status.BABBLE,  # EOVERFLOW
    -110: Status.TIMEOUT,  # ETIMEDOUT
    -62: Status.TIMEOUT,  # ETIME
    -22: Status.INVAL,
    -2: Status.NEVER,  # ENOENT, ECONNRESET: the host gave up
    -104: Status.NEVER,
    -19: None,  # ENODEV
    -108: None,  # ESHUTDOWN
}


def linux_status(errno: int) -> Status | None:
    """The status of a completed URB (Documentation/driver-api/usb/error-codes.rst); None when the device was gone."""
    return _ERRNO.get(errno, Status.IO_ERROR)


_TYPES = (TransferType.ISOCHRONOUS, TransferType.INTERRUPT, TransferType.CONTROL, TransferType.BULK)
_USBMON = "QBBBBHBBqiiII8s"
_USBMON_BYTES, _MMAPPED_BYTES, _FRAME_BYTES = 48, 64, 16


def urb_of_usbmon(packet: Packet) -> UrbEvent | None:
    """A record of Linux's first binary interface; None when it is cut within its header, or of no known type."""
    return _linux(packet, _USBMON_BYTES, 0)


def urb_of_mmapped(packet: Packet) -> UrbEvent | None:
    """A record of Linux's memory-mapped interface; None when it is cut within its header, or of no known type."""
    if len(packet.data) < _MMAPPED_BYTES:
        return None
    (frames,) = struct.unpack_from(f"{packet.order}I", packet.data, 60)
    return _linux(packet, _MMAPPED_BYTES, frames)


def _linux(packet: Packet, header: int, frames: int) -> UrbEvent | None:
    raw = packet.data
    if len(raw) < header:
        return None
    head = struct.unpack_from(packet.order + _USBMON, raw)
    number, event, kind, endpoint, address, bus, no_setup, no_data, seconds, micros, status, length, _, setup = head
    if kind >= len(_TYPES) or event not in b"SCE":
        return None
    is_isochronous = _TYPES[kind] is TransferType.ISOCHRONOUS
    start = header + frames * _FRAME_BYTES if is_isochronous else header
    return UrbEvent(
        id=number,
        complete=event != ord("S"),
        bus=bus,
        address=address,
        bEndpointAddress=endpoint,
        type=_TYPES[kind],
        time_ns=seconds * 1_000_000_000 + micros * 1000,
        setup=Setup.unpack(setup) if _TYPES[kind] is TransferType.CONTROL and not no_setup else None,
        status=None if event == ord("E") else linux_status(status),  # E: it never reached the device
        length=length,
        data=b"" if no_data else raw[start:] if is_isochronous else raw[start : start + length],
        frames=_linux_frames(raw[header:start], packet.order) if is_isochronous else (),
        place=packet.offset,
    )


def _linux_frames(raw: bytes, order: str) -> tuple[Frame, ...]:
    whole = raw[: len(raw) // _FRAME_BYTES * _FRAME_BYTES]
    return tuple(
        Frame(linux_status(status) or Status.IO_ERROR, offset, length)
        for status, offset, length in struct.iter_unpack(f"{order}iIIxxxx", whole)
    )


_USBD = {
    0x00000000: Status.OK,
    0xC0000004: Status.STALL,  # USBD_STATUS_STALL_PID
    0xC0000030: Status.STALL,  # USBD_STATUS_ENDPOINT_HALTED
    0xC0000008: Status.BABBLE,  # USBD_STATUS_DATA_OVERRUN
    0xC000000C: Status.BABBLE,  # USBD_STATUS_BUFFER_OVERRUN
    0xC0000012: Status.BABBLE,  # USBD_STATUS_BABBLE_DETECTED
    0xC0000009: Status.OK,  # USBD_STATUS_DATA_UNDERRUN
    0xC0006000: Status.TIMEOUT,
    0xC0010000: Status.NEVER,  # USBD_STATUS_CANCELED
    0xC0007000: None,  # USBD_STATUS_DEVICE_GONE
}
_USBPCAP = "<HQIHBHHBBI"
_USBPCAP_BYTES = 27
_SETUP = 0  #: stage


def urb_of_usbpcap(packet: Packet) -> UrbEvent | None:
    """A record of USBPcap; None when it is cut within its header, of no known type, or a stage on its own."""
    raw = packet.data
    if len(raw) < _USBPCAP_BYTES:
        return None
    header, number, status, _, info, bus, address, endpoint, kind, length = struct.unpack_from(_USBPCAP, raw)
    if kind >= len(_TYPES) or not _USBPCAP_BYTES <= header <= len(raw):
        return None
    type_, complete, data = _TYPES[kind], bool(info & 1), raw[header:]
    setup: Setup | None = None
    frames: tuple[Frame, ...] = ()
    if type_ is TransferType.CONTROL:
        stage = raw[_USBPCAP_BYTES] if header > _USBPCAP_BYTES else _SETUP
        if not complete and (stage != _SETUP or len(data) < 8):
            return None  # USBPcap before 1.5 shows data and status stages on their own
        if not complete:
            setup, data, length = Setup.unpack(data[:8]), data[8:], max(length - 8, 0)
            endpoint = endpoint & 0x7F | setup.bmRequestType & DIRECTION_IN
    elif type_ is TransferType.ISOCHRONOUS:
        frames = _usbpcap_frames(raw[_USBPCAP_BYTES:header])
    return UrbEvent(
        id=number,
        complete=complete,
        bus=bus,
        address=address,
        bEndpointAddress=endpoint,
        type=type_,
        time_ns=packet.time_ns,
        setup=setup,
        status=_USBD.get(status, Status.IO_ERROR),
        length=length,
        data=data,
        frames=frames,
        place=packet.offset,
    )


def _usbpcap_frames(raw: bytes) -> tuple[Frame, ...]:
    """After startFrame, numberOfPackets and errorCount: offset, length and status of each packet."""
    body = raw[12:]
    whole = body[: len(body) // 12 * 12]
    return tuple(
        Frame(_USBD.get(status) or Status.IO_ERROR, offset, length)
        for offset, length, status in struct.iter_unpack("<III", whole)
    )
