"""A device as a USB/IP server describes it."""

from __future__ import annotations

from harness.usbip.messages import Description, Interface

__all__ = ["DEVICE"]

DEVICE = Description("/path", "1-1", 1, 2, 3, 0x0627, 0x0003, 0x0100, 2, 3, 4, 5, 6, (Interface(7, 8, 9),))
