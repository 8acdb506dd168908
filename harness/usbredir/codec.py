"""Bytes to messages and back, without I/O.

:class:`FrameReader` cuts a byte stream, split anywhere, into frames; :func:`decode` and :func:`encode` turn a frame
into a message and a message into bytes; :func:`check` holds the rules beyond a message's layout. These are the rules
libusbredirparser enforces on what it receives. A packet that breaks one is skipped there, and QEMU asserts when more
bytes follow it in the same read (``usbredir_chardev_read`` in hw/usb/redirect.c), so nothing of the kind may leave.
"""

from __future__ import annotations

import struct
from struct import Struct
from typing import TYPE_CHECKING, NamedTuple

from harness.channel.said import Sender
from usbfuzz.errors import ProtocolError

from .constants import ENTRIES, Capability, Type
from .message import EITHER, MESSAGES, NOTHING, DataMessage, Message
from .messages import FilterFilter, Hello, InterfaceInfo
from .packets import (
    BufferedBulkPacket,
    BulkPacket,
    BulkReceivingStatus,
    ControlPacket,
    InterruptPacket,
    InterruptReceivingStatus,
    IsoPacket,
    StartBulkReceiving,
    StartInterruptReceiving,
    StopBulkReceiving,
    StopInterruptReceiving,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = [
    "MAX_BULK",
    "MAX_LENGTH",
    "Frame",
    "FrameReader",
    "LocalProtocolError",
    "RemoteProtocolError",
    "check",
    "decode",
    "encode",
    "header",
]

MAX_BULK = 128 << 20  #: bytes in one bulk packet (MAX_BULK_TRANSFER_SIZE in usbredirparser.c)
MAX_LENGTH = MAX_BULK + 1024  #: bytes behind a common header (MAX_PACKET_SIZE there)


class Frame(NamedTuple):
    """A message as bytes."""

    type: int
    id: int
    body: bytes  #: what follows the common header


_IDS_64BITS = Struct("<IIQ")
_IDS_32BITS = Struct("<III")


class LocalProtocolError(ProtocolError):
    """We were about to break a rule; nothing was sent."""


class RemoteProtocolError(ProtocolError):
    """The peer broke a rule; nothing it sends from here on can be trusted."""


def header(caps: Capability) -> Struct:
    """The common header (type, length, id): 16 bytes when both sides have 64-bit ids, else 12 as in a hello."""
    return _IDS_64BITS if caps & Capability.IDS_64BITS else _IDS_32BITS


def encode(message: Message, caps: Capability, sender: Sender = Sender.HOST) -> bytes:
    """The message as ``sender`` sends it; raises :class:`LocalProtocolError` when it may not."""
    payload = message.payload if isinstance(message, DataMessage) else b""
    try:
        body = message.layout(caps).pack(*message.values(caps)) + payload
        packed = header(caps).pack(message.TYPE, len(body), message.id) + body
        why = check(message, caps, sender)
    except struct.error as error:
        why = f"a field does not fit ({error})"
    if why:
        raise LocalProtocolError(f"usbredir {message.TYPE.name.lower()} was not sent: {why}.")
    return packed


def decode(frame: Frame, caps: Capability, sender: Sender = Sender.GUEST) -> Message:
    """The message in a frame that ``sender`` sent; raises :class:`RemoteProtocolError` when it may not."""
    kind, number, body = frame
    found = MESSAGES.get(kind)
    if found is None:
        raise RemoteProtocolError(f"The usbredir peer sent a packet of unknown type {kind}.")
    layout = found.layout(caps)
    carries = issubclass(found, DataMessage)
    if len(body) < layout.size or (len(body) > layout.size and not carries):
        raise RemoteProtocolError(f"The usbredir peer sent {found.TYPE.name.lower()} with a length of {len(body)}.")
    rest = {"payload": body[layout.size :]} if carries else {}
    message = found.parse(layout.unpack_from(body), id=number, **rest)
    why = check(message, caps, sender)
    if why:
        raise RemoteProtocolError(f"The usbredir peer sent a wrong {found.TYPE.name.lower()}: {why}.")
    return message


class FrameReader:
    """Cuts a byte stream into frames.

    Feed it bytes, then iterate to get the frames that are complete. The capabilities may change between two frames, as
    they do after a hello. Iterating raises :class:`RemoteProtocolError` on a length beyond :data:`MAX_LENGTH`.
    """

    def __init__(self, caps: Capability = NOTHING) -> None:
        self._common = header(caps)
        self._data = b""
        self._at = 0
        #: Read behind _data, joined only when a frame can be complete: large ones come in pieces.
        self._more: list[bytes] = []
        self._missing = 0

    def use(self, caps: Capability) -> None:
        """Read what follows under these capabilities."""
        self._common = header(caps)

    def feed(self, data: bytes) -> None:
        """Append what was read."""
        if self._at == len(self._data):
            self._data, self._at = data, 0
            return
        self._more.append(data)
        self._missing -= len(data)

    def __iter__(self) -> Iterator[Frame]:
        """Take the complete frames out, oldest first."""
        if self._more:
            if self._missing > 0:
                return
            self._data, self._at = b"".join((self._data[self._at :], *self._more)), 0
            self._more.clear()
        data = self._data
        while True:
            common = self._common
            start = self._at + common.size
            if start > len(data):
                self._missing = start - len(data)
                return
            kind, length, number = common.unpack_from(data, self._at)
            if length > MAX_LENGTH:
                raise RemoteProtocolError(f"The usbredir peer announced a packet of {length} bytes.")
            end = start + length
            if end > len(data):
                self._missing = end - len(data)
                return
            self._at = end
            yield Frame(kind, number, data[start:end])


def check(message: Message, caps: Capability, sender: Sender) -> str:
    """Why ``sender`` may not send this message, as a clause; "" when it may (usbredirparser_verify_type_header)."""
    if message.SENDER not in (sender, EITHER):
        return f"the {sender.value} side never sends it"
    if message.NEEDS & ~caps:
        return f"the {message.NEEDS.name} capability is not shared"
    match message:
        case ControlPacket() | BulkPacket() | IsoPacket() | InterruptPacket() | BufferedBulkPacket():
            return _check_packet(message, sender)
        case (
            StartInterruptReceiving(endpoint=endpoint)
            | StopInterruptReceiving(endpoint=endpoint)
            | InterruptReceivingStatus(endpoint=endpoint)
            | StartBulkReceiving(endpoint=endpoint)
            | StopBulkReceiving(endpoint=endpoint)
            | BulkReceivingStatus(endpoint=endpoint)
        ) if not endpoint & 0x80:
            return f"endpoint {endpoint:#04x} is not an IN endpoint"
        case StartBulkReceiving(bytes_per_transfer=length) if length > MAX_BULK:
            return f"transfers of {length} bytes exceed {MAX_BULK}"
        case InterfaceInfo(interface_count=count) if count > ENTRIES:
            return f"{count} interfaces exceed {ENTRIES}"
        case FilterFilter(payload=text) if not text.endswith(b"\0"):
            return "the rules are not NUL-terminated"
        case Hello(version=version) if len(version) != Hello.LAYOUT.size:
            return f"the version is {len(version)} bytes long, not {Hello.LAYOUT.size}"
    return ""


def _check_packet(
    packet: ControlPacket | BulkPacket | IsoPacket | InterruptPacket | BufferedBulkPacket, sender: Sender
) -> str:
    if packet.length > MAX_BULK:
        return f"a transfer of {packet.length} bytes exceeds {MAX_BULK}"
    if bool(packet.endpoint & 0x80) == (sender is Sender.HOST):
        return "" if len(packet.payload) == packet.length else f"{len(packet.payload)} bytes, length {packet.length}"
    if packet.payload:
        return f"data against the direction of endpoint {packet.endpoint:#04x}"
    one_way = packet.TYPE in (Type.ISO_PACKET, Type.BUFFERED_BULK_PACKET)
    if one_way or (packet.TYPE is Type.INTERRUPT_PACKET and sender is Sender.GUEST):
        return f"it cannot be sent against the direction of endpoint {packet.endpoint:#04x}"
    return ""
