"""``usb.pcapng``: the conversation of a run as Linux' usbmon would have seen it in the guest.

What QEMU makes a message of its own (SET_CONFIGURATION and the like) is shown as the control transfer it was. QEMU
keeps to itself what it answers alone (SET_ADDRESS), and the polls of interrupt and isochronous IN endpoints: of those
only the answers are there. Each device has the number of its plug as address, each port is a bus. The times are ours:
a guest with a warped clock saw others.
"""

from __future__ import annotations

import errno
import struct
from collections.abc import Iterator
from pathlib import Path

from attrs import define, field, frozen

from harness.usbredir.constants import Sender, WireStatus
from harness.usbredir.messages import (
    AltSettingStatus,
    ConfigurationStatus,
    DeviceConnect,
    DeviceDisconnect,
    GetAltSetting,
    GetConfiguration,
    Reset,
    SetAltSetting,
    SetConfiguration,
)
from harness.usbredir.packets import BulkPacket, CancelDataPacket, ControlPacket, InterruptPacket, IsoPacket
from harness.usbredir.recorder import Conversation, Utterance
from usbfuzz.case.files import write_file
from usbfuzz.descriptors.constants import DIRECTION_IN, Recipient, StandardRequest
from usbfuzz.wire import Setup

from .pcapng import Packet, write_pcapng

__all__ = ["render_capture", "save_capture", "usbmon_packets"]

_ISOCHRONOUS, _INTERRUPT, _CONTROL, _BULK = range(4)  #: URB types as usbmon numbers them
#: struct mon_bin_hdr (drivers/usb/mon/mon_bin.c), without what follows the setup packet.
_HEADER = struct.Struct("<QBBBBHccqiiII")
_TAIL = struct.Struct("<iiII")  #: interval, start_frame, xfer_flags, ndesc
_NO_SETUP = bytes(8)
_MOST = 1 << 18  #: bytes of a packet: what Wireshark takes
_ERRNO: dict[int, int] = {
    WireStatus.SUCCESS: 0,
    WireStatus.CANCELLED: -errno.ENOENT,
    WireStatus.INVAL: -errno.EINVAL,
    WireStatus.IOERROR: -errno.EPROTO,
    WireStatus.STALL: -errno.EPIPE,
    WireStatus.TIMEOUT: -errno.ETIMEDOUT,
    WireStatus.BABBLE: -errno.EOVERFLOW,
}
_IN_ZERO, _OUT_ZERO = 0x80, 0x00
_NS = 1_000_000_000


def render_capture(conversation: Conversation, comment: str = "") -> bytes:
    """The bytes of usb.pcapng; none when nothing was recorded."""
    packets = list(usbmon_packets(conversation))
    return write_pcapng(packets, interface="usbmon0", comment=comment) if packets else b""


def save_capture(path: Path, conversation: Conversation) -> None:
    """Write a capture file, an empty one when nothing was said; raises StorageError."""
    write_file(path, write_pcapng(usbmon_packets(conversation), interface="usbmon0"))


def usbmon_packets(conversation: Conversation) -> Iterator[Packet]:
    """Submissions and completions in order. What happened in between is a comment on the next one."""
    monitor = _Monitor()
    for number, utterance in enumerate(conversation.utterances):
        if conversation.missing and number == conversation.first:
            monitor.remark(f"{conversation.missing} messages before this one were not kept")
        yield from monitor.hear(utterance)


@frozen
class _Urb:
    """One line of usbmon: what it is about, and its data."""

    submitted: bool
    kind: int
    endpoint: int
    id: int
    status: int = 0
    setup: bytes = b""
    data: bytes = b""
    length: int = 0


