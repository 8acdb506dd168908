"""What listeners see of a usbredir message: a line of text, and what it means on the bus."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import frozen

from harness.channel import events
from harness.channel.lines import control_line, joined, shown_bytes
from harness.channel.said import Sender
from usbfuzz.descriptors.constants import DIRECTION_IN, Recipient, StandardRequest
from usbfuzz.wire import Setup, Status, TransferType

from .constants import WIRE_STATUS, EndpointType, WireStatus
from .messages import (
    AltSettingStatus,
    ConfigurationStatus,
    DeviceConnect,
    DeviceDisconnect,
    EpInfo,
    GetAltSetting,
    GetConfiguration,
    Hello,
    InterfaceInfo,
    Reset,
    SetAltSetting,
    SetConfiguration,
)
from .packets import BulkPacket, CancelDataPacket, ControlPacket, InterruptPacket, IsoPacket

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .message import Message

__all__ = ["RedirSaid", "redir_event", "redir_line"]

_STATUS = {int(wire): status for status, wire in WIRE_STATUS.items()}
_TYPES = {
    BulkPacket: TransferType.BULK,
    InterruptPacket: TransferType.INTERRUPT,
    IsoPacket: TransferType.ISOCHRONOUS,
}


@frozen
class RedirSaid:
    """A message and who sent it (a :class:`harness.channel.said.Said`)."""

    sender: Sender
    message: Message

    def line(self) -> str:
        """One line of text."""
        return redir_line(self.sender, self.message)

    def event(self) -> events.Event | None:
        """What it means on the bus."""
        return redir_event(self.sender, self.message)


def redir_line(sender: Sender, message: Message) -> str:
    """One line of text."""
    match message:
        case ControlPacket() if sender is Sender.GUEST:
            setup = Setup(message.requesttype, message.request, message.value, message.index, message.length)
            return control_line(setup, message.payload)
        case ControlPacket() | BulkPacket() | InterruptPacket() | IsoPacket():
            kind = type(message).__name__.removesuffix("Packet").lower()
            where = "" if isinstance(message, ControlPacket) else f"0x{message.endpoint:02x}"
            status = WireStatus(message.status).name.lower() if message.status else ""
            return joined(kind, where, status, shown_bytes(message.payload, message.length))
        case Hello():
            return joined("hello", message.version.rstrip(b"\0").decode("ascii", "replace"))
        case EpInfo():
            return f"ep_info {', '.join(_endpoints(message)) or 'endpoint 0 only'}"
        case InterfaceInfo():
            return f"interface_info {', '.join(_interfaces(message)) or 'none'}"
        case _:
            values = (f"{name}={getattr(message, name)}" for name in message.FIELDS)
            return joined(message.TYPE.name.lower(), *values)


def _endpoints(info: EpInfo) -> Iterator[str]:
    """Those that exist but for endpoint 0, which always does."""
    for at, kind in enumerate(info.type):
        if kind not in (EndpointType.CONTROL, EndpointType.INVALID):
            yield f"0x{at & 0x0F | (at & 0x10) << 3:02x} {EndpointType(kind).name.lower()} interval {info.interval[at]}"


def _interfaces(info: InterfaceInfo) -> Iterator[str]:
    triples = zip(info.interface_class, info.interface_subclass, info.interface_protocol, strict=True)
    for number, triple in list(zip(info.interface, triples, strict=True))[: info.interface_count]:
        yield f"{number} class {bytes(triple).hex('/')}"


def redir_event(sender: Sender, message: Message) -> events.Event | None:
    """What the message means on the bus; QEMU's own messages for standard requests are the control transfers again."""
    asked, number = sender is Sender.GUEST, message.id
    match message:
        case ControlPacket() if asked:
            setup = Setup(message.requesttype, message.request, message.value, message.index, message.length)
            endpoint = message.endpoint & DIRECTION_IN
            return events.Submitted(
                number, TransferType.CONTROL, endpoint, message.length, setup=setup, data=message.payload
            )
        case ControlPacket():
            endpoint = message.endpoint & DIRECTION_IN
            return _completed(message, TransferType.CONTROL, endpoint)
        case BulkPacket() | InterruptPacket() | IsoPacket() if asked:
            return events.Submitted(
                number, _TYPES[type(message)], message.endpoint, message.length, data=message.payload
            )
        case BulkPacket() | InterruptPacket() | IsoPacket():
            return _completed(message, _TYPES[type(message)], message.endpoint)
        case ConfigurationStatus(status=status, configuration=value) | AltSettingStatus(status=status, alt=value):
            end = _STATUS.get(status, Status.IO_ERROR)
            return events.Completed(number, end, 0, b"" if status else bytes((value,)))
        case DeviceConnect(vendor_id=vendor, product_id=product):
            return events.Connected(vendor, product)
        case DeviceDisconnect():
            return events.Disconnected()
        case Reset():
            return events.BusReset()
        case CancelDataPacket():
            return events.Cancelled(number)
    return _standard(message)


def _completed(
    packet: ControlPacket | BulkPacket | InterruptPacket | IsoPacket, kind: TransferType, endpoint: int
) -> events.Completed:
    status = _STATUS.get(packet.status, Status.IO_ERROR)
    return events.Completed(packet.id, status, packet.length, packet.payload, kind, endpoint)


def _standard(message: Message) -> events.Submitted | None:
    """The control request that QEMU turned into this message; None for all other messages."""
    match message:
        case SetConfiguration(configuration=value):
            setup = Setup(0, StandardRequest.SET_CONFIGURATION, value, 0, 0)
        case GetConfiguration():
            setup = Setup(DIRECTION_IN, StandardRequest.GET_CONFIGURATION, 0, 0, 1)
        case SetAltSetting(interface=interface, alt=alt):
            setup = Setup(Recipient.INTERFACE, StandardRequest.SET_INTERFACE, alt, interface, 0)
        case GetAltSetting(interface=interface):
            setup = Setup(DIRECTION_IN | Recipient.INTERFACE, StandardRequest.GET_INTERFACE, 0, interface, 1)
        case _:
            return None
    return events.Submitted(
        message.id, TransferType.CONTROL, setup.bmRequestType & DIRECTION_IN, setup.wLength, setup=setup
    )
