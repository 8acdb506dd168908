"""Descriptors from the fields that fwupd keeps of them.

Newer emulations hold the descriptors whole (an event ``LoadDescriptor``); older ones only fields, in which
bMaxPacketSize0, the configuration's bmAttributes and bMaxPower, the endpoints' bmAttributes and, up to fwupd 1.9, all
class descriptors are missing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from attrs import frozen

from usbfuzz.case.model import DeviceSpec
from usbfuzz.descriptors.bos import BosDescriptor
from usbfuzz.descriptors.constants import DescriptorType
from usbfuzz.device import build
from usbfuzz.importers.model import Problem
from usbfuzz.importers.outline import Configuration, Endpoint, Interface, Outline
from usbfuzz.importers.speed import guess_speed
from usbfuzz.wire import TransferType

from .fields import Fields

__all__ = ["Built", "built"]

_SUPER = 0x0300  #: bcdUSB from which a device that is not slower says so
_MAX_INTERFACES = 256  #: alternate settings count as well
_MAX_ENDPOINTS = 32


@frozen
class Built:
    """The descriptors, what of them was made up, and what is missing."""

    spec: DeviceSpec
    made_up: list[str]
    problems: list[Problem]


def built(fields: Fields, reports: Mapping[int, bytes], types: Mapping[int, TransferType]) -> Built:
    """A device of the fields; ``reports`` are known report descriptors, ``types`` the endpoints whose type is known."""
    is_super = fields.number("USB", 16) >= _SUPER
    device = build.device(
        bcdUSB=fields.number("USB", 16) or 0x0200,
        bDeviceClass=fields.number("DeviceClass"),
        bDeviceSubClass=fields.number("DeviceSubClass"),
        bDeviceProtocol=fields.number("DeviceProtocol"),
        bMaxPacketSize0=9 if is_super else 64,
        idVendor=fields.number("IdVendor", 16),
        idProduct=fields.number("IdProduct", 16),
        bcdDevice=fields.number("Device", 16),
        iManufacturer=fields.number("Manufacturer"),
        iProduct=fields.number("Product"),
        iSerialNumber=fields.number("SerialNumber"),
        bNumConfigurations=1,
    )
    outline = Outline(is_super, reports, {"bMaxPacketSize0": None})
    known = [*fields.objects("UsbConfigDescriptors")]
    if len(known) > 1:
        what = f"which of the {len(known)} configurations an interface is in is not recorded; the first has all"
        outline.problems[what] = None
    first = known[0] if known else Fields({})
    interfaces = [*fields.objects("UsbInterfaces")][:_MAX_INTERFACES]
    configuration = outline.configuration(
        Configuration(
            tuple(_interface(interface, types) for interface in interfaces),
            bConfigurationValue=first.number("ConfigurationValue") or 1,
            iConfiguration=first.number("Configuration"),
        )
    )
    speed = guess_speed(device, (configuration,))
    spec = DeviceSpec("", device, (configuration,), speed, bos=b"".join(_bos(fields)))
    return Built(spec, [*outline.made_up, f"speed {speed.value}, from the descriptors"], outline.told)


def _interface(interface: Fields, types: Mapping[int, TransferType]) -> Interface:
    endpoints = [*interface.objects("UsbEndpoints")][:_MAX_ENDPOINTS]
    return Interface(
        interface.number("InterfaceNumber"),
        interface.number("AlternateSetting"),
        interface.number("InterfaceClass"),
        interface.number("InterfaceSubClass"),
        interface.number("InterfaceProtocol"),
        interface.number("Interface"),
        tuple(_endpoint(endpoint, types) for endpoint in endpoints),
        interface.data("ExtraData"),
    )


def _endpoint(endpoint: Fields, types: Mapping[int, TransferType]) -> Endpoint:
    address = endpoint.number("EndpointAddress")
    return Endpoint(address, types.get(address), endpoint.number("MaxPacketSize", 16), endpoint.number("Interval"))


def _bos(fields: Fields) -> Iterator[bytes]:
    """The BOS of the capabilities, each kept without its first three bytes."""
    capabilities = [
        bytes((3 + len(raw), DescriptorType.DEVICE_CAPABILITY, capability.number("DevCapabilityType"))) + raw
        for capability in [*fields.objects("UsbBosDescriptors")][:0xFF]
        if len(raw := capability.data("ExtraData")) <= 0xFC
    ]
    if capabilities:
        total = 5 + sum(map(len, capabilities))
        yield BosDescriptor(wTotalLength=total & 0xFFFF, bNumDeviceCaps=len(capabilities)).raw
        yield from capabilities
