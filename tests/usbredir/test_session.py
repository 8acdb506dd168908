"""The session lets through what its table says, and nothing that would make QEMU refuse the device or die."""

from __future__ import annotations

from typing import Any

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from harness.channel.said import Sender
from harness.usbredir.announce import device_connect, ep_info, interface_info
from harness.usbredir.codec import Frame, LocalProtocolError, RemoteProtocolError, encode
from harness.usbredir.constants import Capability, EndpointType, Type, WireStatus
from harness.usbredir.fast import ControlFields
from harness.usbredir.message import EITHER, MESSAGES, NOTHING, DataMessage, Message
from harness.usbredir.messages import DeviceDisconnect, EpInfo, FilterFilter, Hello
from harness.usbredir.packets import BulkPacket, ControlPacket
from harness.usbredir.session import CAPABILITIES, Session
from harness.usbredir.state import TABLE, TABLE_WITHOUT_ACK, Event, SessionState, Table, table_for
from usbfuzz.descriptors.layout import EndpointLayout, Layout
from usbfuzz.wire import Speed, TransferType

from .strategies import capabilities, messages, untimed

EVENTS = [
    (sender, kind)
    for sender in (Sender.HOST, Sender.GUEST)
    for kind in Type
    if MESSAGES[kind].SENDER in (sender, EITHER) and not MESSAGES[kind].NEEDS & Capability.BULK_RECEIVING
]
WITHOUT_ACK = CAPABILITIES & ~Capability.DEVICE_DISCONNECT_ACK
GREETED = set(SessionState) - {SessionState.START, SessionState.GREETING}
NO_DEVICE = ep_info(Layout())


def session_in(state: SessionState, caps: Capability = CAPABILITIES) -> Session:
    session = Session("us")
    if state is not SessionState.START:
        session.hello()
    if state in GREETED:
        assert len(list(session.receive(encode(Hello.of("them", caps), NOTHING, Sender.GUEST)))) == 1
    session._enter(state)
    return session


def simplest(kind: Type, sender: Sender) -> Message:
    """A valid message of a type: zeros, on an IN endpoint, or on an OUT endpoint for what only goes there."""
    found = MESSAGES[kind]
    special = {
        Type.HELLO: Hello.of("them", CAPABILITIES),
        Type.EP_INFO: NO_DEVICE,
        Type.INTERFACE_INFO: interface_info(Layout()),
        Type.FILTER_FILTER: FilterFilter(payload=b"\0"),
    }
    if kind in special:
        return special[kind]
    fields: dict[str, Any] = dict.fromkeys(found.FIELDS, 0)
    if "endpoint" in fields and not (issubclass(found, DataMessage) and sender is Sender.GUEST):
        fields["endpoint"] = 0x81
    return found(**fields)


@pytest.mark.parametrize(
    ("caps", "state"), [(caps, state) for caps in (CAPABILITIES, WITHOUT_ACK) for state in table_for(caps)]
)
@pytest.mark.parametrize(("sender", "kind"), EVENTS, ids=lambda value: value.name.lower())
def test_every_event_in_every_state_does_what_the_table_says(
    caps: Capability, state: SessionState, sender: Sender, kind: Type
) -> None:
    session = session_in(state, caps)
    message = simplest(kind, sender)
    target = table_for(caps)[state].get(Event(sender, kind))
    if sender is Sender.HOST:
        if target is None:
            with pytest.raises(LocalProtocolError, match=f"the session is {state.value}"):
                session.send(message)
        else:
            session.send(message)
    else:
        wire = encode(message, session.caps | Capability.FILTER | Capability.DEVICE_DISCONNECT_ACK, Sender.GUEST)
        if target is None:
            with pytest.raises(RemoteProtocolError, match=f"while the session was {state.value}"):
                list(session.receive(wire))
        else:
            assert [frame.type for frame in session.receive(wire)] == [kind]
    assert session.state is (target or state)


@pytest.mark.parametrize(("table", "states"), [(TABLE, set(SessionState)), (TABLE_WITHOUT_ACK, set(TABLE_WITHOUT_ACK))])
def test_every_state_can_be_reached_and_left(table: Table, states: set[SessionState]) -> None:
    reached = {SessionState.START}
    for _ in SessionState:
        reached |= {target for state in reached for target in table[state].values()}
    assert reached == states
    assert all(set(table[state].values()) - {state} for state in states)


