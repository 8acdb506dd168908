"""The usbredir session of the side that has the device, without I/O.

:data:`TABLE` is the whole state machine: what may be sent (``HOST``) and received (``GUEST``) in each state, and the
state it leads to. :class:`Session` walks it, negotiates the capabilities, and refuses to produce what the protocol
forbids or what is known to make QEMU refuse the device or die.
"""

from __future__ import annotations

import struct
from enum import Enum
from struct import Struct
from typing import TYPE_CHECKING

from .announce import fatal_to_qemu
from .codec import MAX_BULK, LocalProtocolError, Reader, RemoteProtocolError, decode, encode, header
from .constants import Capability, Sender, Type
from .message import MESSAGES, NOTHING
from .messages import EpInfo, Hello
from .packets import BulkPacket, ControlPacket

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from .codec import Frame
    from .message import Message

__all__ = ["CAPABILITIES", "TABLE", "Event", "Session", "State"]

#: What we announce. Not bulk_receiving: with it QEMU buffers bulk IN and changes the byte flow of serial adapters.
CAPABILITIES = (
    Capability.BULK_STREAMS
    | Capability.CONNECT_DEVICE_VERSION
    | Capability.FILTER
    | Capability.DEVICE_DISCONNECT_ACK
    | Capability.EP_INFO_MAX_PACKET_SIZE
    | Capability.IDS_64BITS
    | Capability.BULK_LENGTH_32BITS
)


class State(Enum):
    """Where a session stands."""

    START = "start"
    GREETING = "greeting"  #: our hello is out, the peer's is not in
    IDLE = "idle"  #: no device
    ENDPOINTS = "endpoints"  #: ep_info is out
    DESCRIBED = "described"  #: interface_info too
    CONNECTED = "connected"
    REJECTED = "rejected"  #: the guest side refused the device; it is still ours to disconnect
    DISCONNECTING = "disconnecting"  #: waiting for the acknowledgement


Event = tuple[Sender, Type]

_HOST, _GUEST = Sender.HOST, Sender.GUEST


def _loop(state: State, sender: Sender, kinds: Iterable[Type]) -> dict[Event, State]:
    """Events that change nothing."""
    return dict.fromkeys(((sender, kind) for kind in kinds), state)


#: What the guest side asks of a device. QEMU may still send some for a device that just went.
_REQUESTS = (
    Type.RESET,
    Type.SET_CONFIGURATION,
    Type.GET_CONFIGURATION,
    Type.SET_ALT_SETTING,
    Type.GET_ALT_SETTING,
    Type.START_ISO_STREAM,
    Type.STOP_ISO_STREAM,
    Type.START_INTERRUPT_RECEIVING,
    Type.STOP_INTERRUPT_RECEIVING,
    Type.ALLOC_BULK_STREAMS,
    Type.FREE_BULK_STREAMS,
    Type.CANCEL_DATA_PACKET,
    Type.CONTROL_PACKET,
    Type.BULK_PACKET,
    Type.ISO_PACKET,
    Type.INTERRUPT_PACKET,
    Type.FILTER_FILTER,
)

#: What a device says. Endpoints and interfaces are told again when a configuration or setting changes.
_REPLIES = (
    Type.EP_INFO,
    Type.INTERFACE_INFO,
    Type.CONFIGURATION_STATUS,
    Type.ALT_SETTING_STATUS,
    Type.ISO_STREAM_STATUS,
    Type.INTERRUPT_RECEIVING_STATUS,
    Type.BULK_STREAMS_STATUS,
    Type.CONTROL_PACKET,
    Type.BULK_PACKET,
    Type.ISO_PACKET,
    Type.INTERRUPT_PACKET,
)

