"""Devices that work: the kernel's driver binds and moves real data through them.

Each is a class to use, to break on purpose in a subclass, or to plug by its name (``usbfuzz plug disk``). They are only
imported when they are asked for.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from importlib import import_module
from typing import Final

from usbfuzz.device import Device
from usbfuzz.errors import InputError

__all__ = ["MODELS", "find_model"]

#: Name to ``module:class``; every class can be made without arguments.
MODELS: Final[Mapping[str, str]] = {
    "disk": "usbfuzz.models.storage:BulkOnlyDisk",
    "uas-disk": "usbfuzz.models.uas:UasDisk",
    "uas-disk-high-speed": "usbfuzz.models.uas:HighSpeedUasDisk",
    "modem": "usbfuzz.models.acm:Modem",
    "ft232r": "usbfuzz.models.ftdi:Ft232r",
    "printer": "usbfuzz.models.printer:Printer",
    "ecm": "usbfuzz.models.net:EcmAdapter",
    "ncm": "usbfuzz.models.net:NcmAdapter",
    "eem": "usbfuzz.models.net_eem:EemAdapter",
    "hub": "usbfuzz.models.hub:Hub",
    "headset": "usbfuzz.models.audio:Headset",
    "headset-uac2": "usbfuzz.models.uac2:HighSpeedHeadset",
    "camera": "usbfuzz.models.camera:Camera",
    "camera-bulk": "usbfuzz.models.camera:BulkCamera",
    "keyboard": "usbfuzz.models.hid_keyboard:Keyboard",
    "mouse": "usbfuzz.models.hid_pointers:Mouse",
    "tablet": "usbfuzz.models.hid_pointers:Tablet",
    "wheel": "usbfuzz.models.hid_wheel:Wheel",
    "midi": "usbfuzz.models.midi:MidiInterface",
    "card-reader": "usbfuzz.models.ccid:Reader",
    "dfu": "usbfuzz.models.dfu:FirmwareGadget",
    "bluetooth": "usbfuzz.models.bluetooth:BluetoothDongle",
}


def find_model(name: str) -> type[Device]:
    """The class of a model; raises InputError, which names what is close, when there is none of that name."""
    if name not in MODELS:
        close = difflib.get_close_matches(name, MODELS, n=3) or sorted(MODELS)
        raise InputError(f"{name}: no device model has that name; there is {', '.join(close)}")
    module, _, attribute = MODELS[name].partition(":")
    cls: type[Device] = getattr(import_module(module), attribute)
    return cls
