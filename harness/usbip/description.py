"""What a client is told of a device before it has it."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from usbfuzz.descriptors.layout import layout
from usbfuzz.wire import Speed

from .messages import Description, Interface

if TYPE_CHECKING:
    from usbfuzz.device import Device

__all__ = ["BUSID", "describe"]

BUSID = "1-1"  #: the only device of a server, as a client asks for it

_SPEEDS = {Speed.LOW: 1, Speed.FULL: 2, Speed.HIGH: 3, Speed.SUPER: 5}  #: enum usb_device_speed


def describe(device: Device) -> Description:
    """What a client is told of a device it has not imported: the first configuration's interfaces."""
    raw = device.device_descriptor()[:18].ljust(18, b"\0")
    bDeviceClass, bDeviceSubClass, bDeviceProtocol = raw[4:7]
    idVendor, idProduct, bcdDevice = struct.unpack_from("<HHH", raw, 8)
    first = device.configurations[0] if device.configurations else b""
    shown = layout(first, {}, device.speed).interfaces if first else ()
    return Description(
        path=f"/usbfuzz/{BUSID}",
        busid=BUSID,
        busnum=1,
        devnum=2,
        speed=_SPEEDS[device.speed],
        idVendor=idVendor,
        idProduct=idProduct,
        bcdDevice=bcdDevice,
        bDeviceClass=bDeviceClass,
        bDeviceSubClass=bDeviceSubClass,
        bDeviceProtocol=bDeviceProtocol,
        bConfigurationValue=0,
        bNumConfigurations=raw[17],
        interfaces=tuple(Interface(i.bInterfaceClass, i.bInterfaceSubClass, i.bInterfaceProtocol) for i in shown),
    )
