"""Devices that work: the kernel's driver binds and moves real data through them.

Each is a class to use, to break on purpose in a subclass, or to plug by its name (``usbfuzz plug disk``). They are only
imported when they are asked for.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from importlib import import_module

from usbfuzz.device import Device
from usbfuzz.errors import InputError

__all__ = ["MODELS", "find_model"]

#: Name to ``module:class``; every class can be made without arguments.
MODELS: Mapping[str, str] = {
    "disk": "usbfuzz.models.storage.bulk_only:BulkOnlyDisk",
    "uas-disk": "usbfuzz.models.storage.uas:UasDisk",
    "uas-disk-high-speed": "usbfuzz.models.storage.uas:HighSpeedUasDisk",
    "modem": "usbfuzz.models.serial.acm:Modem",
    "ft232r": "usbfuzz.models.serial.ftdi:Ft232r",
    "printer": "usbfuzz.models.printer:Printer",
    "ecm": "usbfuzz.models.net.cdc:EcmAdapter",
    "ncm": "usbfuzz.models.net.cdc:NcmAdapter",
    "eem": "usbfuzz.models.net.eem:EemAdapter",
    "hub": "usbfuzz.models.hub:Hub",
    "headset": "usbfuzz.models.audio.uac1:Headset",
    "headset-uac2": "usbfuzz.models.audio.uac2:HighSpeedHeadset",
    "camera": "usbfuzz.models.video.camera:Camera",
    "camera-bulk": "usbfuzz.models.video.camera:BulkCamera",
    "keyboard": "usbfuzz.models.hid.keyboard:Keyboard",
    "mouse": "usbfuzz.models.hid.pointers:Mouse",
    "tablet": "usbfuzz.models.hid.pointers:Tablet",
    "wheel": "usbfuzz.models.hid.wheel:Wheel",
    "midi": "usbfuzz.models.audio.midi:MidiInterface",
    "card-reader": "usbfuzz.models.ccid.reader:Reader",
    "dfu": "usbfuzz.models.dfu:FirmwareGadget",
    "bluetooth": "usbfuzz.models.bluetooth.dongle:BluetoothDongle",
}


def find_model(name: str) -> type[Device]:
    """The class of a model; raises InputError, which names what is close, when there is none of that name."""
    if name not in MODELS:
        close = difflib.get_close_matches(name, MODELS, n=3) or sorted(MODELS)
        raise InputError(f"{name}: no device model has that name; there is {', '.join(close)}")
    module, _, attribute = MODELS[name].partition(":")
    cls: type[Device] = getattr(import_module(module), attribute)
    return cls
