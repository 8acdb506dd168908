"""Shortcuts for the two messages a busy guest sends most, without message objects. Tests hold them equal to the codec.

They are a base of the session and not a part of it: tens of thousands of packets a second spare a call each.
"""

from __future__ import annotations

import struct
from struct import Struct
from typing import TYPE_CHECKING, NamedTuple

from .codec import MAX_BULK, LocalProtocolError, RemoteProtocolError, header
from .constants import Type
from .packets import BulkPacket, ControlPacket

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .constants import Capability
    from .state import SessionState

__all__ = ["ControlFields", "FastPackets"]

_CONTROL = ControlPacket.LAYOUT
_MAX_CONTROL = 0xFFFF  #: bytes: the length field has 16 bits
_IN = 0x80  #: direction bit of an endpoint
_CONTROL_TYPE, _BULK_TYPE = int(Type.CONTROL_PACKET), int(Type.BULK_PACKET)


class ControlFields(NamedTuple):
    """The fields of a :class:`ControlPacket`; those of the setup packet have their names from USB 2.0 §9.3."""

    endpoint: int
    bRequest: int
    bmRequestType: int
    status: int
    wValue: int
    wIndex: int
    wLength: int


class FastPackets:
    """Packs and unpacks control and bulk packets for a session."""

    state: SessionState
    _may_send: Mapping[int, SessionState]  #: message types that may be sent now, and the states they lead to

    def unpack_control(self, body: bytes) -> tuple[ControlFields, bytes]:
        """The fields of a received :class:`ControlPacket`, and its payload."""
        payload = body[_CONTROL.size :]
        try:
            fields = ControlFields._make(_CONTROL.unpack_from(body))
        except struct.error:
            raise RemoteProtocolError("The usbredir peer sent a control_packet that is too short.") from None
        if len(payload) != (0 if fields.endpoint & _IN else fields.wLength):
            raise RemoteProtocolError("The usbredir peer sent a control_packet whose length and data differ.")
        return fields, payload

    def pack_control(self, number: int, fields: ControlFields, status: int, length: int, payload: bytes) -> bytes:
        """The answer to a control_packet with these fields; ``length`` is what an OUT request transferred."""
        if _CONTROL_TYPE not in self._may_send:
            self._next(Type.CONTROL_PACKET)
        endpoint, bRequest, bmRequestType, _, wValue, wIndex, _ = fields
        if endpoint & _IN:
            length = len(payload)
        elif payload:
            raise LocalProtocolError("usbredir control_packet was not sent: data in the answer to an OUT request.")
        if length > _MAX_CONTROL:
            raise LocalProtocolError(f"usbredir control_packet was not sent: {length} bytes exceed {_MAX_CONTROL}.")
        size = _CONTROL.size + len(payload)
        head = self._control.pack(
            _CONTROL_TYPE, size, number, endpoint, bRequest, bmRequestType, status, wValue, wIndex, length
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
        if len(payload) != (0 if endpoint & _IN else length) or length > MAX_BULK:
            raise RemoteProtocolError("The usbredir peer sent a bulk_packet whose length and data differ.")
        return endpoint, length, stream_id, payload

    def pack_bulk(self, number: int, endpoint: int, stream_id: int, status: int, length: int, payload: bytes) -> bytes:
        """The answer to a bulk_packet; ``length`` is what an OUT request transferred."""
        if _BULK_TYPE not in self._may_send:
            self._next(Type.BULK_PACKET)
        if endpoint & _IN:
            length = len(payload)
        elif payload:
            raise LocalProtocolError("usbredir bulk_packet was not sent: data in the answer to an OUT request.")
        wide = self._bulk_layout is BulkPacket.LAYOUT
        if length > (MAX_BULK if wide else 0xFFFF):
            raise LocalProtocolError(f"usbredir bulk_packet was not sent: {length} bytes are too many.")
        high = (length >> 16,) if wide else ()
        size = self._bulk_layout.size + len(payload)
        return self._bulk.pack(_BULK_TYPE, size, number, endpoint, status, length & 0xFFFF, stream_id, *high) + payload

    def _next(self, kind: Type) -> SessionState:
        """The state that sending this leads to; raises :class:`LocalProtocolError` when it may not be sent."""
        state = self._may_send.get(kind)
        if state is None:
            raise LocalProtocolError(f"usbredir {kind.name.lower()} was not sent: the session is {self.state.value}.")
        return state

    def _choose_layouts(self, caps: Capability) -> None:
        """Use the packet layouts of these capabilities from now on."""
        common = header(caps).format
        self._control = Struct(common + _CONTROL.format[1:])
        self._bulk_layout = BulkPacket.layout(caps)
        self._bulk = Struct(common + self._bulk_layout.format[1:])
