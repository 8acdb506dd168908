"""What is said over USB/IP: requests of a client, replies of the server that has the device.

Field names are those of the protocol description; ``seqnum`` pairs a reply with its request.
"""

from __future__ import annotations

from enum import IntEnum

from attrs import frozen

__all__ = [
    "Description",
    "Direction",
    "ImportRefusal",
    "ImportReply",
    "ImportRequest",
    "Interface",
    "IsoPacket",
    "ListReply",
    "ListRequest",
    "OpStatus",
    "Reply",
    "Request",
    "Submit",
    "Submitted",
    "Unlink",
    "Unlinked",
]


class OpStatus(IntEnum):
    """How an operation ends (``ST_…`` in tools/usb/usbip/libsrc/usbip_common.h)."""

    OK = 0
    NOT_AVAILABLE = 1
    BUSY = 2  #: another client has it
    ERROR = 3
    NO_DEVICE = 4


class Direction(IntEnum):
    """Which way the data of an URB goes."""

    OUT = 0
    IN = 1


@frozen
class Interface:
    """An interface as OP_REP_DEVLIST describes it."""

    bInterfaceClass: int
    bInterfaceSubClass: int
    bInterfaceProtocol: int


@frozen
class Description:
    """What a client is told of a device before it has it; ``speed`` is the kernel's ``enum usb_device_speed``."""

    path: str  #: shown to the user; at most 255 bytes
    busid: str  #: what the user asks for; at most 31 bytes
    busnum: int
    devnum: int
    speed: int
    idVendor: int
    idProduct: int
    bcdDevice: int
    bDeviceClass: int
    bDeviceSubClass: int
    bDeviceProtocol: int
    bConfigurationValue: int
    bNumConfigurations: int
    interfaces: tuple[Interface, ...] = ()

    @property
    def devid(self) -> int:
        """The number by which the client's URBs name the device."""
        return self.busnum << 16 | self.devnum


@frozen
class ListRequest:
    """OP_REQ_DEVLIST: which devices are there?"""


@frozen
class ListReply:
    """OP_REP_DEVLIST: the devices that can be imported now."""

    devices: tuple[Description, ...]


@frozen
class ImportRequest:
    """OP_REQ_IMPORT: the client wants a device; if it gets it, the connection carries its URBs from then on."""

    busid: str


@frozen
class ImportReply:
    """OP_REP_IMPORT with status OK: the client has the device."""

    device: Description


@frozen
class ImportRefusal:
    """OP_REP_IMPORT with another status: the client does not get the device."""

    status: OpStatus


@frozen
class IsoPacket:
    """One packet of an isochronous URB; ``status`` is 0 or a negative errno."""

    offset: int
    length: int
    actual_length: int = 0
    status: int = 0


@frozen
class Submit:
    """USBIP_CMD_SUBMIT: an URB.

    ``interval`` is what the client's kernel polls at: frames (low and full speed) or microframes; 0 unless periodic.
    ``packets`` is empty unless the URB is isochronous.
    """

    seqnum: int
    devid: int
    direction: Direction
    ep: int  #: number, without the direction bit
    transfer_flags: int
    length: int  #: transfer_buffer_length, bytes
    start_frame: int
    number_of_packets: int  #: 0 or 0xffffffff unless isochronous, depending on the client
    interval: int
    setup: bytes  #: 8 bytes; zeros unless the endpoint is 0
    data: bytes = b""  #: what an OUT URB transfers
    packets: tuple[IsoPacket, ...] = ()


@frozen
class Submitted:
    """USBIP_RET_SUBMIT: an URB is done; ``status`` is 0 or a negative errno."""

    seqnum: int
    status: int
    actual_length: int
    start_frame: int = 0
    number_of_packets: int = 0
    data: bytes = b""  #: what an IN URB got; of an isochronous one without gaps
    packets: tuple[IsoPacket, ...] = ()

    @property
    def error_count(self) -> int:
        """Isochronous packets that failed."""
        return sum(packet.status != 0 for packet in self.packets)


@frozen
class Unlink:
    """USBIP_CMD_UNLINK: the client gives the URB with ``unlink_seqnum`` up."""

    seqnum: int
    devid: int
    unlink_seqnum: int


@frozen
class Unlinked:
    """USBIP_RET_UNLINK: -ECONNRESET if the URB was still pending (it gets no other reply), 0 if it was done."""

    seqnum: int
    status: int


Request = ListRequest | ImportRequest | Submit | Unlink
Reply = ListReply | ImportReply | ImportRefusal | Submitted | Unlinked
