"""USB/IP bytes: any cut, any request; nothing a peer sends is believed before it is bounded."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.usbip.codec import MAX_LENGTH, MAX_PACKETS, RequestReader, encode
from harness.usbip.messages import (
    ImportRefusal,
    ImportReply,
    ImportRequest,
    IsoPacket,
    ListReply,
    ListRequest,
    OpStatus,
    Submit,
    Submitted,
    Unlink,
    Unlinked,
)
from usbfuzz.errors import ProtocolError

from .descriptions import DEVICE
from .peer import IN, submit_bytes, unlink_bytes

WORD = st.integers(0, 0xFFFFFFFF)


@st.composite
def submits(draw: st.DrawFn) -> tuple[bytes, tuple[object, ...]]:
    """The bytes of an URB, and what they say."""
    direction, ep, interval = draw(st.integers(0, 1)), draw(st.integers(0, 15)), draw(st.integers(0, 4096))
    data = draw(st.binary(max_size=64))
    iso = tuple(draw(st.lists(st.just((0, len(data))), max_size=3)))
    seqnum, flags, setup = draw(WORD), draw(WORD), draw(st.binary(min_size=8, max_size=8))
    sent = b"" if direction == IN else data
    raw = submit_bytes(seqnum, direction, ep, len(data), sent, setup=setup, interval=interval, flags=flags, iso=iso)
    return raw, (seqnum, direction, ep, flags, len(data), interval, setup, sent, iso)


def facts(submit: object) -> tuple[object, ...]:
    assert isinstance(submit, Submit)
    s = submit
    iso = tuple((packet.offset, packet.length) for packet in s.packets)
    return (s.seqnum, s.direction, s.ep, s.transfer_flags, s.length, s.interval, s.setup, s.data, iso)


@given(st.lists(submits(), max_size=5), st.integers(1, 60))
def test_urbs_cut_anywhere_are_read_as_they_were_sent(urbs: list[tuple[bytes, tuple[object, ...]]], cut: int) -> None:
    stream = b"".join(raw for raw, _ in urbs)
    reader, found = RequestReader(), []
    for at in range(0, len(stream), cut):
        reader.feed(stream[at : at + cut])
        while request := reader.command():
            found.append(facts(request))
    assert found == [fact for _, fact in urbs]


@given(st.binary(max_size=200))
def test_any_bytes_are_a_request_or_an_error_of_the_peer(raw: bytes) -> None:
    for read in (RequestReader.operation, RequestReader.command):
        reader = RequestReader()
        reader.feed(raw)
        try:
            while read(reader):
                pass
        except ProtocolError as error:
            assert str(error).startswith("The USB/IP client sent")  # noqa: PT017


def test_operations_are_read() -> None:
    reader = RequestReader()
    reader.feed(bytes.fromhex("0111 8005 00000000") + bytes.fromhex("0111 8003 00000000") + b"1-1".ljust(32, b"\0"))
    assert reader.operation() == ListRequest()
    assert reader.operation() == ImportRequest("1-1")
    assert reader.operation() is None


@pytest.mark.parametrize(
    "raw",
    [
        submit_bytes(1, 0, 2, MAX_LENGTH + 1),
        submit_bytes(1, 1, 2, 0xFFFFFFFF),
        submit_bytes(1, 2, 2, 0),
        submit_bytes(1, 1, 16, 0),
        submit_bytes(1, 1, 2, 8, iso=((0, 1),) * (MAX_PACKETS + 1)),
        submit_bytes(1, 1, 2, 8, iso=((4, 5),)),
        submit_bytes(1, 1, 2, 8, iso=((0xFFFFFFFF, 1),)),
        struct.pack(">IIIII28x", 9, 1, 1, 0, 0),
    ],
    ids=["too long", "negative", "no direction", "no endpoint", "packets", "packet", "offset", "command"],
)
def test_what_no_client_sends_is_refused(raw: bytes) -> None:
    reader = RequestReader()
    reader.feed(raw)
    with pytest.raises(ProtocolError):
        reader.command()


def test_a_client_that_says_all_ones_for_no_packets_is_understood_and_answered_alike() -> None:
    raw = bytearray(submit_bytes(1, 1, 2, 8))
    raw[32:36] = b"\xff" * 4
    reader = RequestReader()
    reader.feed(bytes(raw))
    submit = reader.command()
    assert isinstance(submit, Submit)
    assert (submit.number_of_packets, submit.packets) == (-1, ())
    assert encode(Submitted(1, 0, 0, 0, -1))[32:36] == b"\xff" * 4


def test_an_unlink_is_read() -> None:
    reader = RequestReader()
    reader.feed(unlink_bytes(9, 4))
    assert reader.command() == Unlink(9, 1 << 16 | 2, 4)


def test_replies_have_the_layout_of_the_protocol_description() -> None:
    words = struct.Struct(">IIIIIiiiii8x")
    iso = (IsoPacket(0, 4, 2), IsoPacket(4, 4, 0, -71))
    raw = encode(Submitted(7, -32, 2, 11, 2, b"ab", iso))
    assert words.unpack_from(raw) == (3, 7, 0, 0, 0, -32, 2, 11, 2, 1)
    assert raw[48:50] == b"ab"
    assert struct.unpack(">IIIiIIIi", raw[50:]) == (0, 4, 2, 0, 4, 4, 0, -71)
    assert encode(Unlinked(8, -104)) == struct.pack(">IIIIIi24x", 4, 8, 0, 0, 0, -104)


def test_a_list_and_an_import_describe_the_device() -> None:
    listed, imported = encode(ListReply((DEVICE,))), encode(ImportReply(DEVICE))
    assert listed[:12] == bytes.fromhex("0111 0005 00000000 00000001")
    assert imported[:8] == bytes.fromhex("0111 0003 00000000")
    assert listed[12 : 12 + 312] == imported[8:]
    assert listed[12 + 312 :] == bytes((7, 8, 9, 0))
    assert struct.unpack(">III", imported[8 + 288 : 8 + 300]) == (1, 2, 3)
    assert struct.unpack(">HHH6B", imported[8 + 300 :]) == (0x0627, 3, 0x0100, 2, 3, 4, 5, 6, 1)
    assert encode(ImportRefusal(OpStatus.BUSY)) == bytes.fromhex("0111 0003 00000002")
