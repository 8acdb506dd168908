"""The requests that are a driver's own, and not the specification's."""

from __future__ import annotations

from usbfuzz.case.model import ControlScript, Step
from usbfuzz.wire import data

__all__ = ["ACCEPT", "IN_REQUESTS", "OUT_REQUESTS", "request_text"]

#: bmRequestType: type vendor or class, to device, interface, endpoint or other. USB 2.0 table 9-2.
OUT_REQUESTS = (0x40, 0x41, 0x42, 0x43, 0x21, 0x22, 0x20, 0x23)
IN_REQUESTS = (0xC0, 0xC1, 0xA1, 0xC2, 0xA2, 0xC3, 0xA0, 0xA3)

#: Every vendor and class request that writes is accepted.
ACCEPT = tuple(ControlScript((Step(data(b""), 0),), bmRequestType=kind) for kind in OUT_REQUESTS)


def request_text(*fields: int | None) -> str:
    """Some requests in a few words: the values of bmRequestType, bRequest, wValue, wIndex as they are; None is any."""
    return "request " + " ".join("any" if value is None else f"{value:02x}" for value in fields)
