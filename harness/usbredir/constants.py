"""The numbers of usbredirproto.h, by their names."""

from __future__ import annotations

from enum import IntEnum, IntFlag

from usbfuzz.wire import Status

__all__ = [
    "CONTROL_ENTRIES",
    "ENTRIES",
    "WIRE_STATUS",
    "Capability",
    "EndpointType",
    "Type",
    "WireSpeed",
    "WireStatus",
    "entry",
]

ENTRIES = 32  #: length of the arrays in ep_info and interface_info
CONTROL_ENTRIES = (0, 16)  #: endpoint 0, OUT and IN, in the arrays of ep_info


def entry(bEndpointAddress: int) -> int:
    """Index of an endpoint in ep_info and in the bit masks of bulk streams."""
    return (bEndpointAddress & 0x80) >> 3 | bEndpointAddress & 0x0F


class Type(IntEnum):
    """Message types; from CONTROL_PACKET up they are transfers."""

    HELLO = 0
    DEVICE_CONNECT = 1
    DEVICE_DISCONNECT = 2
    RESET = 3
    INTERFACE_INFO = 4
    EP_INFO = 5
    SET_CONFIGURATION = 6
    GET_CONFIGURATION = 7
    CONFIGURATION_STATUS = 8
    SET_ALT_SETTING = 9
    GET_ALT_SETTING = 10
    ALT_SETTING_STATUS = 11
    START_ISO_STREAM = 12
    STOP_ISO_STREAM = 13
    ISO_STREAM_STATUS = 14
    START_INTERRUPT_RECEIVING = 15
    STOP_INTERRUPT_RECEIVING = 16
    INTERRUPT_RECEIVING_STATUS = 17
    ALLOC_BULK_STREAMS = 18
    FREE_BULK_STREAMS = 19
    BULK_STREAMS_STATUS = 20
    CANCEL_DATA_PACKET = 21
    FILTER_REJECT = 22
    FILTER_FILTER = 23
    DEVICE_DISCONNECT_ACK = 24
    START_BULK_RECEIVING = 25
    STOP_BULK_RECEIVING = 26
    BULK_RECEIVING_STATUS = 27
    CONTROL_PACKET = 100
    BULK_PACKET = 101
    ISO_PACKET = 102
    INTERRUPT_PACKET = 103
    BUFFERED_BULK_PACKET = 104


class Capability(IntFlag):
    """What a side announces in its hello; a feature is used when both have it."""

    BULK_STREAMS = 1 << 0
    CONNECT_DEVICE_VERSION = 1 << 1
    FILTER = 1 << 2
    DEVICE_DISCONNECT_ACK = 1 << 3
    EP_INFO_MAX_PACKET_SIZE = 1 << 4
    IDS_64BITS = 1 << 5
    BULK_LENGTH_32BITS = 1 << 6
    BULK_RECEIVING = 1 << 7


class WireStatus(IntEnum):
    """How a request ended."""

    SUCCESS = 0
    CANCELLED = 1
    INVAL = 2
    IOERROR = 3
    STALL = 4
    TIMEOUT = 5
    BABBLE = 6


#: How a device's answer is told; NAK and NEVER are none.
WIRE_STATUS: dict[Status, WireStatus] = {
    Status.OK: WireStatus.SUCCESS,
    Status.CANCELLED: WireStatus.CANCELLED,
    Status.INVAL: WireStatus.INVAL,
    Status.IO_ERROR: WireStatus.IOERROR,
    Status.STALL: WireStatus.STALL,
    Status.TIMEOUT: WireStatus.TIMEOUT,
    Status.BABBLE: WireStatus.BABBLE,
}


class WireSpeed(IntEnum):
    """Speed in device_connect."""

    LOW = 0
    FULL = 1
    HIGH = 2
    SUPER = 3
    UNKNOWN = 255


class EndpointType(IntEnum):
    """Endpoint type in ep_info: USB's own numbers, and one for "no such endpoint"."""

    CONTROL = 0
    ISO = 1
    BULK = 2
    INTERRUPT = 3
    INVALID = 255
