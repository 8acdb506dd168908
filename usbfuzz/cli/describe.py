"""One line for one message of a channel: what is asked, or how it was answered."""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING

from harness.usbip.messages import (
    Direction,
    ImportReply,
    ImportRequest,
    ListReply,
    ListRequest,
    Submit,
    Submitted,
    Unlink,
    Unlinked,
)
from harness.usbredir.constants import EndpointType, Sender, WireStatus
from harness.usbredir.messages import EpInfo, Hello, InterfaceInfo
from harness.usbredir.packets import BulkPacket, ControlPacket, InterruptPacket, IsoPacket
from usbfuzz.descriptors.constants import StandardRequest
from usbfuzz.wire import Setup

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harness.usbip.messages import Reply, Request
    from harness.usbredir.message import Message

__all__ = ["redir_line", "usbip_line"]

_BYTES_SHOWN = 24


def redir_line(sender: Sender, message: Message) -> str:
    """Of usbredir."""
    match message:
        case ControlPacket() if sender is Sender.GUEST:
            setup = Setup(message.requesttype, message.request, message.value, message.index, message.length)
            return _control(setup, message.payload)
        case ControlPacket() | BulkPacket() | InterruptPacket() | IsoPacket():
            kind = type(message).__name__.removesuffix("Packet").lower()
            where = "" if isinstance(message, ControlPacket) else f"0x{message.endpoint:02x}"
            status = WireStatus(message.status).name.lower() if message.status else ""
            return _joined(kind, where, status, _bytes(message.payload, message.length))
        case Hello():
            return _joined("hello", message.version.rstrip(b"\0").decode("ascii", "replace"))
        case EpInfo():
            return f"ep_info {', '.join(_endpoints(message)) or 'endpoint 0 only'}"
        case InterfaceInfo():
            return f"interface_info {', '.join(_interfaces(message)) or 'none'}"
        case _:
            values = (f"{name}={getattr(message, name)}" for name in message.FIELDS)
            return _joined(message.TYPE.name.lower(), *values)


def usbip_line(message: Request | Reply) -> str:
    """Of USB/IP."""
    match message:
        case Submit(ep=0):
            return _control(Setup.unpack(message.setup), message.data)
        case Submit():
            address = message.ep | message.direction << 7
            kind = "iso" if message.packets else "interrupt" if message.interval else "bulk"
            data = _bytes(message.data, message.length)
            what = data if message.direction is Direction.OUT else f"up to {message.length} bytes"
            return _joined(f"urb {message.seqnum}", kind, f"0x{address:02x}", what)
        case Submitted(seqnum=seqnum, status=status):
            return _joined(f"urb {seqnum}", _errno(status), _bytes(message.data, message.actual_length))
        case Unlinked(seqnum=seqnum, status=status):
            return _joined(f"unlink {seqnum}", _errno(status) or "too late")
        case ImportRequest(busid=busid):
            return f"import {busid}"
        case ImportReply(status=status):
            return f"import {status.name.lower().replace('_', ' ')}"
        case ListReply(devices=devices):
            return f"list {', '.join(device.busid for device in devices) or 'empty'}"
        case Unlink(seqnum=seqnum, unlink_seqnum=unlinked):
            return f"unlink {seqnum} of urb {unlinked}"
        case ListRequest():
            return "list"


def _control(setup: Setup, payload: bytes) -> str:
    request = setup.bRequest
    standard = not setup.bmRequestType & 0x60 and request in StandardRequest._value2member_map_
    name = StandardRequest(request).name if standard else f"request 0x{request:02x}"
    values = f"{setup.bmRequestType:02x} {request:02x} wValue {setup.wValue:04x} wIndex {setup.wIndex:04x}"
    data = f": {_bytes(payload, setup.wLength)}" if payload else f" wLength {setup.wLength}"
    return f"control {name} [{values}]{data}"


def _joined(*words: str) -> str:
    return " ".join(filter(None, words))


def _errno(status: int) -> str:
    return f"-{errno.errorcode.get(-status, str(-status))}" if status else ""


def _bytes(payload: bytes, length: int) -> str:
    shown = payload[:_BYTES_SHOWN].hex(" ")
    more = " …" if len(payload) > _BYTES_SHOWN else ""
    return f"{length} bytes {shown}{more}".rstrip()


def _endpoints(info: EpInfo) -> Iterator[str]:
    """Those that exist but for endpoint 0, which always does."""
    for at, kind in enumerate(info.type):
        if kind not in (EndpointType.CONTROL, EndpointType.INVALID):
            yield f"0x{at & 0x0F | (at & 0x10) << 3:02x} {EndpointType(kind).name.lower()} interval {info.interval[at]}"


def _interfaces(info: InterfaceInfo) -> Iterator[str]:
    triples = zip(info.interface_class, info.interface_subclass, info.interface_protocol, strict=True)
    for number, triple in list(zip(info.interface, triples, strict=True))[: info.interface_count]:
        yield f"{number} class {bytes(triple).hex('/')}"
