"""The host behind a simulated network adapter, NCM's blocks, and the adapters' class requests, without a guest."""

from __future__ import annotations

import struct
from ipaddress import IPv4Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from usbfuzz.models.net.cdc import EcmAdapter, EthernetAdapter, NcmAdapter
from usbfuzz.models.net.eem import EemAdapter, pack_frame, unpack_packets
from usbfuzz.models.net.host import DhcpMessage, Host, checksum
from usbfuzz.models.net.ntb import pack_block, packed_size, unpack_block
from usbfuzz.wire import NAK, STALL, Answer, Setup, data

GUEST = bytes.fromhex("0200062700ff")
BROADCAST = b"\xff" * 6
HOST = Host()
US, THEM = HOST.lease.packed, HOST.address.packed

#: A request from 10.62.7.2 and its reply, as they are on the wire.
ARP_HEAD = bytes.fromhex("0001 0800 06 04")
ARP_REQUEST = BROADCAST + GUEST + b"\x08\x06" + ARP_HEAD + b"\0\1" + GUEST + US + bytes(6) + THEM
ARP_REPLY = GUEST + HOST.mac + b"\x08\x06" + ARP_HEAD + b"\0\2" + HOST.mac + THEM + GUEST + US


def _ip(protocol: int, payload: bytes, source: bytes = US, destination: bytes = THEM) -> bytes:
    head = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(payload), 1, 0, 64, protocol, 0) + source + destination
    head = head[:10] + struct.pack(">H", checksum(head)) + head[12:]
    return HOST.mac + GUEST + b"\x08\x00" + head + payload


def _ping(payload: bytes) -> bytes:
    body = struct.pack(">HH", 0x1234, 7) + payload
    return _ip(1, struct.pack(">BBH", 8, 0, checksum(b"\x08\0\0\0" + body)) + body)


def _dhcp(kind: int, options: bytes = b"", ciaddr: bytes = bytes(4)) -> bytes:
    bootp = struct.pack(">4BIHH4s12x6s202x4s", 1, 1, 6, 0, 0xCAFE, 0, 0, ciaddr, GUEST, bytes((99, 130, 83, 99)))
    message = bootp + bytes((53, 1, kind)) + options + b"\xff"
    udp = struct.pack(">HHHH", 68, 67, 8 + len(message), 0) + message
    return BROADCAST + _ip(17, udp, bytes(4), b"\xff" * 4)[6:]


def test_who_has_its_address_is_told() -> None:
    assert Host().receive(ARP_REQUEST) == ARP_REPLY


@pytest.mark.parametrize("frame", [ARP_REQUEST[:-1] + b"\x09", ARP_REQUEST[:-1], ARP_REPLY, GUEST + ARP_REQUEST[6:]])
def test_a_question_about_somebody_else_is_not_answered(frame: bytes) -> None:
    assert Host().receive(frame) is None


@given(payload=st.binary(max_size=1472), padding=st.binary(max_size=46))
def test_a_ping_comes_back_with_its_payload_and_right_checksums(payload: bytes, padding: bytes) -> None:
    host = Host()
    answer = host.receive(_ping(payload) + padding)
    assert answer is not None
    head, message = answer[14:34], answer[34:]
    assert answer[:14] == GUEST + HOST.mac + b"\x08\x00"
    assert (head[12:16], head[16:20], checksum(head)) == (THEM, US, 0)
    assert (message[:2], message[4:], checksum(message)) == (b"\0\0", struct.pack(">HH", 0x1234, 7) + payload, 0)
    assert host.pings == 1


@pytest.mark.parametrize("at", [14, 20, 24, 34, 36, 40])
def test_a_damaged_ping_is_dropped(at: int) -> None:
    frame = bytearray(_ping(b"hello"))
    frame[at] ^= 0x20
    assert Host().receive(bytes(frame)) is None


def _answered(host: Host, frame: bytes) -> tuple[int, bytes] | None:
    """DHCP message type and yiaddr of the reply."""
    reply = host.receive(frame)
    if reply is None:
        return None
    assert reply[:6] == GUEST
    assert reply[30:34] == b"\xff" * 4
    bootp = reply[42:]
    assert bootp[:1] == b"\x02"
    assert bootp[4:8] == struct.pack(">I", 0xCAFE)
    assert bootp[236:242] == bytes((99, 130, 83, 99, 53, 1))
    return bootp[242], bootp[16:20]


def test_dhcp_offers_its_lease_and_acknowledges_it() -> None:
    host, wanted = Host(), b"\x32\x04" + US
    assert _answered(host, _dhcp(DhcpMessage.DISCOVER)) == (DhcpMessage.OFFER, US)
    assert _answered(host, _dhcp(DhcpMessage.REQUEST, wanted + b"\x36\x04" + THEM)) == (DhcpMessage.ACK, US)
    assert _answered(host, _dhcp(DhcpMessage.REQUEST, ciaddr=US)) == (DhcpMessage.ACK, US)
    assert _answered(host, _dhcp(DhcpMessage.INFORM)) == (DhcpMessage.ACK, bytes(4))
    assert host.leases == 2


def test_dhcp_refuses_another_address_and_leaves_another_servers_clients_alone() -> None:
    other = IPv4Address("192.0.2.1").packed
    assert _answered(Host(), _dhcp(DhcpMessage.REQUEST, b"\x32\x04" + other)) == (DhcpMessage.NAK, bytes(4))
    assert _answered(Host(), _dhcp(DhcpMessage.REQUEST, b"\x32\x04" + US + b"\x36\x04" + other)) is None
    assert _answered(Host(), _dhcp(7)) is None


