"""Requests of the guest that are owed exactly one answer.

:class:`harness.channel.pipes.Pipes` keeps the answers in order. A cancelled request is answered too, once: its id is a
guest address that QEMU uses again, and QEMU would take the answer to the next request with that id for the missing one.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, ClassVar

from usbfuzz.descriptors.constants import DIRECTION_IN, Recipient, StandardRequest
from usbfuzz.wire import Answer, Setup, Status

from .announce import ep_info, interface_info
from .constants import WIRE_STATUS, WireStatus
from .messages import AltSettingStatus, ConfigurationStatus
from .packets import InterruptPacket

if TYPE_CHECKING:
    from harness.channel.pipes import Pipe
    from usbfuzz.descriptors.layout import Layout
    from usbfuzz.device import Device

    from .fast import ControlFields
    from .session import Session

__all__ = ["AltSetting", "BulkTransfer", "Configuration", "ControlTransfer", "InterruptOut", "Transfer"]

#: Bytes of a control IN answer that QEMU has room for; it stalls longer ones (data_buf of USBDevice in hw/usb.h).
#: No request it lets through asks for more.
_MAX_CONTROL_IN = 4096

#: Interrupt OUT packets a device may leave unanswered. QEMU does not wait for them, so nothing else bounds the queue.
_MAX_INTERRUPT_OUT = 1024

_CONTROL_PIPE: Pipe = (0, 0)


class Transfer(ABC):
    """One request. ``id`` pairs it with its answer."""

    __slots__ = ("id", "pipe")

    MOST_WAITING: ClassVar[int | None] = None
    payload: bytes = b""

    def __init__(self, number: int, pipe: Pipe) -> None:
        self.id = number
        self.pipe = pipe

    @property
    def setup(self) -> Setup | None:
        """The setup packet of a control transfer."""
        return None

    @abstractmethod
    def ask(self, device: Device) -> Answer:
        """Put it to the device."""

    @abstractmethod
    def answer(self, session: Session, status: Status, data: bytes) -> bytes:
        """The packets that complete it; ``data`` is what an IN request returns, of any length."""


class ControlTransfer(Transfer):
    """A control transfer that QEMU does not handle itself."""

    __slots__ = ("_fields", "payload")

    def __init__(self, number: int, fields: ControlFields, payload: bytes) -> None:
        super().__init__(number, _CONTROL_PIPE)
        self._fields = fields
        self.payload = payload

    @property
    def setup(self) -> Setup:
        """The setup packet."""
        asked = self._fields
        return Setup(asked.bmRequestType, asked.bRequest, asked.wValue, asked.wIndex, asked.wLength)

    def ask(self, device: Device) -> Answer:
        """Through on_control."""
        return device.on_control(self.setup, self.payload)

    def answer(self, session: Session, status: Status, data: bytes) -> bytes:
        """QEMU cuts an answer to wLength, as a host controller would."""
        wire = WIRE_STATUS[status]
        if self._fields.endpoint & 0x80:
            return session.pack_control(self.id, self._fields, wire, 0, data[:_MAX_CONTROL_IN])
        return session.pack_control(self.id, self._fields, wire, 0 if wire else len(self.payload), b"")


class BulkTransfer(Transfer):
    """A bulk transfer in either direction."""

    __slots__ = ("_endpoint", "_length", "_stream", "payload")

    def __init__(self, number: int, endpoint: int, length: int, stream: int, payload: bytes) -> None:
        super().__init__(number, (endpoint, stream))
        self._endpoint = endpoint
        self._length = length
        self._stream = stream
        self.payload = payload

    def ask(self, device: Device) -> Answer:
        """Through on_in or on_out, or their counterparts for streams."""
        if self._endpoint & 0x80:
            if self._stream:
                return device.on_stream_in(self._endpoint, self._stream, self._length)
            return device.on_in(self._endpoint, self._length)
        if self._stream:
            return device.on_stream_out(self._endpoint, self._stream, self.payload)
        return device.on_out(self._endpoint, self.payload)

    def answer(self, session: Session, status: Status, data: bytes) -> bytes:
        """More data than asked for is cut, and is a babble."""
        wire = WIRE_STATUS[status]
        if not self._endpoint & 0x80:
            length, data = 0 if wire else self._length, b""
        else:
            length = 0
            if len(data) > self._length:
                data = data[: self._length]
                wire = wire or WireStatus.BABBLE
        return session.pack_bulk(self.id, self._endpoint, self._stream, wire, length, data)


class InterruptOut(Transfer):
    """An interrupt OUT packet. QEMU has already reported it done and only logs the answer."""

    __slots__ = ("payload",)

    MOST_WAITING = _MAX_INTERRUPT_OUT

    def __init__(self, packet: InterruptPacket) -> None:
        super().__init__(packet.id, (packet.endpoint, 0))
        self.payload = packet.payload

    def ask(self, device: Device) -> Answer:
        """Through on_out."""
        return device.on_out(self.pipe[0], self.payload)

    def answer(self, session: Session, status: Status, data: bytes) -> bytes:
        """Its status; there is no data."""
        del data
        wire = WIRE_STATUS[status]
        return session.send(InterruptPacket(self.pipe[0], wire, 0 if wire else len(self.payload), id=self.id))


def _described(session: Session, layout: Layout) -> bytes:
    """Interfaces and endpoints anew, ahead of the status of a change, as usbredirhost does."""
    return session.send(interface_info(layout)) + session.send(ep_info(layout))


class Configuration(Transfer):
    """SET_CONFIGURATION, or GET_CONFIGURATION when ``chosen`` is None."""

    __slots__ = ("_chosen", "_layout", "_now")

    def __init__(self, number: int, chosen: int | None = None) -> None:
        super().__init__(number, _CONTROL_PIPE)
        self._chosen = chosen
        self._now = chosen or 0
        self._layout: Layout | None = None

    @property
    def setup(self) -> Setup:
        """The setup packet that it was on the bus."""
        if self._chosen is None:
            return Setup(DIRECTION_IN, StandardRequest.GET_CONFIGURATION, 0, 0, 1)
        return Setup(0, StandardRequest.SET_CONFIGURATION, self._chosen, 0, 0)

    def ask(self, device: Device) -> Answer:
        """Through on_set_configuration, or the device's state."""
        answer = Answer()
        if self._chosen is not None:
            answer = device.on_set_configuration(self._chosen)
            self._layout = device.layout()
        self._now = device.configuration & 0xFF
        return answer

    def answer(self, session: Session, status: Status, data: bytes) -> bytes:
        """The configuration in effect, after what it consists of if it was set."""
        del data
        wire = WIRE_STATUS[status]
        change = b"" if wire or self._layout is None else _described(session, self._layout)
        return change + session.send(ConfigurationStatus(wire, self._now, id=self.id))


