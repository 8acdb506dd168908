"""The codec loses nothing, cuts a stream wherever it was split, and answers garbage with ProtocolError alone."""

from __future__ import annotations

from contextlib import suppress
from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from harness.channel.said import Sender
from harness.usbredir.codec import (
    MAX_LENGTH,
    Frame,
    FrameReader,
    LocalProtocolError,
    RemoteProtocolError,
    decode,
    encode,
    header,
)
from harness.usbredir.constants import Capability, Type
from harness.usbredir.message import MESSAGES, NOTHING, Message
from harness.usbredir.messages import DeviceConnect, EpInfo, FilterReject, Hello, InterfaceInfo, Reset, SetConfiguration
from harness.usbredir.packets import BulkPacket, ControlPacket, InterruptPacket, InterruptReceivingStatus, IsoPacket
from usbfuzz.errors import ProtocolError

from .strategies import capabilities, messages, senders, untimed

EVERYTHING = Capability(0xFF)


def frames(data: bytes, caps: Capability, cuts: list[int] | None = None) -> list[Frame]:
    """What a reader finds in bytes that arrive cut at these places."""
    reader = FrameReader(caps)
    found: list[Frame] = []
    places = sorted({0, len(data), *(cut % (len(data) + 1) for cut in cuts or [])})
    for start, end in pairwise(places):
        reader.feed(data[start:end])
        found += list(reader)
    return found


@untimed
@given(st.data(), capabilities, senders, st.lists(st.integers(0), max_size=20))
def test_any_messages_survive_the_wire_however_it_is_cut(
    data: st.DataObject, caps: Capability, sender: Sender, cuts: list[int]
) -> None:
    sent = data.draw(st.lists(messages(caps, sender), max_size=5))
    wire = b"".join(encode(message, caps, sender) for message in sent)
    assert [decode(frame, caps, sender) for frame in frames(wire, caps, cuts)] == sent


@untimed
@given(st.binary(max_size=300), capabilities, senders, st.lists(st.integers(0), max_size=5))
@example(b"\xff" * 12, NOTHING, Sender.HOST, [])
def test_arbitrary_bytes_raise_nothing_but_a_protocol_error(
    data: bytes, caps: Capability, sender: Sender, cuts: list[int]
) -> None:
    with suppress(ProtocolError):
        for frame in frames(data, caps, cuts):
            assert isinstance(decode(frame, caps, sender), Message)


@untimed
@given(st.sampled_from(sorted(MESSAGES)), st.binary(max_size=320), capabilities, senders)
def test_arbitrary_bodies_of_known_types_decode_to_what_encodes_to_them_or_raise_a_protocol_error(
    kind: int, body: bytes, caps: Capability, sender: Sender
) -> None:
    try:
        message = decode(Frame(kind, 7, body), caps, sender)
    except ProtocolError:
        return
    assert encode(message, caps, sender)[header(caps).size :] == body


def test_a_single_message_fed_byte_by_byte_comes_out_with_its_last_byte() -> None:
    wire = encode(SetConfiguration(5, id=9), EVERYTHING, Sender.GUEST)
    reader = FrameReader(EVERYTHING)
    seen = []
    for at in range(len(wire)):
        reader.feed(wire[at : at + 1])
        seen.append(list(reader))
    assert seen == [[]] * (len(wire) - 1) + [[(Type.SET_CONFIGURATION, 9, b"\5")]]


def test_the_header_grows_between_two_frames_when_the_reader_is_told() -> None:
    wire = encode(Hello.of("x", EVERYTHING), NOTHING, Sender.GUEST) + encode(
        Reset(id=1 << 40), EVERYTHING, Sender.GUEST
    )
    reader = FrameReader()
    reader.feed(wire)
    seen = []
    for frame in reader:
        reader.use(EVERYTHING)
        seen.append((frame.type, frame.id))
    assert seen == [(Type.HELLO, 0), (Type.RESET, 1 << 40)]