TABLE: dict[State, dict[Event, State]] = {
    State.START: {(_HOST, Type.HELLO): State.GREETING},
    State.GREETING: {(_GUEST, Type.HELLO): State.IDLE},
    State.IDLE: {
        (_HOST, Type.EP_INFO): State.ENDPOINTS,
        (_GUEST, Type.FILTER_REJECT): State.IDLE,
        **_loop(State.IDLE, _GUEST, _REQUESTS),
    },
    State.ENDPOINTS: {
        (_HOST, Type.INTERFACE_INFO): State.DESCRIBED,
        **_loop(State.ENDPOINTS, _GUEST, _REQUESTS),
    },
    State.DESCRIBED: {
        (_HOST, Type.DEVICE_CONNECT): State.CONNECTED,
        **_loop(State.DESCRIBED, _GUEST, _REQUESTS),
    },
    State.CONNECTED: {
        (_HOST, Type.DEVICE_DISCONNECT): State.DISCONNECTING,
        (_GUEST, Type.FILTER_REJECT): State.REJECTED,
        **_loop(State.CONNECTED, _GUEST, _REQUESTS),
        **_loop(State.CONNECTED, _HOST, _REPLIES),
    },
    State.REJECTED: {
        (_HOST, Type.DEVICE_DISCONNECT): State.DISCONNECTING,
        (_GUEST, Type.FILTER_REJECT): State.REJECTED,
        **_loop(State.REJECTED, _GUEST, _REQUESTS),
    },
    State.DISCONNECTING: {
        (_GUEST, Type.DEVICE_DISCONNECT_ACK): State.IDLE,
        (_GUEST, Type.FILTER_REJECT): State.DISCONNECTING,
        **_loop(State.DISCONNECTING, _GUEST, _REQUESTS),
    },
}

_CONTROL = ControlPacket.LAYOUT
_MAX_CONTROL = 0xFFFF