def test_the_tables_differ_only_in_who_waits_for_an_acknowledgement() -> None:
    assert set(TABLE) - set(TABLE_WITHOUT_ACK) == {SessionState.DISCONNECTING}
    disconnect = Event(Sender.HOST, Type.DEVICE_DISCONNECT)
    for state, events in TABLE_WITHOUT_ACK.items():
        for event in events.keys() | TABLE[state].keys():
            assert events[event] is (SessionState.IDLE if event == disconnect else TABLE[state][event])


def test_each_event_in_the_table_is_one_its_sender_may_send() -> None:
    for events in TABLE.values():
        for sender, kind in events:
            assert MESSAGES[kind].SENDER in (sender, EITHER)


def test_bulk_receiving_is_not_announced() -> None:
    assert not CAPABILITIES & Capability.BULK_RECEIVING
    session = session_in(SessionState.IDLE, Capability(0xFF))
    assert session.caps == CAPABILITIES


def test_without_the_capability_a_disconnect_needs_no_acknowledgement() -> None:
    session = session_in(SessionState.CONNECTED, CAPABILITIES & ~Capability.DEVICE_DISCONNECT_ACK)
    session.send(DeviceDisconnect())
    assert session.state is SessionState.IDLE


def test_a_message_that_is_refused_leaves_the_session_as_it_was() -> None:
    session = session_in(SessionState.IDLE)
    with pytest.raises(LocalProtocolError):
        session.send(evolve(NO_DEVICE, interval=bytes(31)))
    assert session.state is SessionState.IDLE


def test_an_unknown_type_is_the_peer_s_fault() -> None:
    session = session_in(SessionState.IDLE)
    with pytest.raises(RemoteProtocolError, match="type 77"):
        list(session.receive(b"\x4d\0\0\0" + bytes(12)))


def replaced(column: bytes, at: int, value: int) -> bytes:
    return column[:at] + bytes([value]) + column[at + 1 :]


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"type": replaced(NO_DEVICE.type, 0, EndpointType.INVALID)}, "endpoint 0 is not a control endpoint"),
        ({"type": replaced(NO_DEVICE.type, 16, EndpointType.BULK)}, "endpoint 0 is not a control endpoint"),
        ({"type": replaced(NO_DEVICE.type, 5, 4)}, "unknown type"),
        ({"type": replaced(NO_DEVICE.type, 17, EndpointType.INTERRUPT)}, "interval 0"),
        ({"type": replaced(NO_DEVICE.type, 1, EndpointType.ISO)}, "interval 0"),
        ({"max_packet_size": (64,) * 31 + (0,)}, "max_packet_size 0"),
        ({"max_streams": (16,) + (0,) * 31}, "differ in max_streams"),
    ],
)
def test_an_ep_info_that_qemu_cannot_take_is_never_sent(change: dict[str, Any], why: str) -> None:
    info: EpInfo = evolve(NO_DEVICE, **change)
    with pytest.raises(LocalProtocolError, match=why):
        session_in(SessionState.IDLE).send(info)


def test_ep_info_comes_from_the_layout_alone() -> None:
    info = ep_info(
        Layout(
            (),
            (
                EndpointLayout(0x81, TransferType.INTERRUPT, 10, 3, 8),
                EndpointLayout(0x02, TransferType.BULK, 0, 3, 512, 16),
            ),
        )
    )
    assert (info.type[17], info.interval[17], info.interface[17], info.max_packet_size[17]) == (3, 10, 3, 8)
    assert (info.type[2], info.interval[2], info.interface[2], info.max_packet_size[2]) == (2, 0, 3, 512)
    assert {info.type[at] for at in range(32) if at not in (0, 2, 16, 17)} == {EndpointType.INVALID}
    assert set(info.max_streams) == {16}


def test_what_a_short_device_descriptor_lacks_is_zero() -> None:
    connect = device_connect(Speed.FULL, bytes.fromhex("12 01 00 02 ff 01 02 40 34 12"))
    assert (connect.speed, connect.device_class, connect.device_subclass, connect.device_protocol) == (1, 0xFF, 1, 2)
    assert (connect.vendor_id, connect.product_id, connect.device_version_bcd) == (0x1234, 0, 0)