class AltSetting(Transfer):
    """SET_INTERFACE, or GET_INTERFACE when ``chosen`` is None."""

    __slots__ = ("_chosen", "_interface", "_layout", "_now")

    def __init__(self, number: int, interface: int, chosen: int | None = None) -> None:
        super().__init__(number, _CONTROL_PIPE)
        self._interface = interface
        self._chosen = chosen
        self._now = chosen or 0
        self._layout: Layout | None = None

    @property
    def setup(self) -> Setup:
        """The setup packet that it was on the bus."""
        if self._chosen is None:
            return Setup(DIRECTION_IN | Recipient.INTERFACE, StandardRequest.GET_INTERFACE, 0, self._interface, 1)
        return Setup(Recipient.INTERFACE, StandardRequest.SET_INTERFACE, self._chosen, self._interface, 0)

    def ask(self, device: Device) -> Answer:
        """Through on_set_interface, or the device's state."""
        answer = Answer()
        if self._chosen is not None:
            answer = device.on_set_interface(self._interface, self._chosen)
            self._layout = device.layout()
        self._now = device.alternate.get(self._interface, 0) & 0xFF
        return answer

    def answer(self, session: Session, status: Status, data: bytes) -> bytes:
        """The alternate setting in effect, after what it consists of if it was set."""
        del data
        wire = WIRE_STATUS[status]
        change = b"" if wire or self._layout is None else _described(session, self._layout)
        return change + session.send(AltSettingStatus(wire, self._interface, self._now, id=self.id))
