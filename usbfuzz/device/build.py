"""Descriptors for a device class's body: common values, lengths and counts are filled in where none are given.

Every function returns raw bytes and takes any field of its descriptor by name, lies included (``wTotalLength=5``).
Class-specific descriptors come from the modules of :mod:`usbfuzz.descriptors`, or are written down as bytes.
"""

from __future__ import annotations

from usbfuzz.descriptors.base import Descriptor
from usbfuzz.descriptors.constants import DescriptorType
from usbfuzz.descriptors.hid import HidDescriptor, SubordinateDescriptor
from usbfuzz.descriptors.standard import (
    ConfigurationDescriptor,
    DeviceDescriptor,
    EndpointDescriptor,
    InterfaceDescriptor,
)
from usbfuzz.descriptors.tree import parse
from usbfuzz.wire import TransferType

__all__ = ["configuration", "counted", "device", "endpoint", "hid", "interface"]

_DEVICE = {
    "bcdUSB": 0x0200,
    "bDeviceClass": 0,
    "bDeviceSubClass": 0,
    "bDeviceProtocol": 0,
    "bMaxPacketSize0": 64,
    "bcdDevice": 0x0100,
}
_INTERFACE = {"bNumEndpoints": 1, "bInterfaceSubClass": 0, "bInterfaceProtocol": 0}


def device(**fields: int) -> bytes:
    """Device descriptor; at least ``idVendor`` and ``idProduct`` have to be given. USB 2.0 §9.6.1."""
    return DeviceDescriptor(**(_DEVICE | fields)).raw


def configuration(*parts: bytes | Descriptor, **fields: int) -> bytes:
    """Configuration descriptor and all that follows it, whole descriptors in wire order. USB 2.0 §9.6.3.

    wTotalLength and bNumInterfaces are counted.
    """
    raws = [part if isinstance(part, bytes) else part.raw for part in parts]
    numbers = {raw[2] for raw in raws if raw[1:2] == bytes((DescriptorType.INTERFACE,)) and len(raw) > 2}
    counted = {"wTotalLength": 9 + sum(map(len, raws)), "bNumInterfaces": len(numbers)}
    return ConfigurationDescriptor(**(counted | fields)).raw + b"".join(raws)


def counted(*parts: bytes | Descriptor, **fields: int) -> bytes:
    """The same with every bNumEndpoints and the wTotalLength of class-specific headers counted, too."""
    return parse(configuration(*parts, **fields)).with_totals().raw


def interface(bInterfaceNumber: int = 0, **fields: int) -> bytes:
    """Interface descriptor with one endpoint; at least ``bInterfaceClass`` has to be given. USB 2.0 §9.6.5."""
    return InterfaceDescriptor(**(_INTERFACE | {"bInterfaceNumber": bInterfaceNumber} | fields)).raw


def endpoint(bEndpointAddress: int, bmAttributes: TransferType | int, **fields: int) -> bytes:
    """Endpoint descriptor; at least ``wMaxPacketSize`` has to be given. USB 2.0 §9.6.6."""
    given = {"bEndpointAddress": bEndpointAddress, "bmAttributes": bmAttributes, "bInterval": 0}
    return EndpointDescriptor(**(given | fields)).raw


def hid(report: bytes, **fields: int) -> bytes:
    """HID descriptor that announces one report descriptor. HID 1.11 §6.2.1."""
    return HidDescriptor(descriptors=(SubordinateDescriptor(wDescriptorLength=len(report)),), **fields).raw
