"""One line of decoded text for a descriptor: the comment next to its hex in a case file."""

from __future__ import annotations

import re
import struct
from collections.abc import Callable
from typing import Any

from .base import CsEndpoint, CsInterface, Descriptor, RawDescriptor
from .constants import ClassCode, DescriptorType
from .fields import Fixed
from .hid import HidDescriptor
from .standard import (
    ConfigurationDescriptor,
    DeviceDescriptor,
    EndpointDescriptor,
    InterfaceAssociationDescriptor,
    InterfaceDescriptor,
    StringDescriptor,
)
from .strings import language_ids, string_text
from .structure import Structure

__all__ = ["class_name", "describe", "ids_of", "is_hex"]

_IDS_END = 12  #: bytes of a device descriptor up to and with idProduct
_WIDEST = 160  #: characters of a line; longer ones end in an ellipsis

_IN_HEX = re.compile(
    r"bm|id[A-Z]|w\w*(Type|Format|Tag|Config|Code|Characteristics)$|dw\w*(Windows|Features|Protocols)"
    r"|b(Endpoint|Synch)Address$|b\w*Endpoint$|bDevCapabilityType$"
)
_SUBTYPED: dict[int, str] = {DescriptorType.CS_INTERFACE: "CS_INTERFACE", DescriptorType.CS_ENDPOINT: "CS_ENDPOINT"}
_INDEX_OR_RESERVED = re.compile(r"^(i[A-Z]|[bwd]+Reserved|w\w*DescrStr$)")


def ids_of(device: bytes, unknown: str = "?") -> str:
    """``046d:c52b``: the ids of a device descriptor as lsusb prints them; ``unknown`` when it ends before."""
    if len(device) < _IDS_END:
        return unknown
    vendor, product = struct.unpack_from("<HH", device, _IDS_END - 4)
    return f"{vendor:04x}:{product:04x}"


def describe(descriptor: Descriptor) -> str:
    """What ``descriptor`` says, on one line, without a line break; never raises."""
    if isinstance(descriptor, RawDescriptor):
        return _cut(_raw(descriptor))
    for cls, summary in _SUMMARIES.items():
        if isinstance(descriptor, cls):
            text = summary(descriptor)
            break
    else:
        text = _listing(descriptor)
    return _cut(text + _oddities(descriptor))


def class_name(code: int) -> str:
    """The name of a bInterfaceClass or bDeviceClass, ``class 0x42`` when it has none."""
    try:
        return ClassCode(code).name.lower().replace("_", " ")
    except ValueError:
        return f"class 0x{code:02x}"


def is_hex(name: str) -> bool:
    """Whether a field of this name holds bits, an id or an address, and so is shown in hex."""
    return name.startswith("bcd") or _IN_HEX.match(name) is not None


def _cut(line: str) -> str:
    return line if len(line) <= _WIDEST else line[: _WIDEST - 1] + "…"


def _oddities(descriptor: Descriptor) -> str:
    notes = ""
    if descriptor.bLength != len(descriptor.raw):
        notes += f" (bLength {descriptor.bLength} of {len(descriptor.raw)} bytes)"
    if descriptor.trailing:
        notes += f" +{len(descriptor.trailing)} bytes"
    return notes


def _raw(descriptor: RawDescriptor) -> str:
    raw, meant = descriptor.raw, descriptor.meant
    name = _name(meant) if meant else f"type 0x{descriptor.bDescriptorType:02x}"
    length = descriptor.bLength
    if len(raw) < 2:
        return f"truncated: {len(raw)} stray byte{'s' * (len(raw) != 1)}"
    if length < 2:
        return f"truncated: {name} with bLength {length}, the kernel reads no further; {len(raw)} bytes follow"
    if length > len(raw):
        return f"truncated: {name} with bLength {length}, {len(raw)} bytes left"
    if meant is not None:
        return f"truncated: {name}, {len(raw)} bytes do not hold all of it"
    if descriptor.bDescriptorType in _SUBTYPED and len(raw) > 2:
        return f"{_SUBTYPED[descriptor.bDescriptorType]} subtype 0x{raw[2]:02x}, {len(raw)} bytes"
    return f"unknown descriptor type 0x{descriptor.bDescriptorType:02x}, {len(raw)} bytes"


def _name(cls: type[Descriptor]) -> str:
    """The label, prefixed by CS_INTERFACE or CS_ENDPOINT where that is its type."""
    for base, prefix in ((CsInterface, "CS_INTERFACE"), (CsEndpoint, "CS_ENDPOINT")):
        if issubclass(cls, base) and cls is not base:
            return f"{prefix} {cls.label}"
    return cls.label


def _listing(descriptor: Descriptor) -> str:
    parts = _parts(descriptor)
    return _name(type(descriptor)) + (": " + ", ".join(parts) if parts else "")


