"""Pieces of the lines that show a channel's messages; the same things look the same on every channel."""

from __future__ import annotations

from usbfuzz.descriptors.constants import StandardRequest
from usbfuzz.wire import Setup

__all__ = ["control_line", "joined", "shown_bytes"]

_BYTES_SHOWN = 24


def control_line(setup: Setup, payload: bytes) -> str:
    """A control request: its name if USB defines it, the fields of the setup packet, and the data sent along."""
    request = setup.bRequest
    standard = not setup.bmRequestType & 0x60 and request in StandardRequest._value2member_map_
    name = StandardRequest(request).name if standard else f"request 0x{request:02x}"
    values = f"{setup.bmRequestType:02x} {request:02x} wValue {setup.wValue:04x} wIndex {setup.wIndex:04x}"
    data = f": {shown_bytes(payload, setup.wLength)}" if payload else f" wLength {setup.wLength}"
    return f"control {name} [{values}]{data}"


def joined(*words: str) -> str:
    """The words that are not empty, with spaces between them."""
    return " ".join(filter(None, words))


def shown_bytes(payload: bytes, length: int) -> str:
    """The first bytes in hex, after the length that the message claims."""
    shown = payload[:_BYTES_SHOWN].hex(" ")
    more = " …" if len(payload) > _BYTES_SHOWN else ""
    return f"{length} bytes {shown}{more}".rstrip()
