"""What listeners see of a USB/IP message: a line of text, and what it means on the bus."""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING

from attrs import frozen

from harness.channel import events
from harness.channel.lines import control_line, joined, shown_bytes
from harness.channel.statuses import ERRNO
from usbfuzz.wire import Setup, Status, TransferType

from .messages import (
    Direction,
    ImportRefusal,
    ImportReply,
    ImportRequest,
    ListReply,
    ListRequest,
    Submit,
    Submitted,
    Unlink,
    Unlinked,
)

if TYPE_CHECKING:
    from harness.channel.said import Sender

    from .messages import Reply, Request

__all__ = ["UsbipSaid", "usbip_event", "usbip_line"]

_STATUS = {error: status for status, error in ERRNO.items()}


@frozen
class UsbipSaid:
    """A message and who sent it (a :class:`harness.channel.said.Said`); the client is the guest."""

    sender: Sender
    message: Request | Reply

    def line(self) -> str:
        """One line of text."""
        return usbip_line(self.message)

    def event(self) -> events.Event | None:
        """What it means on the bus."""
        return usbip_event(self.message)


def usbip_line(message: Request | Reply) -> str:
    """One line of text."""
    match message:
        case Submit(ep=0):
            return control_line(Setup.unpack(message.setup), message.data)
        case Submit():
            address = message.ep | message.direction << 7
            data = shown_bytes(message.data, message.length)
            what = data if message.direction is Direction.OUT else f"up to {message.length} bytes"
            return joined(f"urb {message.seqnum}", _KINDS[_type(message)], f"0x{address:02x}", what)
        case Submitted(seqnum=seqnum, status=status):
            return joined(f"urb {seqnum}", _errno(status), shown_bytes(message.data, message.actual_length))
        case Unlinked(seqnum=seqnum, status=status):
            return joined(f"unlink {seqnum}", _errno(status) or "too late")
        case ImportRequest(busid=busid):
            return f"import {busid}"
        case ImportReply():
            return "import ok"
        case ImportRefusal(status=status):
            return f"import {status.name.lower().replace('_', ' ')}"
        case ListReply(devices=devices):
            return f"list {', '.join(device.busid for device in devices) or 'empty'}"
        case Unlink(seqnum=seqnum, unlink_seqnum=unlinked):
            return f"unlink {seqnum} of urb {unlinked}"
        case ListRequest():
            return "list"


_KINDS = {TransferType.ISOCHRONOUS: "iso", TransferType.INTERRUPT: "interrupt", TransferType.BULK: "bulk"}


def _type(submit: Submit) -> TransferType:
    """Nothing says it outright; only periodic URBs have an interval, and only isochronous ones packets."""
    if not submit.ep:
        return TransferType.CONTROL
    if submit.packets:
        return TransferType.ISOCHRONOUS
    return TransferType.INTERRUPT if submit.interval else TransferType.BULK


def _errno(status: int) -> str:
    return f"-{errno.errorcode.get(-status, str(-status))}" if status else ""


def usbip_event(message: Request | Reply) -> events.Event | None:
    """What the message means on the bus. An unlink's own reply means nothing there: it names no URB."""
    match message:
        case Submit():
            setup = None if message.ep else Setup.unpack(message.setup)
            endpoint = message.ep | message.direction << 7
            return events.Submitted(message.seqnum, _type(message), endpoint, message.length, setup, message.data)
        case Submitted(seqnum=seqnum, status=status):
            end = _STATUS.get(status, Status.IO_ERROR)
            return events.Completed(seqnum, end, message.actual_length, message.data)
        case Unlink(unlink_seqnum=unlinked):
            return events.Cancelled(unlinked)
        case ImportReply(device=device):
            return events.Connected(device.idVendor, device.idProduct)
    return None
