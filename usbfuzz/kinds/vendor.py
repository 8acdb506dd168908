"""Vendor-specific devices: what every driver without a kind of its own asks for."""

from __future__ import annotations

from .kind import Kind, Node

__all__ = ["KIND"]

KIND = Kind(
    name="vendor",
    share=44,
    builder="strategies.vendor:vendor_function",
    modules=("*",),
    models={"ft232r": "usbfuzz.models.serial.ftdi:Ft232r"},
    nodes=(
        Node("dvb", "*frontend*", "frontend"),
        Node("hwmon", exercise="attributes"),
        Node("iio", "iio:device*", "attributes"),
        Node("leds", exercise="attributes"),
        Node("power_supply", exercise="attributes"),
    ),
)
