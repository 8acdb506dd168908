"""Bluetooth controllers; generated as vendor-specific devices, whose layouts know btusb."""

from __future__ import annotations

from .kind import Kind, Node

__all__ = ["KIND"]

KIND = Kind(
    name="bluetooth",
    models={"bluetooth": "usbfuzz.models.bluetooth.dongle:BluetoothDongle"},
    nodes=(Node("bluetooth", "hci*", "hci"),),
)
