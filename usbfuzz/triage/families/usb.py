"""Messages of USB core about a driver's mistakes, which come without a stack trace."""

from __future__ import annotations

import re

from usbfuzz.triage.shape import Shape
from usbfuzz.triage.types import CrashType

__all__ = ["SHAPES", "bound_driver"]

_DEVICE = re.compile(r"usb (\d+-[\d.]+): BOGUS urb xfer")
#: Names in messages about every device: USB core, hubs, and subsystems instead of drivers.
_NO_DRIVER = frozenset({"usb", "hub", "hcd", "input", "scsi"})


def bound_driver(before: str, body: str) -> str | None:
    """The driver that talks about an interface of the device the report names, latest before it, else after it.

    dev_warn_once() is given the usb_device, so the line itself says "usb 1-1:" only.
    """
    device = _DEVICE.search(body)
    if device is None:
        return None
    speaks = re.compile(rf"(?:^|\n)([A-Za-z][\w\-]*) {re.escape(device.group(1))}:\d+\.\d+: ")
    drivers = [*reversed(speaks.findall(before)), *speaks.findall(body)]
    return next((driver.replace("-", "_") for driver in drivers if driver not in _NO_DRIVER), None)


SHAPES = (
    # usb_submit_urb(); a WARN until the stable releases of August 2025, since then dev_warn_once().
    Shape(
        "BOGUS urb xfer", "BOGUS urb xfer", "BOGUS urb xfer in {frame}", CrashType.BOGUS_URB,
        witness=bound_driver, names_driver=True, nameless="BOGUS urb xfer", traced=False,
    ),
)  # fmt: skip
