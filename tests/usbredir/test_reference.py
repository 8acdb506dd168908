"""libusbredirparser, the implementation inside QEMU, understands us and we understand it."""

from __future__ import annotations

import re
from contextlib import closing
from pathlib import Path
from unittest.mock import ANY

from hypothesis import given
from hypothesis import strategies as st

from harness.channel.said import Sender
from harness.usbredir.announce import device_connect, ep_info, interface_info
from harness.usbredir.codec import Frame, FrameReader, RemoteProtocolError, decode, encode, header
from harness.usbredir.constants import Capability, Type
from harness.usbredir.message import NOTHING, Message
from harness.usbredir.messages import DeviceDisconnect, Hello
from harness.usbredir.session import Session
from harness.usbredir.state import SessionState
from usbfuzz.descriptors.layout import Layout
from usbfuzz.wire import Speed

from .oracle import Oracle
from .strategies import capabilities, layouts, messages, senders, untimed

OTHER = {Sender.HOST: Sender.GUEST, Sender.GUEST: Sender.HOST}

#: Not sent by the library on request (hello, ack) or re-formatted by it (filter rules).
ITS_OWN = frozenset((Type.HELLO, Type.DEVICE_DISCONNECT_ACK, Type.FILTER_FILTER))
#: It sends these with an id of 0, ignoring the one it is given.
WITHOUT_ID = {
    Type.DEVICE_CONNECT,
    Type.DEVICE_DISCONNECT,
    Type.RESET,
    Type.INTERFACE_INFO,
    Type.EP_INFO,
    Type.FILTER_REJECT,
    Type.DEVICE_DISCONNECT_ACK,
}


def pair(side: Sender, ours: Capability, theirs: Capability) -> tuple[Oracle, Capability]:
    """The library on ``side``, greeted, and the capabilities both have."""
    oracle = Oracle(side, theirs)
    reader = FrameReader()
    reader.feed(oracle.output())
    (frame,) = reader
    hello = decode(frame, NOTHING, side)
    assert isinstance(hello, Hello)
    oracle.shared = hello.capabilities & Hello.of("x", ours).capabilities
    oracle.feed(encode(Hello.of("us", ours), NOTHING, OTHER[side]))
    return oracle, oracle.shared


def without_id(message: Message) -> Message:
    fields = {name: getattr(message, name) for name in message.FIELDS}
    return type(message)(**fields) if message.TYPE in WITHOUT_ID else message


@untimed
@given(st.data(), senders, capabilities, capabilities)
def test_it_receives_what_we_encode_field_by_field_and_without_complaint(
    data: st.DataObject, we: Sender, ours: Capability, theirs: Capability
) -> None:
    oracle, shared = pair(OTHER[we], ours, theirs)
    with closing(oracle):
        sent = data.draw(st.lists(messages(shared, we, but=ITS_OWN), max_size=6))
        oracle.feed(b"".join(encode(message, shared, we) for message in sent))
        assert oracle.errors == []
        assert oracle.received == [without_id(message) for message in sent]


@untimed
@given(st.data(), senders, capabilities, capabilities)
def test_we_decode_what_it_encodes(data: st.DataObject, we: Sender, ours: Capability, theirs: Capability) -> None:
    they = OTHER[we]
    oracle, shared = pair(they, ours, theirs)
    with closing(oracle):
        sent = data.draw(st.lists(messages(shared, they, but=ITS_OWN), max_size=6))
        for message in sent:
            oracle.send(message)
        reader = FrameReader(shared)
        reader.feed(oracle.output())
        assert [decode(frame, shared, they) for frame in reader] == [without_id(message) for message in sent]
        assert oracle.errors == []


def wire_of(kind: Type, body: bytes, caps: Capability) -> bytes:
    return header(caps).pack(kind, len(body), 5) + body


@untimed
@given(
    st.sampled_from([kind for kind in Type if kind not in ITS_OWN]),
    st.integers(0, 40).flatmap(lambda tail: st.binary(max_size=12 + tail)),
    capabilities,
)
def test_it_reads_a_packet_exactly_when_we_do(kind: Type, body: bytes, caps: Capability) -> None:
    oracle, shared = pair(Sender.HOST, caps, caps)
    with closing(oracle):
        wire = wire_of(kind, body, shared)
        oracle.feed(wire)
        try:
            ours = [without_id(decode(Frame(kind, 5, body), shared))]
        except RemoteProtocolError:
            ours = []
        assert oracle.received == ours
        assert bool(oracle.errors) == (not ours)


@untimed
@given(layouts, st.sampled_from(Speed), st.binary(max_size=20), capabilities)
def test_a_whole_session_passes_and_ends_with_its_acknowledgement(
    layout: Layout, speed: Speed, descriptor: bytes, caps: Capability
) -> None:
    session = Session("us")
    oracle = Oracle(Sender.GUEST, caps)
    with closing(oracle):
        oracle.feed(session.hello())
        assert list(session.receive(oracle.output())) == [(Type.HELLO, 0, ANY)]
        oracle.shared = session.caps
        sent = (ep_info(layout), interface_info(layout), device_connect(speed, descriptor), DeviceDisconnect())
        oracle.feed(b"".join(session.send(message) for message in sent))
        assert [message.TYPE for message in oracle.received] == [message.TYPE for message in sent]
        assert oracle.errors == []
        acknowledged = list(session.receive(oracle.output()))
        assert acknowledged == [(Type.DEVICE_DISCONNECT_ACK, 0, b"")]
        assert session.state is SessionState.IDLE


def test_the_types_are_those_of_the_header() -> None:
    names = {kind.name.lower() for kind in Type}
    text = Path("/usr/include/usbredirproto.h").read_text()
    listed = re.search(r"Control packets \*/(.*?)};", text, re.DOTALL)
    assert listed
    assert set(re.findall(r"usb_redir_(\w+)", listed[1])) == names
