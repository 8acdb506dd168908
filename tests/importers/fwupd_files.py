"""Emulations as fwupd writes them, of devices of ours."""

from __future__ import annotations

import base64
import io
import json
import zipfile
from typing import Any

from usbfuzz.case import DeviceSpec
from usbfuzz.descriptors import split
from usbfuzz.descriptors.constants import DIRECTION_IN
from usbfuzz.descriptors.standard import (
    ConfigurationDescriptor,
    DeviceDescriptor,
    EndpointDescriptor,
    InterfaceDescriptor,
)
from usbfuzz.wire import Setup

__all__ = ["archive", "control_event", "emulation", "encoded", "fields", "loaded", "moved_event", "string_event"]

Json = dict[str, Any]


def fields(spec: DeviceSpec, *, extra: bool = False) -> Json:
    """What fwupd keeps of a device's descriptors; with ``extra`` class descriptors, as newer versions do."""
    head = DeviceDescriptor.view(spec.device)
    assert head is not None
    device: Json = {
        "GType": "FuUsbDevice",
        "PlatformId": "3-1.2",
        "Created": "2026-01-02T03:04:05.678901Z",
        "IdVendor": head.idVendor,
        "IdProduct": head.idProduct,
        "Device": head.bcdDevice,
        "USB": head.bcdUSB,
        "Manufacturer": head.iManufacturer,
        "Product": head.iProduct,
        "UsbConfigDescriptors": [],
        "UsbInterfaces": [],
        "UsbHidDescriptors": [encoded(raw) for _, raw in spec.reports],
    }
    for descriptor in split(b"".join(spec.configurations)):
        if isinstance(descriptor, ConfigurationDescriptor):
            known = {"ConfigurationValue": descriptor.bConfigurationValue}
            device["UsbConfigDescriptors"].append(known)
        elif isinstance(descriptor, InterfaceDescriptor):
            device["UsbInterfaces"].append(_interface(descriptor))
        elif isinstance(descriptor, EndpointDescriptor):
            endpoint = {"DescriptorType": 5, "EndpointAddress": descriptor.bEndpointAddress}
            endpoint |= {"MaxPacketSize": descriptor.wMaxPacketSize, "Interval": descriptor.bInterval}
            device["UsbInterfaces"][-1]["UsbEndpoints"].append(endpoint)
        elif extra:
            device["UsbInterfaces"][-1]["ExtraData"] = encoded(descriptor.raw)
    return device


def _interface(descriptor: InterfaceDescriptor) -> Json:
    """fwupd leaves out what is 0."""
    known = {
        "InterfaceNumber": descriptor.bInterfaceNumber,
        "AlternateSetting": descriptor.bAlternateSetting,
        "InterfaceClass": descriptor.bInterfaceClass,
        "InterfaceSubClass": descriptor.bInterfaceSubClass,
        "InterfaceProtocol": descriptor.bInterfaceProtocol,
        "Interface": descriptor.iInterface,
    }
    kept = {name: value for name, value in known.items() if value}
    return {"Length": 9, "DescriptorType": 4, **kept, "UsbEndpoints": []}


def loaded(spec: DeviceSpec) -> list[Json]:
    """The events by which newer versions keep the descriptors whole."""
    raw = spec.device + b"".join(spec.configurations)
    bos = {"Data": encoded(spec.bos)} if spec.bos else {}
    return [
        {"Id": "ReadProp:Key=DEVTYPE", "Data": "usb_device"},
        {"Id": "LoadDescriptor:basename=descriptors", "Data": encoded(raw)},
        {"Id": "LoadDescriptor:basename=bos_descriptors", **bos},
    ]


def string_event(index: int, text: str) -> Json:
    """A string as libusb gives it: a buffer with rubbish behind the text."""
    return {"Id": f"GetStringDescriptor:DescIndex={index:#04x}", "Data": encoded(text.encode() + b"\0\x7f\xa5\0")}


def control_event(setup: Setup, data: bytes = b"", **more: int) -> Json:
    """A control transfer; an IN one names an empty buffer, as fwupd does."""
    buffer = bytes(setup.wLength) if setup.bmRequestType & DIRECTION_IN else data
    return {
        "Id": f"ControlTransfer:Direction={int(not setup.bmRequestType & DIRECTION_IN):#04x},"
        f"RequestType={setup.bmRequestType >> 5 & 3:#04x},Recipient={setup.bmRequestType & 0x1F:#04x},"
        f"Request={setup.bRequest:#04x},Value={setup.wValue:#06x},Idx={setup.wIndex:#06x},"
        f"Data={encoded(buffer)},Length={setup.wLength:#x}",
        **({} if more else {"Data": encoded(data)}),
        **more,
    }


def moved_event(kind: str, bEndpointAddress: int, data: bytes) -> Json:
    """A transfer of kind ``Bulk`` or ``Interrupt``."""
    buffer = bytes(64) if bEndpointAddress & DIRECTION_IN else data
    said = f"{kind}Transfer:Endpoint={bEndpointAddress:#04x},Data={encoded(buffer)},Length={len(buffer):#x}"
    return {"Id": said, "Data": encoded(data)}


def emulation(*devices: Json) -> bytes:
    """One phase."""
    return json.dumps({"FwupdVersion": "2.0.7", "UsbDevices": devices}, indent=2).encode()


def archive(**phases: bytes) -> bytes:
    """What ``fwupdmgr emulation-save`` writes; underscores in the names stand for hyphens."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as zipped:
        for name, raw in phases.items():
            zipped.writestr(f"{name.replace('_', '-')}.json", raw)
    return file.getvalue()


def encoded(raw: bytes) -> str:
    """As base64."""
    return base64.b64encode(raw).decode("ascii")
