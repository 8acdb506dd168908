"""What serial devices have at their far end: a line that sends every byte back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import define, field

from usbfuzz.wire import NAK

if TYPE_CHECKING:
    from usbfuzz.device import Device, Reply

__all__ = ["Echo"]

_LIMIT = 1 << 20  #: bytes on the line; a host that writes and never reads must not eat our memory


@define
class Echo:
    """Bytes on their way from a device's OUT endpoint back to its IN endpoint."""

    _device: Device
    _in: int = field(alias="bulk_in")  #: bEndpointAddress
    _out: int = field(alias="bulk_out")
    _line: bytearray = field(factory=bytearray, init=False)

    def receive(self, payload: bytes) -> Reply:
        """Put bytes on the line; NAK while it is full."""
        if len(self._line) >= _LIMIT:
            return NAK
        self._line += payload
        self._device.wake(self._in)
        return None

    def take(self, length: int) -> bytes | None:
        """At most ``length`` bytes off the line; None when nothing is there."""
        head = bytes(self._line[:length])
        del self._line[:length]
        self._device.wake(self._out)
        return head or None

    def purge(self) -> None:
        """Drop the bytes on the line."""
        self._line.clear()
        self._device.wake(self._out)