def _parts(structure: Structure) -> list[str]:
    """``name value`` of each field, without constants, string indices that are 0, and reserved fields that are 0."""
    parts = []
    for field in structure.fields[2 if isinstance(structure, Descriptor) else 0 :]:
        value = getattr(structure, field.name)
        if isinstance(field.default, Fixed) or (not value and _INDEX_OR_RESERVED.match(field.name)):
            continue
        parts.append(f"{field.name} {_value(field.name, value, field.width or 1)}")
    return parts


def _value(name: str, value: Any, width: int) -> str:
    if isinstance(value, bytes):
        return value.hex() or "-"
    if isinstance(value, tuple):
        return (
            " ".join(
                f"({', '.join(_parts(item))})" if isinstance(item, Structure) else _value(name, item, width)
                for item in value
            )
            or "-"
        )
    if name.startswith("bcd") and width == 2:
        return _bcd(value)
    return f"0x{value:0{2 * width}x}" if _IN_HEX.match(name) else str(value)


def _bcd(value: int) -> str:
    return f"{value >> 8:x}.{value & 0xFF:02x}"


def _triple(*codes: int) -> str:
    return "/".join(f"{code:02x}" for code in codes)


def _device(device: DeviceDescriptor) -> str:
    codes = _triple(device.bDeviceClass, device.bDeviceSubClass, device.bDeviceProtocol)
    count = device.bNumConfigurations
    return (
        f"device {device.idVendor:04x}:{device.idProduct:04x} rev {_bcd(device.bcdDevice)}, USB {_bcd(device.bcdUSB)}, "
        f"class {codes}, bMaxPacketSize0 {device.bMaxPacketSize0}, {count} configuration{'s' * (count != 1)}"
    )


def _configuration(configuration: ConfigurationDescriptor) -> str:
    count = configuration.bNumInterfaces
    power = ["self-powered"] * bool(configuration.bmAttributes & 0x40) + ["remote wakeup"] * bool(
        configuration.bmAttributes & 0x20
    )
    return ", ".join(
        [
            f"{configuration.label} {configuration.bConfigurationValue}: wTotalLength {configuration.wTotalLength}",
            f"{count} interface{'s' * (count != 1)}",
            *power,
            f"bMaxPower {configuration.bMaxPower}",
        ]
    )


def _interface(interface: InterfaceDescriptor) -> str:
    codes = _triple(interface.bInterfaceClass, interface.bInterfaceSubClass, interface.bInterfaceProtocol)
    name = class_name(interface.bInterfaceClass)
    count = interface.bNumEndpoints
    return (
        f"interface {interface.bInterfaceNumber} alt {interface.bAlternateSetting}: {codes} {name}, "
        f"{count} endpoint{'s' * (count != 1)}"
    )


def _endpoint(endpoint: EndpointDescriptor) -> str:
    direction = "IN" if endpoint.is_in else "OUT"
    audio = ", ".join(["", *_parts(endpoint)[4:]])
    return (
        f"endpoint 0x{endpoint.bEndpointAddress:02x} {direction} {endpoint.transfer_type.name.lower()}, "
        f"wMaxPacketSize {endpoint.wMaxPacketSize}, bInterval {endpoint.bInterval}{audio}"
    )


def _association(association: InterfaceAssociationDescriptor) -> str:
    codes = _triple(association.bFunctionClass, association.bFunctionSubClass, association.bFunctionProtocol)
    first, last = association.bFirstInterface, association.bFirstInterface + association.bInterfaceCount - 1
    return f"interface association: interfaces {first} to {last}, {codes} {class_name(association.bFunctionClass)}"


def _hid(descriptor: HidDescriptor) -> str:
    lists = [
        f"{_HID_LISTS.get(part.bDescriptorType, f'type 0x{part.bDescriptorType:02x}')} {part.wDescriptorLength} bytes"
        for part in descriptor.descriptors
    ]
    return ", ".join([f"HID {_bcd(descriptor.bcdHID)}, bCountryCode {descriptor.bCountryCode}", *lists])


_HID_LISTS = {0x22: "report descriptor", 0x23: "physical descriptor"}


def _string(descriptor: StringDescriptor) -> str:
    text = string_text(descriptor.raw)
    if text is not None and text.isprintable():
        return f"string {text!r}"
    ids = language_ids(descriptor.raw) or ()
    return (
        f"string, UTF-16 units {' '.join(f'{unit:04x}' for unit in ids)}"
        if ids
        else f"string {descriptor.bString.hex()}"
    )


_Summary = Callable[[Any], str]
_SUMMARIES: dict[type[Descriptor], _Summary] = {
    DeviceDescriptor: _device,
    ConfigurationDescriptor: _configuration,
    InterfaceDescriptor: _interface,
    EndpointDescriptor: _endpoint,
    InterfaceAssociationDescriptor: _association,
    StringDescriptor: _string,
    HidDescriptor: _hid,
}
