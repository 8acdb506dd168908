"""The same questions to two devices."""

from __future__ import annotations

from usbfuzz.case import DeviceSpec
from usbfuzz.descriptors.constants import DescriptorType
from usbfuzz.device import Device
from usbfuzz.report.requests import endpoint_reads, scripted_requests
from usbfuzz.wire import Setup

__all__ = ["behaviour"]

_ENDS = 255
_KINDS = (DescriptorType.DEVICE, DescriptorType.CONFIGURATION, DescriptorType.STRING, DescriptorType.BOS)
_UNSCRIPTED = (Setup(0x80, 0, 0, 0, 2), Setup(0x81, 6, 0x2100, 0, _ENDS), Setup(0xA1, 1, 0x0100, 0, 8))


def behaviour(device: Device, spec: DeviceSpec) -> list[object]:
    """What a new device says to all that the scripts of ``spec`` have answers to, in order, and to some more."""
    value = spec.configurations[0][5:6] if spec.configurations else b""
    said: list[object] = [device.on_set_configuration(value[0] if value else 1), device.layout()]
    said += [device.on_control(setup, b"") for setup in scripted_requests(spec)]
    said += [device.on_control(Setup(0x80, 6, kind << 8 | at, 0, _ENDS), b"") for kind in _KINDS for at in range(4)]
    said += [device.on_control(Setup(0x81, 6, 0x2200, number, 4096), b"") for number in range(4)]
    said += [device.on_control(setup, b"") for setup in _UNSCRIPTED]
    for address, count in endpoint_reads(spec):
        for _ in range(count):
            said.append(device.on_in(address, 64) if address & 0x80 else device.on_out(address, b""))
    return said
