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

from harness.channel.conversation import Conversation, Utterance
from harness.channel.events import BusReset, Cancelled, Completed, Connected, Disconnected, Submitted
from harness.channel.statuses import ERRNO
from usbfuzz.case.files import write_file
from usbfuzz.descriptors.constants import DIRECTION_IN
from usbfuzz.wire import Status, TransferType

from .pcapng import Packet, write_pcapng

__all__ = ["render_capture", "save_capture", "usbmon_packets"]

#: URB types as usbmon numbers them.
_TYPES = {
    TransferType.ISOCHRONOUS: 0,
    TransferType.INTERRUPT: 1,
    TransferType.CONTROL: 2,
    TransferType.BULK: 3,
}
#: struct mon_bin_hdr (drivers/usb/mon/mon_bin.c), without what follows the setup packet.
_HEADER = struct.Struct("<QBBBBHccqiiII")
_TAIL = struct.Struct("<iiII")  #: interval, start_frame, xfer_flags, ndesc
_NO_SETUP = bytes(8)
_MOST = 1 << 18  #: bytes of a packet: what Wireshark takes
#: A request the host gave up was killed there: usb_kill_urb() leaves another status than unlinking from outside.
_ERRNO = {**ERRNO, Status.CANCELLED: -errno.ENOENT}
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
    type: TransferType
    endpoint: int
    id: int
    status: int = 0
    setup: bytes = b""
    data: bytes = b""
    length: int = 0


@define
class _Monitor:
    """Turns events into packets; remembers what usbmon has to say of both ends of a transfer."""

    _address: dict[int, int] = field(factory=dict)
    _remarks: list[str] = field(factory=list)
    _pending: dict[tuple[int, int], Submitted] = field(factory=dict)  #: by port and id
    _pushed: int = 0

    def remark(self, text: str) -> None:
        """A comment for the next packet."""
        self._remarks.append(text)

    def hear(self, utterance: Utterance) -> Iterator[Packet]:
        port = utterance.port
        match utterance.event:
            case Connected(idVendor=vendor, idProduct=product):
                self._address[port] = self._address.get(port, 0) % 127 + 1
                self.remark(f"port {port}: {vendor:04x}:{product:04x} plugged in")
            case Disconnected():
                self.remark(f"port {port}: unplugged")
            case BusReset():
                self.remark(f"port {port}: bus reset")
            case Cancelled(id=number):
                self.remark(f"port {port}: the host gives up URB 0x{number:x}")
            case Submitted() as event:
                self._pending[port, event.id] = event
                yield self._packet(utterance, _submitted(event))
            case Completed() as event:
                yield self._packet(utterance, self._completed(event, self._pending.pop((port, event.id), None)))

    def _completed(self, event: Completed, asked: Submitted | None) -> _Urb:
        """Type and endpoint are what the channel says, else of what was asked, else of a control OUT transfer."""
        kind, endpoint, data, length = event.type, event.endpoint, event.data, event.length
        if kind is None or endpoint is None:
            kind, endpoint = (asked.type, asked.endpoint) if asked else (TransferType.CONTROL, 0)
            data, length = (data, len(data)) if endpoint & DIRECTION_IN else (b"", length)
        number = event.id
        if not number and kind is not TransferType.CONTROL:
            self._pushed += 1
            number = self._pushed << 48  # beyond the ids of requests
        return _Urb(
            submitted=False,
            type=kind,
            endpoint=endpoint,
            id=number,
            status=_ERRNO[event.status],
            data=data,
            length=length,
        )

    def _packet(self, utterance: Utterance, urb: _Urb) -> Packet:
        at = int(utterance.at * _NS)
        data = urb.data[: _MOST - 64]
        has_data = bool(data) or (urb.submitted != bool(urb.endpoint & 0x80))
        missing = b"<" if urb.endpoint & 0x80 else b">"
        head = _HEADER.pack(
            urb.id & 0xFFFFFFFFFFFFFFFF,
            ord("S" if urb.submitted else "C"),
            _TYPES[urb.type],
            urb.endpoint,
            self._address.get(utterance.port, 0),
            utterance.port + 1,
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


def _submitted(event: Submitted) -> _Urb:
    return _Urb(
        submitted=True,
        type=event.type,
        endpoint=event.endpoint,
        id=event.id,
        status=-errno.EINPROGRESS,
        setup=event.setup.pack() if event.setup else b"",
        data=event.data,
        length=event.length,
    )
