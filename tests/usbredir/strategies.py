"""Any message of the usbredir protocol that a side may send under given capabilities."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hypothesis import settings
from hypothesis import strategies as st

from harness.channel.said import Sender
from harness.usbredir.codec import MAX_BULK, header
from harness.usbredir.constants import ENTRIES, Capability, Type
from harness.usbredir.message import EITHER, MESSAGES, Message
from harness.usbredir.messages import EpInfo, FilterFilter, Hello, InterfaceInfo
from harness.usbredir.packets import BulkPacket
from usbfuzz.descriptors.layout import EndpointLayout, InterfaceLayout, Layout
from usbfuzz.wire import TransferType

if TYPE_CHECKING:
    from collections.abc import Callable

#: How long an example takes says something about the machine, not about the codec.
untimed = settings(deadline=None)

PACKETS = {Type.CONTROL_PACKET, Type.BULK_PACKET, Type.ISO_PACKET, Type.INTERRUPT_PACKET, Type.BUFFERED_BULK_PACKET}
ONLY_IN = {
    Type.START_INTERRUPT_RECEIVING,
    Type.STOP_INTERRUPT_RECEIVING,
    Type.INTERRUPT_RECEIVING_STATUS,
    Type.START_BULK_RECEIVING,
    Type.STOP_BULK_RECEIVING,
    Type.BULK_RECEIVING_STATUS,
}
LIMITS = {"B": 0xFF, "H": 0xFFFF, "I": 0xFFFFFFFF}


def _consistent(caps: Capability) -> Capability:
    return caps if caps & Capability.EP_INFO_MAX_PACKET_SIZE else caps & ~Capability.BULK_STREAMS


capabilities = st.integers(0, 0xFF).map(Capability).map(_consistent)
senders = st.sampled_from([Sender.HOST, Sender.GUEST])
columns = st.binary(min_size=ENTRIES, max_size=ENTRIES)


def ids(caps: Capability) -> st.SearchStrategy[int]:
    """Ids that fit the common header."""
    return st.integers(0, (1 << 8 * (header(caps).size - 8)) - 1)


def numbers(limit: int, count: int) -> st.SearchStrategy[tuple[int, ...]]:
    """``count`` numbers up to ``limit``."""
    return st.lists(st.integers(0, limit), min_size=count, max_size=count).map(tuple)


@st.composite
def _plain(draw: st.DrawFn, kind: type[Message], caps: Capability) -> dict[str, Any]:
    formats = kind.layout(caps).format.lstrip("<")
    fields = {name: draw(st.integers(0, LIMITS[letter])) for name, letter in zip(kind.FIELDS, formats, strict=False)}
    if kind.TYPE in ONLY_IN:
        fields["endpoint"] |= 0x80
    if "bytes_per_transfer" in fields:
        fields["bytes_per_transfer"] %= MAX_BULK + 1
    return fields


@st.composite
def _packet(draw: st.DrawFn, kind: type[Message], caps: Capability, sender: Sender) -> dict[str, Any]:
    fields = draw(_plain(kind, caps))
    along = 0x80 if sender is Sender.HOST else 0
    with_data = kind.TYPE in (Type.ISO_PACKET, Type.BUFFERED_BULK_PACKET) or draw(st.booleans())
    if with_data or (kind.TYPE is Type.INTERRUPT_PACKET and sender is Sender.GUEST):
        payload = draw(st.binary(max_size=200))
        return fields | {"endpoint": fields["endpoint"] & 0x7F | along, "payload": payload, "length": len(payload)}
    wide = kind is not BulkPacket or caps & Capability.BULK_LENGTH_32BITS
    length = draw(st.integers(0, MAX_BULK)) if kind is BulkPacket and wide else fields["length"]
    return fields | {"endpoint": fields["endpoint"] & 0x7F | along ^ 0x80, "length": length}


@st.composite
def _hello(draw: st.DrawFn) -> dict[str, Any]:
    return {"version": draw(st.binary(min_size=64, max_size=64)), "payload": draw(st.binary(max_size=12))}


@st.composite
def _interface_info(draw: st.DrawFn) -> dict[str, Any]:
    return {"interface_count": draw(st.integers(0, ENTRIES))} | {n: draw(columns) for n in InterfaceInfo.FIELDS[1:]}


@st.composite
def _ep_info(draw: st.DrawFn, caps: Capability) -> dict[str, Any]:
    fields: dict[str, Any] = {name: draw(columns) for name in ("type", "interval", "interface")}
    if caps & Capability.EP_INFO_MAX_PACKET_SIZE:
        fields["max_packet_size"] = draw(numbers(0xFFFF, ENTRIES))
    if caps & Capability.BULK_STREAMS:
        fields["max_streams"] = draw(numbers(0xFFFFFFFF, ENTRIES))
    return fields


def sendable(caps: Capability, sender: Sender) -> list[type[Message]]:
    """The message classes ``sender`` may use."""
    return [m for m in MESSAGES.values() if m.SENDER in (sender, EITHER) and not m.NEEDS & ~caps]


@st.composite
def messages(draw: st.DrawFn, caps: Capability, sender: Sender, but: frozenset[Type] = frozenset()) -> Message:
    """Any message, of a type not in ``but``."""
    kind = draw(st.sampled_from([m for m in sendable(caps, sender) if m.TYPE not in but]))
    special: dict[type[Message], Callable[[], st.SearchStrategy[dict[str, Any]]]] = {
        Hello: _hello,
        InterfaceInfo: _interface_info,
        EpInfo: lambda: _ep_info(caps),
        FilterFilter: lambda: st.binary(max_size=60).map(lambda text: {"payload": text + b"\0"}),
    }
    if kind in special:
        fields = draw(special[kind]())
    elif kind.TYPE in PACKETS:
        fields = draw(_packet(kind, caps, sender))
    else:
        fields = draw(_plain(kind, caps))
    return kind(id=draw(ids(caps)), **fields)


#: Anything a device may announce.
layouts = st.builds(
    Layout,
    st.lists(
        st.builds(InterfaceLayout, *[st.integers(0, 255)] * 4), max_size=32, unique_by=lambda i: i.bInterfaceNumber
    ).map(tuple),
    st.lists(
        st.builds(
            EndpointLayout,
            st.integers(1, 15).flatmap(lambda number: st.sampled_from((number, number | 0x80))),
            st.sampled_from(TransferType),
            st.integers(0, 255),
            st.integers(0, 255),
            st.integers(1, 1024),
            st.sampled_from((0, 1, 16, 65536)),
        ),
        max_size=30,
        unique_by=lambda e: e.bEndpointAddress,
    ).map(tuple),
)
