"""Endpoints whose packets are pushed: interrupt IN and isochronous IN.

QEMU buffers what we push, hands one message to the guest at each poll, and never tells how much it still has. It drops
packets beyond twice its target (1000 interrupt packets, 60 ms of isochronous ones; ``bufp_alloc`` in
hw/usb/redirect.c). So a stream may start with a burst, and is then paced by the guest's clock at the endpoint's rate.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Protocol

from usbfuzz.wire import Answer, Speed, Status, TransferType

from .constants import WIRE_STATUS, WireStatus
from .packets import InterruptPacket, InterruptReceivingStatus, IsoPacket, IsoStreamStatus

if TYPE_CHECKING:
    from harness.channel.scheduler import Handle, Scheduler
    from usbfuzz.descriptors.layout import EndpointLayout

    from .message import Message

__all__ = ["Outlet", "Stream", "period_ms"]

#: Interrupt packets pushed ahead of the guest's polls. Enough for a whole script of HID reports to go without waiting.
_BURST = 16

#: Packets of faster endpoints go in batches of so many milliseconds. QEMU still hands out one at a time.
_BATCH_MS = 10

_MAX_PACKET = 0xFFFF  #: the length field has 16 bits
_MICROFRAMES = (Speed.HIGH, Speed.SUPER)


def period_ms(endpoint: EndpointLayout, speed: Speed) -> float:
    """Milliseconds between two polls. USB 2.0 §9.6.6: bInterval is an exponent but for slow interrupt endpoints."""
    if speed not in _MICROFRAMES and endpoint.type is TransferType.INTERRUPT:
        return max(endpoint.bInterval, 1)
    exponent = min(max(endpoint.bInterval, 1), 16) - 1
    return float(2**exponent) / (8 if speed in _MICROFRAMES else 1)


class Outlet(Protocol):
    """What a stream needs of its owner."""

    scheduler: Scheduler

    @property
    def clogged(self) -> bool:
        """QEMU does not read as fast as we write."""

    def poll(self, bEndpointAddress: int, length: int) -> Answer:
        """Ask the device for a packet."""

    def push(self, message: Message) -> None:
        """Send a message."""


class Stream:
    """One endpoint that is being polled for the guest, from :meth:`start` to :meth:`stop` or a stall."""

    def __init__(self, endpoint: EndpointLayout, speed: Speed, outlet: Outlet, *, burst: int = _BURST) -> None:
        self._address = endpoint.bEndpointAddress
        self._size = endpoint.wMaxPacketSize
        self._iso = endpoint.type is TransferType.ISOCHRONOUS
        period = period_ms(endpoint, speed)
        self._tick_ms = max(round(period), _BATCH_MS)
        self._per_tick = max(round(self._tick_ms / period), 1)
        self._credit = max(burst, self._per_tick)
        self._outlet = outlet
        self._timer: Handle | None = None
        self._asleep = False
        self.running = False

    def start(self) -> None:
        """Push packets until the credit of the first burst is used up or the device has none, and go on from there."""
        self.running = True
        self._fill()

    def stop(self) -> None:
        """Push nothing more."""
        self.running = False
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def again(self) -> None:
        """Begin anew, whatever the device said last."""
        self.stop()
        self._asleep = False
        self._credit = max(_BURST, self._per_tick)
        self.start()

    def wake(self) -> None:
        """Go on with a device that had nothing to send and has something now."""
        if self.running and self._asleep:
            self._asleep = False
            self._fill()

    def _fill(self) -> None:
        """Push what the device gives until the credit is used up, or the device makes us wait."""
        while self._credit > 0 and not self._outlet.clogged:
            answer = self._outlet.poll(self._address, self._size)
            if answer.delay_ms:
                self._timer = self._outlet.scheduler.after(answer.delay_ms, partial(self._due, answer))
                return
            if not self._take(answer):
                return
        self._timer = self._outlet.scheduler.after(self._tick_ms, self._refill)

    def _refill(self) -> None:
        self._timer = None
        self._credit = self._per_tick
        self._fill()

    def _due(self, answer: Answer) -> None:
        self._timer = None
        # A delayed NAK is a device that wants to be asked again then, without being woken.
        if answer.status is Status.NAK or self._take(answer):
            self._fill()

    def _take(self, answer: Answer) -> bool:
        """Push one answer; False when the device is not to be asked again before a wake or a new start."""
        status = WIRE_STATUS.get(answer.status)
        if status is None:
            self._asleep = answer.status is Status.NAK
            self.running = self._asleep
            return False
        if status is WireStatus.STALL:
            self.running = False
            stopped = IsoStreamStatus if self._iso else InterruptReceivingStatus
            self._outlet.push(stopped(status, self._address))
            return False
        for packet in self._packets(answer.data):
            kind = IsoPacket if self._iso else InterruptPacket
            self._outlet.push(kind(self._address, status, len(packet), payload=packet))
            self._credit -= 1
        return True

    def _packets(self, data: bytes) -> list[bytes]:
        """The packets of one answer: QEMU joins those of an interrupt endpoint again when an answer needs several."""
        if self._iso:
            return [data[:_MAX_PACKET]]
        return [data[at : at + self._size] for at in range(0, len(data), self._size)] or [b""]
