"""URBs of the client's kernel, each owed one reply, and the rate at which periodic endpoints are polled."""

from __future__ import annotations

import math
import time
from abc import ABC, abstractmethod
from errno import EOVERFLOW, EREMOTEIO
from typing import TYPE_CHECKING, ClassVar

from harness.channel.statuses import ERRNO
from usbfuzz.descriptors.constants import Recipient, StandardRequest
from usbfuzz.wire import Answer, Setup, Speed, Status

from .messages import Direction, IsoPacket, Submit, Submitted

if TYPE_CHECKING:
    from harness.channel.pipes import Pipe
    from usbfuzz.device import Device

__all__ = ["ControlUrb", "DataUrb", "IsoUrb", "Pace", "Urb", "frame_s"]

_SHORT_NOT_OK = 0x0001  #: URB_SHORT_NOT_OK of include/linux/usb.h
_LAG_S = 0.1  #: seconds: how far behind a periodic endpoint may be and still catch up
_MS = 1000


def frame_s(speed: Speed) -> float:
    """Seconds of the unit in which an URB's interval counts: a frame, or a microframe. USB 2.0 §4.4."""
    return 0.000125 if speed in (Speed.HIGH, Speed.SUPER) else 0.001


class Pace:
    """When a periodic endpoint moves its next packet."""

    def __init__(self) -> None:
        self._due = 0.0

    def begin(self) -> float:
        """The time, in seconds of the monotonic clock, at which the endpoint is free; it forgets a long delay."""
        now = time.monotonic()
        if self._due < now - _LAG_S:
            self._due = now
        return self._due

    def occupy(self, until: float) -> None:
        """The endpoint is taken until then."""
        self._due = until


def _wait(until: float) -> Answer | None:
    """The answer by which the queue asks again at the time given; None when that has come."""
    ms = math.floor((until - time.monotonic()) * _MS)
    return Answer(Status.NAK, delay_ms=ms) if ms > 0 else None


class Urb(ABC):
    """One URB. ``id`` is its seqnum; URBs of a pipe are answered in order."""

    MOST_WAITING: ClassVar[int | None] = None  #: the exporter bounds what a client may have outstanding in all

    def __init__(self, submit: Submit, speed: Speed, pace: Pace) -> None:
        self.id = submit.seqnum
        self.submit = submit
        self.address = submit.ep | (0x80 if submit.direction is Direction.IN and submit.ep else 0)
        self.pipe: Pipe = (self.address, 0)
        self._pace = pace
        self._period = submit.interval * frame_s(speed)

    @property
    def payload(self) -> bytes:
        """What an OUT transfer sends."""
        return self.submit.data

    @property
    def setup(self) -> Setup | None:
        """The setup packet of a control transfer."""
        return None

    @abstractmethod
    def ask(self, device: Device) -> Answer:
        """Put it to the device."""

    def reply(self, status: Status, data: bytes) -> Submitted:
        """What the client gets: more data than it has room for is cut, and is a babble but for endpoint 0."""
        submit, result = self.submit, ERRNO[status]
        if submit.direction is Direction.OUT:
            return self._done(result, b"", 0 if result else submit.length)
        if len(data) > submit.length:
            data = data[: submit.length]
            result = result or (-EOVERFLOW if submit.ep else 0)
        elif len(data) < submit.length and submit.transfer_flags & _SHORT_NOT_OK:
            result = result or -EREMOTEIO
        return self._done(result, data, len(data))

    def _done(self, result: int, data: bytes, length: int, packets: tuple[IsoPacket, ...] = ()) -> Submitted:
        submit = self.submit
        return Submitted(self.id, result, length, submit.start_frame, submit.number_of_packets, data, packets)


class ControlUrb(Urb):
    """A control transfer, standard requests too: QEMU handles some itself, USB/IP passes on all."""

    @property
    def setup(self) -> Setup:
        """The setup packet."""
        return Setup.unpack(self.submit.setup)

    def ask(self, device: Device) -> Answer:
        """Through on_set_configuration and on_set_interface, else on_control."""
        setup = self.setup
        match setup.bmRequestType, setup.bRequest:
            case 0, StandardRequest.SET_ADDRESS:
                return Answer()
            case 0, StandardRequest.SET_CONFIGURATION:
                return device.on_set_configuration(setup.wValue & 0xFF)
            case Recipient.INTERFACE, StandardRequest.SET_INTERFACE:
                return device.on_set_interface(setup.wIndex & 0xFF, setup.wValue & 0xFF)
            case _:
                return device.on_control(setup, self.submit.data)


class DataUrb(Urb):
    """A bulk transfer, or an interrupt transfer: that one has an interval, and keeps it."""

    def ask(self, device: Device) -> Answer:
        """Through on_in or on_out."""
        begin = self._pace.begin() if self._period else 0.0
        if self._period and (early := _wait(begin)):
            return early
        if self.submit.direction is Direction.OUT:
            answer = device.on_out(self.address, self.submit.data)
        else:
            answer = device.on_in(self.address, self.submit.length)
        if self._period and answer.status is not Status.NAK:
            self._pace.occupy(begin + self._period)
        return answer


class IsoUrb(Urb):
    """An isochronous transfer: several packets, one each interval, each with a status of its own."""

    _ready: float | None = None
    _packets: tuple[IsoPacket, ...] = ()

    def ask(self, device: Device) -> Answer:
        """Through on_in or on_out, packet by packet, when the time of the last has come."""
        if self._ready is None:
            self._ready = self._pace.begin() + len(self.submit.packets) * self._period
            self._pace.occupy(self._ready)
        if early := _wait(self._ready):
            return early
        out = self.submit.direction is Direction.OUT
        moved = [self._send(device, packet) if out else self._fetch(device, packet) for packet in self.submit.packets]
        self._packets = tuple(packet for packet, _ in moved)
        return Answer(data=b"".join(data for _, data in moved))

    def reply(self, status: Status, data: bytes) -> Submitted:
        """The packets, and what they brought."""
        result = ERRNO[status]
        packets = self._packets or self.submit.packets
        return self._done(result, data, sum(packet.actual_length for packet in packets), packets)

    def _send(self, device: Device, packet: IsoPacket) -> tuple[IsoPacket, bytes]:
        payload = self.submit.data[packet.offset : packet.offset + packet.length]
        result = ERRNO.get(device.on_out(self.address, payload).status, 0)
        return IsoPacket(packet.offset, packet.length, 0 if result else packet.length, result), b""

    def _fetch(self, device: Device, packet: IsoPacket) -> tuple[IsoPacket, bytes]:
        """A device that has nothing gives an empty packet: an isochronous endpoint cannot say NAK. USB 2.0 §5.6.4."""
        answer = device.on_in(self.address, packet.length)
        data = b"" if answer.status in (Status.NAK, Status.NEVER) else answer.data
        result = ERRNO.get(answer.status, 0)
        if len(data) > packet.length:
            data, result = data[: packet.length], result or -EOVERFLOW
        return IsoPacket(packet.offset, packet.length, len(data), result), data
