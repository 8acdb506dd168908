"""A device whose packets are counted, and that stops at a moment: nothing is answered beyond it until it may go on.

It stands between a channel and any device, so that every channel has the same moments. A packet is a transfer that the
device answered; what it puts off (``NAK``) or never answers is none.
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Any, cast

from attrs import frozen

from usbfuzz.descriptors.constants import DIRECTION_IN, Recipient, StandardRequest
from usbfuzz.wire import NAK, NEVER, STALL, Answer, Setup, Status

if TYPE_CHECKING:
    from collections.abc import Callable

    from usbfuzz.device import Device

__all__ = ["Mark", "Metered", "Mood", "Packet", "metered"]

_KEPT = 20_000  #: packets that are remembered of one device
_PUT_OFF = frozenset({Status.NAK, Status.NEVER})


@frozen
class Packet:
    """One transfer that the device answered."""

    endpoint: int  #: bEndpointAddress, 0 for endpoint 0
    setup: Setup | None  #: of a control transfer
    length: int  #: bytes that it answered; 0 for what was sent to it

    @property
    def words(self) -> str:
        """It in a few words: ``80 06 0100 0000 0012``, ``in 0x81``."""
        if self.setup is None:
            return f"{'in' if self.endpoint & DIRECTION_IN else 'out'} 0x{self.endpoint:02x}"
        setup = self.setup
        return (
            f"{setup.bmRequestType:02x} {setup.bRequest:02x} {setup.wValue:04x} {setup.wIndex:04x} {setup.wLength:04x}"
        )


@frozen
class Mark:
    """A moment: after ``packets`` packets, and after ``into`` bytes of the next one, if that is not None."""

    packets: int
    into: int | None = None


class Mood(Enum):
    """What a device does with what it is asked."""

    ANSWERS = "answers"
    HOLDS = "holds"  #: at a mark: it answers nothing until it may go on
    SILENT = "silent"  #: it never answers
    STALLS = "stalls"


class Metered:
    """``device``, to be plugged into a channel in its place. What is not told here is the device's own."""

    def __init__(self, device: Device) -> None:
        self.inner = device
        self.packets = 0
        self.said: list[Packet] = []  #: the first of them
        self.mood = Mood.ANSWERS
        self._mark: Mark | None = None
        self._reached: Callable[[], None] = _nothing
        self._waiting: set[int] = set()  # endpoints that were put off at the mark

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)

    @property
    def wake(self) -> Callable[[int], None]:
        """What the device calls when it has something for an endpoint; the channel sets it."""
        return self.inner.wake

    @wake.setter
    def wake(self, wake: Callable[[int], None]) -> None:
        self.inner.wake = wake

    def stop_at(self, mark: Mark, reached: Callable[[], None]) -> None:
        """Call ``reached`` at ``mark``, now if it is over, and answer nothing from then on until :meth:`go_on`."""
        self._mark, self._reached = mark, reached
        if self.packets > mark.packets or (self.packets == mark.packets and mark.into is None):
            self._stop()

    def go_on(self, mood: Mood = Mood.ANSWERS) -> None:
        """Forget the mark; what was asked meanwhile is answered now, or as ``mood`` says."""
        self._mark, self._reached, self.mood = None, _nothing, mood
        waiting, self._waiting = self._waiting, set()
        for endpoint in sorted(waiting):
            self.inner.wake(endpoint)

    # What the channel calls, as of a device

    def on_control(self, setup: Setup, payload: bytes) -> Answer:
        """A request on endpoint 0."""
        return self._exchange(0, setup, lambda: self.inner.on_control(setup, payload))

    def on_set_configuration(self, bConfigurationValue: int) -> Answer:
        """SET_CONFIGURATION."""
        setup = Setup(0, StandardRequest.SET_CONFIGURATION, bConfigurationValue, 0, 0)
        return self._exchange(0, setup, lambda: self.inner.on_set_configuration(bConfigurationValue))

    def on_set_interface(self, bInterfaceNumber: int, bAlternateSetting: int) -> Answer:
        """SET_INTERFACE."""
        setup = Setup(Recipient.INTERFACE, StandardRequest.SET_INTERFACE, bAlternateSetting, bInterfaceNumber, 0)
        return self._exchange(0, setup, lambda: self.inner.on_set_interface(bInterfaceNumber, bAlternateSetting))

    def on_in(self, bEndpointAddress: int, length: int) -> Answer:
        """A read."""
        return self._exchange(bEndpointAddress, None, lambda: self.inner.on_in(bEndpointAddress, length))

    def on_out(self, bEndpointAddress: int, payload: bytes) -> Answer:
        """A write."""
        return self._exchange(bEndpointAddress, None, lambda: self.inner.on_out(bEndpointAddress, payload))

    def on_stream_in(self, bEndpointAddress: int, stream_id: int, length: int) -> Answer:
        """A read on a bulk stream."""
        ask = self.inner.on_stream_in
        return self._exchange(bEndpointAddress, None, lambda: ask(bEndpointAddress, stream_id, length))

    def on_stream_out(self, bEndpointAddress: int, stream_id: int, payload: bytes) -> Answer:
        """A write on a bulk stream."""
        ask = self.inner.on_stream_out
        return self._exchange(bEndpointAddress, None, lambda: ask(bEndpointAddress, stream_id, payload))

    def _exchange(self, endpoint: int, setup: Setup | None, ask: Callable[[], Answer]) -> Answer:
        if self.mood is not Mood.ANSWERS:
            return self._refusal(endpoint)
        mark = self._mark
        cut = mark is not None and self.packets == mark.packets
        if cut and mark is not None and mark.into == 0:
            self._stop()
            return self._refusal(endpoint)
        answer = ask() or Answer()
        if answer.status in _PUT_OFF:
            return answer
        self.packets += 1
        if len(self.said) < _KEPT:
            self.said.append(Packet(endpoint, setup, len(answer.data)))
        if cut and mark is not None and mark.into is not None:
            self._stop()
            return Answer(Status.IO_ERROR, answer.data[: mark.into])
        if mark is not None and mark.into is None and self.packets == mark.packets:
            self._stop()
        return answer

    def _stop(self) -> None:
        """The mark is reached."""
        self.mood = Mood.HOLDS
        reached, self._reached = self._reached, _nothing
        reached()

    def _refusal(self, endpoint: int) -> Answer:
        if self.mood is Mood.STALLS:
            return STALL
        if self.mood is Mood.SILENT:
            return NEVER
        self._waiting.add(endpoint)
        return NAK


def metered(device: Device) -> tuple[Metered, Device]:
    """The meter of a device, and the same as what a channel plugs in."""
    meter = Metered(device)
    return meter, cast("Device", meter)


def _nothing() -> None:
    """Nobody waits for a mark."""
