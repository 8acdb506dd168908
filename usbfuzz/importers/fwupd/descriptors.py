"""Descriptors from the fields that fwupd keeps of them.

Newer emulations hold the descriptors whole (an event ``LoadDescriptor``); older ones only fields, in which
bMaxPacketSize0, the configuration's bmAttributes and bMaxPower, the endpoints' bmAttributes and, up to fwupd 1.9, all
class descriptors are missing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from attrs import field, mutable

from usbfuzz.case.model import DeviceSpec
from usbfuzz.descriptors.bos import BosDescriptor
from usbfuzz.descriptors.constants import ClassCode, DescriptorType
from usbfuzz.descriptors.standard import SuperSpeedEndpointCompanion
from usbfuzz.device import build
from usbfuzz.importers.model import Problem
from usbfuzz.importers.speed import guess_speed
from usbfuzz.importers.synthesise import companion_interval, hid_descriptor
from usbfuzz.wire import TransferType

from .fields import Fields

__all__ = ["Built", "built"]

_SUPER = 0x0300  #: bcdUSB from which a device that is not slower says so
_MAX_INTERFACES = 256  #: alternate settings count as well
_MAX_ENDPOINTS = 32
_MAX_BYTES = 0xFFFF  #: of a configuration
_CLASSES_WITH_DESCRIPTORS = {ClassCode.AUDIO, ClassCode.COMMUNICATIONS, ClassCode.SMART_CARD, ClassCode.VIDEO}
_STREAMING = 2  #: bInterfaceSubClass of audio and of video streaming


@mutable
class Built:
    """The descriptors, what of them was made up, and what is missing."""

    spec: DeviceSpec
    made_up: list[str] = field(factory=list)
    problems: list[Problem] = field(factory=list)


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
    result = Built(DeviceSpec("", device), ["bMaxPacketSize0", "bmAttributes and bMaxPower of the configuration"])
    interfaces = [*fields.objects("UsbInterfaces")][:_MAX_INTERFACES]
    parts = [part for interface in interfaces for part in _interface(interface, reports, types, is_super, result)]
    known = [*fields.objects("UsbConfigDescriptors")]
    first = known[0] if known else Fields({"ConfigurationValue": 1})
    if len(known) > 1:
        what = f"which of the {len(known)} configurations an interface is in is not recorded; the first has all"
        result.problems.append(Problem(0, what))
    while sum(map(len, parts)) > _MAX_BYTES - 9:
        parts.pop()
    configuration = build.configuration(
        *parts,
        bConfigurationValue=first.number("ConfigurationValue") or 1,
        iConfiguration=first.number("Configuration"),
    )
    speed = guess_speed(device, (configuration,))
    result.made_up.append(f"speed {speed.value}, from the descriptors")
    result.spec = DeviceSpec("", device, (configuration,), speed, bos=b"".join(_bos(fields)))
    return result


def _interface(
    interface: Fields, reports: Mapping[int, bytes], types: Mapping[int, TransferType], is_super: bool, result: Built
) -> Iterator[bytes]:
    number, code = interface.number("InterfaceNumber"), interface.number("InterfaceClass")
    endpoints = [*interface.objects("UsbEndpoints")][:_MAX_ENDPOINTS]
    yield build.interface(
        number,
        bAlternateSetting=interface.number("AlternateSetting"),
        bNumEndpoints=len(endpoints),
        bInterfaceClass=code,
        bInterfaceSubClass=interface.number("InterfaceSubClass"),
        bInterfaceProtocol=interface.number("InterfaceProtocol"),
        iInterface=interface.number("Interface"),
    )
    if extra := interface.data("ExtraData"):
        yield extra
    elif code == ClassCode.HID and not interface.number("AlternateSetting"):
        kind = interface.number("InterfaceSubClass"), interface.number("InterfaceProtocol")
        yield hid_descriptor(*kind, reports.get(number, b""))
        result.made_up.append(f"the HID descriptor of interface {number}")
    elif code in _CLASSES_WITH_DESCRIPTORS:
        what = f"class descriptors of interface {number} are not recorded; it has none"
        result.problems += [Problem(0, what)] * (what not in {problem.reason for problem in result.problems})
    for endpoint in endpoints:
        yield from _endpoint(endpoint, interface, types, is_super, result)


def _endpoint(
    endpoint: Fields, interface: Fields, types: Mapping[int, TransferType], is_super: bool, result: Built
) -> Iterator[bytes]:
    address, size = endpoint.number("EndpointAddress"), endpoint.number("MaxPacketSize", 16)
    kind = types.get(address)
    if kind is None:
        kind = _likely(interface, endpoint)
        made_up = f"type {kind.name.lower()} of endpoint {address:#04x}"
        result.made_up += [made_up] * (made_up not in result.made_up)
    yield build.endpoint(address, kind, wMaxPacketSize=size, bInterval=endpoint.number("Interval"))
    if is_super:
        is_periodic = kind in (TransferType.INTERRUPT, TransferType.ISOCHRONOUS)
        yield SuperSpeedEndpointCompanion(
            bMaxBurst=0, bmAttributes=0, wBytesPerInterval=companion_interval(size, 0, 0) if is_periodic else 0
        ).raw
        result.made_up.append(f"the companion of endpoint {address:#04x}")


def _likely(interface: Fields, endpoint: Fields) -> TransferType:
    """The type an endpoint of such an interface has as a rule."""
    streams = interface.number("InterfaceClass"), interface.number("InterfaceSubClass")
    if streams in ((ClassCode.AUDIO, _STREAMING), (ClassCode.VIDEO, _STREAMING)):
        return TransferType.ISOCHRONOUS
    if interface.number("InterfaceClass") == ClassCode.HID or endpoint.number("Interval") > 1:
        return TransferType.INTERRUPT
    return TransferType.BULK


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
