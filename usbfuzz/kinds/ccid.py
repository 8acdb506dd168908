"""Smart card readers; no kernel driver binds them."""

from __future__ import annotations

from .kind import Kind

__all__ = ["KIND"]

KIND = Kind(
    name="ccid",
    models={"card-reader": "usbfuzz.models.ccid.reader:Reader"},
    descriptors=("usbfuzz.descriptors.ccid",),
    lsusb="usbfuzz.report.lsusb.ccid",
)
