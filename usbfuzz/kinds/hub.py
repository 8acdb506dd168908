"""Hubs; the driver is usbcore's own."""

from __future__ import annotations

from .kind import Kind

__all__ = ["KIND"]

KIND = Kind(
    name="hub",
    share=1,
    builder="strategies.hub:hub_function",
    modules=("usbcore",),
    models={"hub": "usbfuzz.models.hub:Hub"},
    descriptors=("usbfuzz.descriptors.hub",),
)
