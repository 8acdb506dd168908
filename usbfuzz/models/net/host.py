"""The other end of a simulated network adapter's cable: one IPv4 host that answers ARP, DHCP and ping.

Frames are Ethernet II without the frame check sequence. What is not understood is dropped, as on any network: the
frames come from a kernel under attack.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from enum import IntEnum
from ipaddress import IPv4Address

from attrs import define

__all__ = ["DhcpMessage", "Host", "checksum"]

_IPV4, _ARP = 0x0800, 0x0806  #: EtherType
_ICMP, _UDP = 1, 17  #: protocol
_ECHO_REPLY, _ECHO_REQUEST = 0, 8  #: ICMP type
_ARP_REQUEST, _ARP_REPLY = 1, 2
_ARP_HEAD = struct.pack(">HHBB", 1, _IPV4, 6, 4)  #: of IPv4 on Ethernet
_DHCP_SERVER, _DHCP_CLIENT = 67, 68  #: ports
_BOOTREQUEST, _BOOTREPLY = 1, 2
_BOOTP = struct.Struct(">4B4s2H4s4s4s4s16s64s128s4s")  #: up to and with the cookie
_COOKIE = bytes((99, 130, 83, 99))
_BROADCAST = b"\xff" * 6
_LEASE_S = 86400
_NOWHERE, _ADDRESS, _NETMASK = IPv4Address(0), IPv4Address("10.62.7.1"), IPv4Address("255.255.255.0")


class _Option(IntEnum):
    """DHCP options, RFC 2132."""

    PAD = 0
    SUBNET_MASK = 1
    ROUTER = 3
    REQUESTED_ADDRESS = 50
    LEASE_TIME = 51
    MESSAGE_TYPE = 53
    SERVER_IDENTIFIER = 54
    END = 255


class DhcpMessage(IntEnum):
    """DHCP message types, RFC 2132 §9.6."""

    DISCOVER = 1
    OFFER = 2
    REQUEST = 3
    ACK = 5
    NAK = 6
    INFORM = 8


def checksum(data: bytes) -> int:
    """The internet checksum, RFC 1071."""
    if len(data) % 2:
        data += b"\0"
    total: int = sum(struct.unpack(f">{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


@define
class Host:
    """A host, and the one lease it gives to whoever asks."""

    mac: bytes = b"\x02\x00\x06\x27\x00\x01"
    address: IPv4Address = _ADDRESS
    lease: IPv4Address = _ADDRESS + 1
    netmask: IPv4Address = _NETMASK
    pings: int = 0  #: echo requests answered
    leases: int = 0  #: DHCP requests acknowledged

    def receive(self, frame: bytes) -> bytes | None:
        """The frame that answers this one; None when there is no answer."""
        if len(frame) < 14 or frame[:6] not in {self.mac, _BROADCAST}:
            return None
        source, kind, packet = frame[6:12], int.from_bytes(frame[12:14], "big"), frame[14:]
        if kind == _ARP:
            answer = self._arp(packet)
        elif kind == _IPV4:
            answer = self._ipv4(packet)
        else:
            answer = None
        return None if answer is None else source + self.mac + struct.pack(">H", kind) + answer

    def _arp(self, packet: bytes) -> bytes | None:
        """Answer a request for our hardware address. RFC 826."""
        if len(packet) < 28 or packet[:8] != _ARP_HEAD + struct.pack(">H", _ARP_REQUEST):
            return None
        if packet[24:28] != self.address.packed:
            return None
        return _ARP_HEAD + struct.pack(">H", _ARP_REPLY) + self.mac + self.address.packed + packet[8:18]

    def _ipv4(self, packet: bytes) -> bytes | None:
        """Whole packets only: fragments are dropped. RFC 791."""
        if len(packet) < 20 or packet[0] >> 4 != 4:
            return None
        header, total = (packet[0] & 0x0F) * 4, int.from_bytes(packet[2:4], "big")
        if not 20 <= header <= total <= len(packet) or packet[6] & 0x3F or packet[7] or checksum(packet[:header]):
            return None
        payload, source, destination = packet[header:total], packet[12:16], packet[16:20]
        if packet[9] == _ICMP and destination == self.address.packed:
            return self._wrap(_ICMP, source, self._icmp(payload))
        if packet[9] == _UDP and payload[:4] == struct.pack(">HH", _DHCP_CLIENT, _DHCP_SERVER):
            return self._wrap(_UDP, b"\xff" * 4, self._dhcp(payload[8:]))
        return None

    def _wrap(self, protocol: int, destination: bytes, payload: bytes | None) -> bytes | None:
        if payload is None:
            return None
        head = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(payload), 0, 0, 64, protocol, 0)
        head += self.address.packed + destination
        return head[:10] + struct.pack(">H", checksum(head)) + head[12:] + payload

    def _icmp(self, message: bytes) -> bytes | None:
        """Echo. RFC 792."""
        if len(message) < 8 or message[:2] != bytes((_ECHO_REQUEST, 0)) or checksum(message):
            return None
        self.pings += 1
        body = message[4:]
        return struct.pack(">BBH", _ECHO_REPLY, 0, checksum(bytes(4) + body)) + body

    def _dhcp(self, message: bytes) -> bytes | None:
        """The one lease, from DISCOVER to ACK; other messages are not answered. RFC 2131 §4.3."""
        if (
            len(message) < _BOOTP.size
            or message[0] != _BOOTREQUEST
            or message[_BOOTP.size - 4 : _BOOTP.size] != _COOKIE
        ):
            return None
        options = _options(message[_BOOTP.size :])
        mine = self.address.packed
        if options.get(_Option.SERVER_IDENTIFIER, mine) != mine:
            return None
        match int.from_bytes(options.get(_Option.MESSAGE_TYPE, b""), "big"):
            case DhcpMessage.DISCOVER:
                return self._dhcp_reply(message, DhcpMessage.OFFER, self.lease)
            case DhcpMessage.REQUEST if options.get(_Option.REQUESTED_ADDRESS, message[12:16]) == self.lease.packed:
                self.leases += 1
                return self._dhcp_reply(message, DhcpMessage.ACK, self.lease)
            case DhcpMessage.REQUEST:
                return self._dhcp_reply(message, DhcpMessage.NAK, _NOWHERE)
            case DhcpMessage.INFORM:
                return self._dhcp_reply(message, DhcpMessage.ACK, _NOWHERE)
        return None

    def _dhcp_reply(self, request: bytes, kind: DhcpMessage, address: IPv4Address) -> bytes:
        _, htype, hlen, _, xid, _, flags, ciaddr, _, _, giaddr, chaddr, *_ = _BOOTP.unpack_from(request)
        head = _BOOTP.pack(
            _BOOTREPLY,
            htype,
            hlen,
            0,
            xid,
            0,
            flags,
            ciaddr,
            address.packed,
            bytes(4),
            giaddr,
            chaddr,
            b"",
            b"",
            _COOKIE,
        )
        options = {_Option.MESSAGE_TYPE: bytes((kind,)), _Option.SERVER_IDENTIFIER: self.address.packed}
        if kind is not DhcpMessage.NAK:
            options |= {
                _Option.SUBNET_MASK: self.netmask.packed,
                _Option.ROUTER: self.address.packed,
                _Option.LEASE_TIME: struct.pack(">I", _LEASE_S),
            }
        body = head + b"".join(bytes((code, len(value))) + value for code, value in options.items())
        body += bytes((_Option.END,))
        # A UDP checksum of 0 is none at all. RFC 768.
        return struct.pack(">HHHH", _DHCP_SERVER, _DHCP_CLIENT, 8 + len(body), 0) + body


def _options(raw: bytes) -> Mapping[int, bytes]:
    """The first value of each option, up to where they end or are cut."""
    found: dict[int, bytes] = {}
    at = 0
    while at < len(raw) and raw[at] != _Option.END:
        if raw[at] == _Option.PAD:
            at += 1
            continue
        length = raw[at + 1] if at + 1 < len(raw) else 0
        found.setdefault(raw[at], raw[at + 2 : at + 2 + length])
        at += 2 + length
    return found