requests = st.tuples(st.integers(0, 0xFF), st.integers(0, 0xFF), st.integers(0, 0xFFFF), st.integers(0, 0xFFFF))


@untimed
@given(st.data(), capabilities, requests, st.sampled_from(WireStatus), st.binary(max_size=100))
def test_the_control_shortcut_packs_what_the_codec_packs(
    data: st.DataObject, caps: Capability, request: tuple[int, ...], status: WireStatus, payload: bytes
) -> None:
    session = session_in(SessionState.CONNECTED, caps)
    direction = data.draw(st.sampled_from((0x00, 0x80)))
    bRequest, bmRequestType, wValue, wIndex = request
    asked = ControlFields(direction, bRequest, bmRequestType, 0, wValue, wIndex, 77)
    length, sent = (len(payload), payload) if direction else (77, b"")
    plain = ControlPacket(direction, bRequest, bmRequestType, status, wValue, wIndex, length, payload=sent, id=99)
    assert session.pack_control(99, asked, status, 77, sent) == session.send(plain)


@untimed
@given(capabilities, st.sampled_from((0x03, 0x83)), st.integers(0, 9), st.sampled_from(WireStatus), st.binary())
def test_the_bulk_shortcut_packs_what_the_codec_packs(
    caps: Capability, endpoint: int, stream: int, status: WireStatus, payload: bytes
) -> None:
    session = session_in(SessionState.CONNECTED, caps)
    length, sent = (len(payload), payload) if endpoint & 0x80 else (60000, b"")
    plain = BulkPacket(endpoint, status, length, stream, payload=sent, id=99)
    assert session.pack_bulk(99, endpoint, stream, status, 60000, sent) == session.send(plain)


@untimed
@given(st.data(), capabilities)
def test_the_shortcuts_read_what_the_codec_reads(data: st.DataObject, caps: Capability) -> None:
    session = session_in(SessionState.CONNECTED, caps)
    rest = frozenset(Type) - {Type.CONTROL_PACKET, Type.BULK_PACKET}
    message = data.draw(messages(session.caps, Sender.GUEST, but=rest))
    ((_, number, body),) = session.receive(encode(message, session.caps, Sender.GUEST))
    assert number == message.id
    if isinstance(message, ControlPacket):
        fields = tuple(getattr(message, name) for name in message.FIELDS)
        assert session.unpack_control(body) == (fields, message.payload)
    else:
        assert isinstance(message, BulkPacket)
        assert session.unpack_bulk(body) == (message.endpoint, message.length, message.stream_id, message.payload)


@untimed
@given(st.binary(max_size=24), capabilities)
def test_the_shortcuts_refuse_what_the_codec_refuses(body: bytes, caps: Capability) -> None:
    session = session_in(SessionState.CONNECTED, caps)
    for kind, shortcut in ((Type.CONTROL_PACKET, session.unpack_control), (Type.BULK_PACKET, session.unpack_bulk)):
        try:
            session.decode(Frame(kind, 0, body))
        except RemoteProtocolError:
            with pytest.raises(RemoteProtocolError):
                shortcut(body)
        else:
            shortcut(body)


@pytest.mark.parametrize("length", [0x10000, 128 << 20])
def test_the_shortcuts_refuse_what_does_not_fit(length: int) -> None:
    session = session_in(SessionState.CONNECTED, NOTHING)
    with pytest.raises(LocalProtocolError):
        session.pack_control(0, ControlFields(0x80, 0, 0, 0, 0, 0, 0), 0, 0, bytes(length))
    with pytest.raises(LocalProtocolError):
        session.pack_bulk(0, 0x81, 0, 0, 0, bytes(length))
    with pytest.raises(LocalProtocolError, match="data in the answer to an OUT request"):
        session.pack_bulk(0, 0x01, 0, 0, 0, b"x")
    with pytest.raises(LocalProtocolError, match="data in the answer to an OUT request"):
        session.pack_control(0, ControlFields(0, 0, 0, 0, 0, 0, 0), 0, 0, b"x")
