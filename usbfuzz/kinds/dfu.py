"""Devices whose firmware can be replaced; no kernel driver binds them."""

from __future__ import annotations

from .kind import Kind

__all__ = ["KIND"]

KIND = Kind(
    name="dfu",
    models={"dfu": "usbfuzz.models.dfu:FirmwareGadget"},
    descriptors=("usbfuzz.descriptors.dfu",),
    lsusb="usbfuzz.report.lsusb.dfu",
)