@define
class _Monitor:
    """Turns messages into packets; remembers what usbmon has to say of both ends of a transfer."""

    _address: dict[int, int] = field(factory=dict)
    _remarks: list[str] = field(factory=list)
    _reads: set[int] = field(factory=set)  #: ids of GET_CONFIGURATION and GET_INTERFACE
    _pushed: int = 0

    def remark(self, text: str) -> None:
        """A comment for the next packet."""
        self._remarks.append(text)

    def hear(self, one: Utterance) -> Iterator[Packet]:
        match one.message:
            case DeviceConnect(vendor_id=vendor, product_id=product):
                self._address[one.port] = self._address.get(one.port, 0) % 127 + 1
                self.remark(f"port {one.port}: {vendor:04x}:{product:04x} plugged in")
            case DeviceDisconnect():
                self.remark(f"port {one.port}: unplugged")
            case Reset():
                self.remark(f"port {one.port}: bus reset")
            case CancelDataPacket():
                self.remark(f"port {one.port}: the host gives up URB 0x{one.message.id:x}")
        urb = self._urb(one)
        if urb is not None:
            yield self._packet(one, urb)

    def _urb(self, one: Utterance) -> _Urb | None:
        asked, number = one.sender is Sender.GUEST, one.message.id
        match one.message:
            case ControlPacket() as packet:
                return _control(packet, asked=asked)
            case SetConfiguration(configuration=value):
                setup = Setup(0x00, StandardRequest.SET_CONFIGURATION, value, 0, 0)
                return _standard(setup, number)
            case GetConfiguration():
                self._reads.add(number)
                return _standard(Setup(DIRECTION_IN, StandardRequest.GET_CONFIGURATION, 0, 0, 1), number)
            case SetAltSetting(interface=interface, alt=alt):
                return _standard(Setup(Recipient.INTERFACE, StandardRequest.SET_INTERFACE, alt, interface, 0), number)
            case GetAltSetting(interface=interface):
                self._reads.add(number)
                kind = DIRECTION_IN | Recipient.INTERFACE
                return _standard(Setup(kind, StandardRequest.GET_INTERFACE, 0, interface, 1), number)
            case ConfigurationStatus(status=status, configuration=value) | AltSettingStatus(status=status, alt=value):
                return self._answered(number, status, bytes((value,)))
            case BulkPacket() | InterruptPacket() | IsoPacket() as packet:
                return self._data(packet, asked=asked)
        return None

    def _answered(self, number: int, status: int, value: bytes) -> _Urb:
        """The completion of what :func:`_standard` submitted."""
        data = value if number in self._reads and not status else b""
        endpoint = _IN_ZERO if number in self._reads else _OUT_ZERO
        self._reads.discard(number)
        return _Urb(
            submitted=False,
            kind=_CONTROL,
            endpoint=endpoint,
            id=number,
            status=_errno(status),
            data=data,
            length=len(data),
        )

    def _data(self, packet: BulkPacket | InterruptPacket | IsoPacket, *, asked: bool) -> _Urb:
        kinds = {BulkPacket: _BULK, InterruptPacket: _INTERRUPT, IsoPacket: _ISOCHRONOUS}
        number = packet.id
        if not asked and not number:
            self._pushed += 1
            number = self._pushed << 48  # beyond the ids of requests
        return _Urb(
            submitted=asked,
            kind=kinds[type(packet)],
            endpoint=packet.endpoint,
            id=number,
            status=-errno.EINPROGRESS if asked else _errno(packet.status),
            data=packet.payload,
            length=packet.length,
        )

    def _packet(self, one: Utterance, urb: _Urb) -> Packet:
        at = int(one.at * _NS)
        data = urb.data[: _MOST - 64]
        has_data = bool(data) or (urb.submitted != bool(urb.endpoint & 0x80))
        missing = b"<" if urb.endpoint & 0x80 else b">"
        head = _HEADER.pack(
            urb.id & 0xFFFFFFFFFFFFFFFF,
            ord("S" if urb.submitted else "C"),
            urb.kind,
            urb.endpoint,
            self._address.get(one.port, 0),
            one.port + 1,
            b"\0" if urb.setup else b"-",
            b"\0" if has_data else missing,
            at // _NS,
            at % _NS // 1000,
            urb.status,
            urb.length,
            len(data),
        )
        raw = head + (urb.setup or _NO_SETUP) + _TAIL.pack(0, 0, 0, 0) + data
        comment, self._remarks = "; ".join(self._remarks), []
        return Packet(at, raw, len(raw) - len(data) + len(urb.data), comment)


def _control(packet: ControlPacket, *, asked: bool) -> _Urb:
    setup = Setup(packet.requesttype, packet.request, packet.value, packet.index, packet.length)
    return _Urb(
        submitted=asked,
        kind=_CONTROL,
        endpoint=packet.endpoint & 0x80,
        id=packet.id,
        status=-errno.EINPROGRESS if asked else _errno(packet.status),
        setup=setup.pack() if asked else b"",
        data=packet.payload,
        length=packet.length,
    )


def _standard(setup: Setup, number: int) -> _Urb:
    endpoint = _IN_ZERO if setup.is_in else _OUT_ZERO
    return _Urb(
        submitted=True,
        kind=_CONTROL,
        endpoint=endpoint,
        id=number,
        status=-errno.EINPROGRESS,
        setup=setup.pack(),
        length=setup.wLength,
    )


def _errno(status: int) -> int:
    return _ERRNO.get(status, -errno.EPROTO)
