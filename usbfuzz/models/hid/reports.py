"""HID devices that send HID reports."""

from __future__ import annotations

from collections import deque

from usbfuzz.device import HidDevice, Reply, endpoint_in

__all__ = ["Reporting"]


class Reporting(HidDevice):
    """A HID device with its reports on endpoint 0x81, each sent once, in order."""

    def __init__(self) -> None:
        super().__init__()
        self._waiting: deque[bytes] = deque()

    def send(self, *reports: bytes) -> None:
        """Queue HID reports for the host to read."""
        self._waiting.extend(reports)
        self.wake(0x81)

    @endpoint_in(0x81)
    def report(self, _length: int) -> Reply:
        """The next report, or nothing."""
        return self._waiting.popleft() if self._waiting else None