def test_a_length_beyond_the_cap_is_refused_before_any_of_it_arrives() -> None:
    reader = FrameReader()
    reader.feed(header(NOTHING).pack(Type.BULK_PACKET, MAX_LENGTH + 1, 0))
    with pytest.raises(RemoteProtocolError, match="announced a packet of"):
        list(reader)


@pytest.mark.parametrize(
    ("caps", "size"),
    [
        (NOTHING, 8),
        (Capability.CONNECT_DEVICE_VERSION, 10),
    ],
)
def test_device_connect_has_a_version_only_when_both_sides_know_it(caps: Capability, size: int) -> None:
    assert len(encode(DeviceConnect(2, 1, 2, 3, 4, 5, 6), caps)) == header(caps).size + size


@pytest.mark.parametrize(
    ("caps", "size"),
    [
        (NOTHING, 96),
        (Capability.EP_INFO_MAX_PACKET_SIZE, 160),
        (Capability.EP_INFO_MAX_PACKET_SIZE | Capability.BULK_STREAMS, 288),
    ],
)
def test_ep_info_has_three_sizes(caps: Capability, size: int) -> None:
    info = EpInfo(bytes(32), bytes(32), bytes(32), (64,) * 32, (0,) * 32)
    assert len(encode(info, caps)) == header(caps).size + size


@pytest.mark.parametrize(("caps", "size"), [(NOTHING, 8), (Capability.BULK_LENGTH_32BITS, 10)])
def test_a_bulk_packet_has_a_wide_length_only_when_both_sides_know_it(caps: Capability, size: int) -> None:
    assert len(encode(BulkPacket(1, 0, 0, 0), caps)) == header(caps).size + size


def test_a_hello_without_capabilities_announces_none() -> None:
    assert Hello(bytes(64)).capabilities == NOTHING


def test_bulk_streams_without_packet_sizes_are_not_believed() -> None:
    assert Hello.of("x", Capability.BULK_STREAMS | Capability.FILTER).capabilities == Capability.FILTER


@pytest.mark.parametrize(
    ("message", "why"),
    [
        (ControlPacket(0x80, 6, 0x80, 0, 0, 0, 5, payload=b"1234"), "4 bytes, length 5"),
        (ControlPacket(0x00, 6, 0x00, 0, 0, 0, 4, payload=b"1234"), "data against the direction of endpoint 0x00"),
        (BulkPacket(0x02, 0, 1, 0, payload=b"1"), "data against the direction of endpoint 0x02"),
        (BulkPacket(0x82, 0, (128 << 20) + 1, 0), "exceeds"),
        (BulkPacket(0x02, 0, 1 << 40, 0), "a field does not fit"),
        (IsoPacket(0x02, 0, 0), "it cannot be sent against the direction"),
        (InterruptPacket(0x81, 0, 0x10000, payload=bytes(0x10000)), "a field does not fit"),
        (InterruptReceivingStatus(0, 0x01), "not an IN endpoint"),
        (InterfaceInfo(33, bytes(32), bytes(32), bytes(32), bytes(32)), "33 interfaces exceed 32"),
        (EpInfo(bytes(32), bytes(32), bytes(32), (64,) * 31, (0,) * 32), "a field does not fit"),
        (Reset(), "the host side never sends it"),
        (FilterReject(), "the host side never sends it"),
        (Hello(b"short"), "the version is 5 bytes long"),
    ],
)
def test_what_the_reference_parser_would_refuse_is_never_encoded(message: Message, why: str) -> None:
    with pytest.raises(LocalProtocolError, match=why) as raised:
        encode(message, EVERYTHING)
    assert message.TYPE.name.lower() in str(raised.value)


def test_a_message_that_needs_an_unshared_capability_is_refused_both_ways() -> None:
    with pytest.raises(LocalProtocolError, match="FILTER capability is not shared"):
        encode(FilterReject(), NOTHING, Sender.GUEST)
    with pytest.raises(RemoteProtocolError, match="FILTER capability is not shared"):
        decode(Frame(Type.FILTER_REJECT, 0, b""), NOTHING, Sender.GUEST)
