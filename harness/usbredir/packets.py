"""Messages about transfers: streams, cancelling, and the packets themselves (usbredirproto.h 0.7).

Shapes as in :mod:`harness.usbredir.messages`. In a packet ``length`` is what a request asks for or what an answer
transferred; ``payload`` is there only in the direction the data goes.
"""

from __future__ import annotations

from struct import Struct
from typing import Any, ClassVar

from attrs import frozen

from harness.channel.said import Sender

from .constants import Capability, Type
from .message import EITHER, DataMessage, Message, message

__all__ = [
    "AllocBulkStreams",
    "BufferedBulkPacket",
    "BulkPacket",
    "BulkReceivingStatus",
    "BulkStreamsStatus",
    "CancelDataPacket",
    "ControlPacket",
    "FreeBulkStreams",
    "InterruptPacket",
    "InterruptReceivingStatus",
    "IsoPacket",
    "IsoStreamStatus",
    "StartBulkReceiving",
    "StartInterruptReceiving",
    "StartIsoStream",
    "StopBulkReceiving",
    "StopInterruptReceiving",
    "StopIsoStream",
]


@message(Type.START_ISO_STREAM, Sender.GUEST, "<BBB")
@frozen
class StartIsoStream(Message):
    """Keep ``no_urbs`` x ``pkts_per_urb`` isochronous packets in flight on an endpoint."""

    endpoint: int
    pkts_per_urb: int
    no_urbs: int


@message(Type.STOP_ISO_STREAM, Sender.GUEST, "<B")
@frozen
class StopIsoStream(Message):
    """Stop the stream of isochronous packets of an endpoint."""

    endpoint: int


@message(Type.ISO_STREAM_STATUS, Sender.HOST, "<BB")
@frozen
class IsoStreamStatus(Message):
    """Answer to StartIsoStream and StopIsoStream; sent unasked, a stall says that the stream stopped."""

    status: int
    endpoint: int


@message(Type.START_INTERRUPT_RECEIVING, Sender.GUEST, "<B")
@frozen
class StartInterruptReceiving(Message):
    """Poll an interrupt IN endpoint and pass on what it gives."""

    endpoint: int


@message(Type.STOP_INTERRUPT_RECEIVING, Sender.GUEST, "<B")
@frozen
class StopInterruptReceiving(Message):
    """Stop polling an interrupt IN endpoint."""

    endpoint: int


@message(Type.INTERRUPT_RECEIVING_STATUS, Sender.HOST, "<BB")
@frozen
class InterruptReceivingStatus(Message):
    """Answer to Start- and StopInterruptReceiving; sent unasked, a stall says that polling stopped."""

    status: int
    endpoint: int


@message(Type.ALLOC_BULK_STREAMS, Sender.GUEST, "<II")
@frozen
class AllocBulkStreams(Message):
    """Allocate streams on the endpoints of a bit mask (bit number = index in ep_info)."""

    endpoints: int
    no_streams: int


@message(Type.FREE_BULK_STREAMS, Sender.GUEST, "<I")
@frozen
class FreeBulkStreams(Message):
    """Free the streams of the endpoints of a bit mask."""

    endpoints: int


@message(Type.BULK_STREAMS_STATUS, Sender.HOST, "<IIB")
@frozen
class BulkStreamsStatus(Message):
    """Answer to AllocBulkStreams and FreeBulkStreams; anything but success makes QEMU reject the device."""

    endpoints: int
    no_streams: int
    status: int


@message(Type.CANCEL_DATA_PACKET, Sender.GUEST)
@frozen
class CancelDataPacket(Message):
    """Give up the request with this id; it is still to be answered once, with any status."""


@message(Type.START_BULK_RECEIVING, Sender.GUEST, "<IIBB", needs=Capability.BULK_RECEIVING)
@frozen
class StartBulkReceiving(Message):
    """Keep ``no_transfers`` bulk IN transfers in flight."""

    stream_id: int
    bytes_per_transfer: int
    endpoint: int
    no_transfers: int


@message(Type.STOP_BULK_RECEIVING, Sender.GUEST, "<IB", needs=Capability.BULK_RECEIVING)
@frozen
class StopBulkReceiving(Message):
    """Stop the transfers that StartBulkReceiving keeps in flight."""

    stream_id: int
    endpoint: int


@message(Type.BULK_RECEIVING_STATUS, Sender.HOST, "<IBB", needs=Capability.BULK_RECEIVING)
@frozen
class BulkReceivingStatus(Message):
    """Answer to StartBulkReceiving and StopBulkReceiving."""

    stream_id: int
    endpoint: int
    status: int


@message(Type.CONTROL_PACKET, EITHER, "<BBBBHHH")
@frozen
class ControlPacket(DataMessage):
    """A transfer on endpoint 0; ``endpoint`` is its direction bit, ``length`` what is asked or was transferred."""

    endpoint: int
    request: int
    requesttype: int
    status: int
    value: int
    index: int
    length: int


@message(Type.BULK_PACKET, EITHER, "<BBHIH")
@frozen
class BulkPacket(DataMessage):
    """A bulk transfer; ``length`` is 32 bits wide when both sides can, else 16."""

    SHORT: ClassVar = Struct("<BBHI")

    endpoint: int
    status: int
    length: int
    stream_id: int

    @classmethod
    def layout(cls, caps: Capability) -> Struct:
        """With or without length_high, the upper half of ``length``."""
        return cls.LAYOUT if caps & Capability.BULK_LENGTH_32BITS else cls.SHORT

    def values(self, caps: Capability) -> tuple[int, ...]:
        """``length`` in two halves, or all of it in 16 bits."""
        if caps & Capability.BULK_LENGTH_32BITS:
            return (self.endpoint, self.status, self.length & 0xFFFF, self.stream_id, self.length >> 16)
        return (self.endpoint, self.status, self.length, self.stream_id)

    @classmethod
    def parse(cls, values: tuple[int, ...], **rest: Any) -> BulkPacket:
        """The message whose type header unpacks to ``values``: the halves of ``length`` become one."""
        endpoint, status, low, stream_id, *high = values
        return cls(endpoint, status, low | sum(high) << 16, stream_id, **rest)


@message(Type.ISO_PACKET, EITHER, "<BBH")
@frozen
class IsoPacket(DataMessage):
    """One isochronous packet; it always goes the way its data goes, and is never answered."""

    endpoint: int
    status: int
    length: int


@message(Type.INTERRUPT_PACKET, EITHER, "<BBH")
@frozen
class InterruptPacket(DataMessage):
    """One interrupt packet: pushed IN unasked; OUT is answered with its status."""

    endpoint: int
    status: int
    length: int


@message(Type.BUFFERED_BULK_PACKET, Sender.HOST, "<IIBB", needs=Capability.BULK_RECEIVING)
@frozen
class BufferedBulkPacket(DataMessage):
    """Data of a bulk IN endpoint that is being received."""

    stream_id: int
    length: int
    endpoint: int
    status: int