class Session:
    """One session; ``caps`` is what both sides can do, known after the peer's hello."""

    def __init__(self, version: str, announced: Capability = CAPABILITIES) -> None:
        self.state = State.START
        self.caps = NOTHING
        self._hello = Hello.of(version, announced)
        self._reader = Reader()
        self._choose_layouts()

    def hello(self) -> bytes:
        """Our greeting, the first thing to send."""
        return self.send(self._hello)

    def send(self, message: Message) -> bytes:
        """The bytes of a message; raises :class:`LocalProtocolError`, and nothing changes, when it must not go."""
        state = self._next(message.TYPE)
        if isinstance(message, EpInfo):
            fault = fatal_to_qemu(message)
            if fault:
                raise LocalProtocolError(f"usbredir ep_info was not sent: {fault}.")
        packed = encode(message, self.caps)
        if state is State.DISCONNECTING and not self.caps & Capability.DEVICE_DISCONNECT_ACK:
            state = State.IDLE
        self.state = state
        return packed

    def receive(self, data: bytes) -> Iterator[Frame]:
        """Frames of the guest side, each legal in its state; raises :class:`RemoteProtocolError` on one that is not.

        A frame's body is still to be decoded: by :meth:`decode`, or by the ``unpack_…`` shortcuts.
        """
        self._reader.feed(data)
        for frame in self._reader:
            kind = frame[0]
            state = _RECEIVE[self.state].get(kind)
            if state is None:
                name = MESSAGES[kind].TYPE.name.lower() if kind in MESSAGES else f"type {kind}"
                raise RemoteProtocolError(f"The usbredir peer sent {name} while the session was {self.state.value}.")
            if kind == Type.HELLO:
                self._greeted(frame)
            self.state = state
            yield frame

    def decode(self, frame: Frame) -> Message:
        """The message in a received frame; raises :class:`RemoteProtocolError`."""
        return decode(frame, self.caps)

    # Shortcuts for what a busy guest sends most, without message objects. Tests hold them equal to the codec.

    def unpack_control(self, body: bytes) -> tuple[tuple[int, ...], bytes]:
        """The fields of a received :class:`ControlPacket`, and its payload."""
        payload = body[_CONTROL.size :]
        try:
            fields = _CONTROL.unpack_from(body)
        except struct.error:
            fields = ()
        if not fields or len(payload) != (0 if fields[0] & 0x80 else fields[6]):
            raise RemoteProtocolError("The usbredir peer sent a control_packet whose length and data differ.")
        return fields, payload

    def pack_control(self, number: int, fields: tuple[int, ...], status: int, length: int, payload: bytes) -> bytes:
        """The answer to a control_packet with these fields; ``length`` is what an OUT request transferred."""
        self._next(Type.CONTROL_PACKET)
        endpoint, request, requesttype, _, value, index, _ = fields
        if endpoint & 0x80:
            length = len(payload)
        elif payload:
            raise LocalProtocolError("usbredir control_packet was not sent: data in the answer to an OUT request.")
        if length > _MAX_CONTROL:
            raise LocalProtocolError(f"usbredir control_packet was not sent: {length} bytes exceed {_MAX_CONTROL}.")
        size = _CONTROL.size + len(payload)
        head = self._control.pack(
            Type.CONTROL_PACKET, size, number, endpoint, request, requesttype, status, value, index, length
        )
        return head + payload

    def unpack_bulk(self, body: bytes) -> tuple[int, int, int, bytes]:
        """Endpoint, length, stream id and payload of a received :class:`BulkPacket`."""
        layout = self._bulk_layout
        payload = body[layout.size :]
        try:
            endpoint, _, low, stream_id, *high = layout.unpack_from(body)
        except struct.error:
            raise RemoteProtocolError("The usbredir peer sent a bulk_packet that is too short.") from None
        length = low | high[0] << 16 if high else low
        if len(payload) != (0 if endpoint & 0x80 else length) or length > MAX_BULK:
            raise RemoteProtocolError("The usbredir peer sent a bulk_packet whose length and data differ.")
        return endpoint, length, stream_id, payload

    def pack_bulk(self, number: int, endpoint: int, stream_id: int, status: int, length: int, payload: bytes) -> bytes:
        """The answer to a bulk_packet; ``length`` is what an OUT request transferred."""
        self._next(Type.BULK_PACKET)
        if endpoint & 0x80:
            length = len(payload)
        elif payload:
            raise LocalProtocolError("usbredir bulk_packet was not sent: data in the answer to an OUT request.")
        wide = self._bulk_layout is BulkPacket.LAYOUT
        if length > (MAX_BULK if wide else 0xFFFF):
            raise LocalProtocolError(f"usbredir bulk_packet was not sent: {length} bytes are too many.")
        high = (length >> 16,) if wide else ()
        size = self._bulk_layout.size + len(payload)
        return (
            self._bulk.pack(Type.BULK_PACKET, size, number, endpoint, status, length & 0xFFFF, stream_id, *high)
            + payload
        )

    def _next(self, kind: Type) -> State:
        state = _SEND[self.state].get(kind)
        if state is None:
            raise LocalProtocolError(f"usbredir {kind.name.lower()} was not sent: the session is {self.state.value}.")
        return state

    def _greeted(self, frame: Frame) -> None:
        hello = decode(frame, NOTHING)
        assert isinstance(hello, Hello)
        self.caps = hello.capabilities & self._hello.capabilities
        self._reader.use(self.caps)
        self._choose_layouts()

    def _choose_layouts(self) -> None:
        common = header(self.caps).format
        self._control = Struct(common + _CONTROL.format[1:])
        self._bulk_layout = BulkPacket.layout(self.caps)
        self._bulk = Struct(common + self._bulk_layout.format[1:])


def _by_state(sender: Sender) -> dict[State, dict[int, State]]:
    return {
        state: {kind: target for (who, kind), target in events.items() if who is sender}
        for state, events in TABLE.items()
    }


_SEND = _by_state(_HOST)
_RECEIVE = _by_state(_GUEST)
