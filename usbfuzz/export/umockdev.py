"""Recordings as umockdev-record makes them, so that umockdev-run shows the device to any program.

The device is at port 1 of bus 1. Strings are there where sysfs has them: the device's three, and those of the first
configuration and of its interfaces.
"""

from __future__ import annotations

from collections.abc import Iterator

from usbfuzz.case.model import DeviceSpec
from usbfuzz.descriptors import split, string_text
from usbfuzz.descriptors.standard import ConfigurationDescriptor, DeviceDescriptor, InterfaceDescriptor
from usbfuzz.wire import Speed

__all__ = ["render_umockdev"]

_PATH = "/devices/pci0000:00/0000:00:14.0/usb1/1-1"
_SPEEDS = {Speed.LOW: "1.5", Speed.FULL: "12", Speed.HIGH: "480", Speed.SUPER: "5000"}  #: Mbit/s
_POWER = (2, 8)  #: mA of a unit of bMaxPower, up to high speed and at SuperSpeed
_NODE = "bus/usb/001/002"
_BUS_USB = "0003"  #: of HID devices
#: What a line of a recording cannot hold as it is; umockdev reads it with g_strcompress.
_ESCAPES = {"\\": "\\\\", **{chr(code): f"\\{code:03o}" for code in (*range(0x20), 0x7F)}}


def render_umockdev(spec: DeviceSpec) -> str:
    """The text of a ``.umockdev`` file: the device, its interfaces, and the HID devices at these."""
    strings = {index: text for index, raw in spec.strings if index and (text := string_text(raw)) is not None}
    blocks = [_device(spec, strings), *_interfaces(spec, strings)]
    return "\n\n".join("\n".join(block) for block in blocks) + "\n"


def _device(spec: DeviceSpec, strings: dict[int, str]) -> list[str]:
    raw = (spec.device + b"".join(spec.configurations)).hex().upper()
    head = DeviceDescriptor.view(spec.device)
    first = _configuration(spec)
    value = first.bConfigurationValue if first else 1
    attributes = {"busnum": "1", "devnum": "2", "speed": _SPEEDS[spec.speed], "bConfigurationValue": str(value)}
    lines = [f"P: {_PATH}", f"N: {_NODE}={raw}"]
    lines += _properties("usb", DEVTYPE="usb_device", DRIVER="usb", BUSNUM="001", DEVNUM="002", DEVNAME=f"/dev/{_NODE}")
    if head:
        lines.append(f"E: PRODUCT={head.idVendor:x}/{head.idProduct:x}/{head.bcdDevice:x}")
        attributes |= {
            "idVendor": f"{head.idVendor:04x}",
            "idProduct": f"{head.idProduct:04x}",
            "bcdDevice": f"{head.bcdDevice:04x}",
            "bDeviceClass": f"{head.bDeviceClass:02x}",
            "bDeviceSubClass": f"{head.bDeviceSubClass:02x}",
            "bDeviceProtocol": f"{head.bDeviceProtocol:02x}",
            "bMaxPacketSize0": str(head.bMaxPacketSize0),
            "bNumConfigurations": str(head.bNumConfigurations),
        }
        named = {"manufacturer": head.iManufacturer, "product": head.iProduct, "serial": head.iSerialNumber}
        attributes |= {name: strings[index] for name, index in named.items() if index in strings}
    if first:
        attributes |= {
            "bNumInterfaces": f"{first.bNumInterfaces:2}",
            "bmAttributes": f"{first.bmAttributes:2x}",
            "bMaxPower": f"{first.bMaxPower * _POWER[spec.speed is Speed.SUPER]}mA",
            "configuration": strings.get(first.iConfiguration, ""),
        }
    attributes |= {"maxchild": "0", "rx_lanes": "1", "tx_lanes": "1"}
    lines += (f"A: {name}={_escaped(text)}\\n" for name, text in attributes.items())
    lines.append(f"H: descriptors={raw}")
    if spec.bos:
        lines.append(f"H: bos_descriptors={spec.bos.hex().upper()}")
    return lines


def _configuration(spec: DeviceSpec) -> ConfigurationDescriptor | None:
    """The first, which is the one that is set."""
    return ConfigurationDescriptor.view(spec.configurations[0]) if spec.configurations else None


def _interfaces(spec: DeviceSpec, strings: dict[int, str]) -> Iterator[list[str]]:
    """The interfaces of the first configuration in their first setting, and any other that has a report descriptor."""
    first, reports = _configuration(spec), dict(spec.reports)
    value = first.bConfigurationValue if first else 1
    seen: set[int] = set()
    for descriptor in split(spec.configurations[0]) if spec.configurations else ():
        if not isinstance(descriptor, InterfaceDescriptor) or descriptor.bInterfaceNumber in seen:
            continue
        seen.add(descriptor.bInterfaceNumber)
        yield _interface(descriptor, value, strings)
    identity = ":".join(f"{int.from_bytes(spec.device[at : at + 2], 'little'):04X}" for at in (8, 10))
    for nth, (number, raw) in enumerate(reports.items(), 1):
        path = f"{_PATH}/1-1:{value}.{number}/{_BUS_USB}:{identity}.{nth:04X}"
        yield [f"P: {path}", *_properties("hid"), f"H: report_descriptor={raw.hex().upper()}"]


def _interface(descriptor: InterfaceDescriptor, value: int, strings: dict[int, str]) -> list[str]:
    attributes = {
        "bInterfaceNumber": f"{descriptor.bInterfaceNumber:02x}",
        "bAlternateSetting": f"{descriptor.bAlternateSetting:2}",
        "bNumEndpoints": f"{descriptor.bNumEndpoints:02x}",
        "bInterfaceClass": f"{descriptor.bInterfaceClass:02x}",
        "bInterfaceSubClass": f"{descriptor.bInterfaceSubClass:02x}",
        "bInterfaceProtocol": f"{descriptor.bInterfaceProtocol:02x}",
    }
    if descriptor.iInterface in strings and not descriptor.bAlternateSetting:
        attributes["interface"] = strings[descriptor.iInterface]
    head = [f"P: {_PATH}/1-1:{value}.{descriptor.bInterfaceNumber}", *_properties("usb", DEVTYPE="usb_interface")]
    return [*head, *(f"A: {name}={_escaped(text)}\\n" for name, text in attributes.items())]


def _properties(subsystem: str, **others: str) -> list[str]:
    return [f"E: {key}={value}" for key, value in {"SUBSYSTEM": subsystem, **others}.items()]


def _escaped(text: str) -> str:
    return "".join(_ESCAPES.get(char) or char for char in text)