@given(frame=st.binary(max_size=400))
def test_no_frame_raises(frame: bytes) -> None:
    Host().receive(frame)
    Host().receive(HOST.mac + GUEST + b"\x08\x00" + frame)
    Host().receive(_ip(17, struct.pack(">HHHH", 68, 67, 0, 0) + frame))
    Host().receive(_dhcp(1, frame))


# NCM blocks


@given(frames=st.lists(st.binary(min_size=1, max_size=1514), max_size=8), sequence=st.integers(0, 1 << 20))
def test_a_block_holds_its_frames_in_order(frames: list[bytes], sequence: int) -> None:
    block = pack_block(frames, sequence)
    assert len(block) == packed_size(frames)
    assert block[8:10] == struct.pack("<H", len(block))
    assert list(unpack_block(block)) == frames


@given(block=st.binary(max_size=200), at=st.integers(0, 200))
def test_no_block_raises_and_none_yields_what_is_outside(block: bytes, at: int) -> None:
    hostile = b"NCMH" + struct.pack("<HHHH", 12, 0, 0, 12) + b"NCM0" + block
    for tried in (block, hostile, hostile[:at]):
        assert all(len(frame) <= len(tried) for frame in unpack_block(tried))


def test_tables_that_point_at_each_other_end() -> None:
    table = b"NCM0" + struct.pack("<HHHHHH", 16, 12, 12, 4, 0, 0)
    block = b"NCMH" + struct.pack("<HHHH", 12, 0, 28, 12) + table
    assert 1 < len(list(unpack_block(block))) < 100


# The adapters


def _up(model: type[EthernetAdapter]) -> EthernetAdapter:
    adapter = model()
    adapter.on_set_configuration(1)
    adapter.on_set_interface(1, 1)
    return adapter


@pytest.mark.parametrize("model", [EcmAdapter, NcmAdapter])
def test_the_link_comes_up_with_the_data_interface(model: type[EthernetAdapter]) -> None:
    adapter = model()
    adapter.on_set_configuration(1)
    assert adapter.on_in(0x83, 16) == NAK
    assert adapter.layout().endpoints[0].bEndpointAddress == 0x83
    assert len(adapter.layout().endpoints) == 1
    adapter.on_set_interface(1, 1)
    assert len(adapter.layout().endpoints) == 3
    assert adapter.on_in(0x83, 16).data[:2] == b"\xa1\x2a"
    assert adapter.on_in(0x83, 16) == data(bytes.fromhex("a1 00 0100 0000 0000"))
    adapter.set_link(False)
    assert adapter.on_in(0x83, 16) == data(bytes.fromhex("a1 00 0000 0000 0000"))


def test_ecm_moves_a_frame_a_transfer() -> None:
    adapter = _up(EcmAdapter)
    adapter.on_out(0x02, b"")
    assert adapter.on_in(0x81, 2048) == NAK
    adapter.on_out(0x02, ARP_REQUEST)
    assert adapter.on_in(0x81, 2048) == data(ARP_REPLY)


def test_ncm_packs_what_fits_into_a_block() -> None:
    adapter = _up(NcmAdapter)
    adapter.on_out(0x02, pack_block([ARP_REQUEST] * 5, 0))
    first = adapter.on_in(0x81, 200).data
    assert list(unpack_block(first)) == [ARP_REPLY] * 3
    assert list(unpack_block(adapter.on_in(0x81, 200).data)) == [ARP_REPLY] * 2
    assert adapter.on_in(0x81, 200) == NAK


def test_ncm_takes_an_input_size_within_its_parameters_only() -> None:
    adapter = _up(NcmAdapter)
    read, write = Setup(0xA1, 0x85, 0, 0, 4), Setup(0x21, 0x86, 0, 0, 4)
    for wrong in (0, 2047, 16385, 0xFFFFFFFF):
        assert adapter.on_control(write, struct.pack("<I", wrong)) == STALL
    assert adapter.on_control(write, struct.pack("<I", 4096)) == Answer()
    assert adapter.on_control(read, b"") == data(struct.pack("<I", 4096))
    parameters = adapter.on_control(Setup(0xA1, 0x80, 0, 0, 28), b"").data
    assert struct.unpack_from("<HHI", parameters) == (28, 1, 16384)
    assert len(parameters) == 28


# EEM


@given(frames=st.lists(st.binary(max_size=1514), max_size=5))
def test_packets_of_a_transfer_are_told_apart(frames: list[bytes]) -> None:
    raw = b"".join(map(pack_frame, frames))
    assert [contents[:-4] for _, contents in unpack_packets(raw)] == frames


@given(raw=st.binary(max_size=100))
def test_no_transfer_raises(raw: bytes) -> None:
    assert sum(2 + len(contents) for _, contents in unpack_packets(raw)) <= len(raw)
    EemAdapter().on_out(0x02, raw)


def test_an_echo_command_comes_back_as_its_response() -> None:
    adapter = EemAdapter()
    adapter.on_out(0x02, b"\x02\x80hi" + pack_frame(ARP_REQUEST) + b"\0\0")
    assert adapter.on_in(0x81, 2048) == data(b"\x02\x88hi")
    assert adapter.on_in(0x81, 2048) == data(pack_frame(ARP_REPLY))
    assert adapter.on_in(0x81, 2048) == NAK
