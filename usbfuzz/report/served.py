"""What a device answers to GET_DESCRIPTOR when no script does, as tables for repro.py and repro.c."""

from __future__ import annotations

from attrs import evolve, frozen

from usbfuzz.case.model import DeviceSpec
from usbfuzz.case.play import ScriptedDevice
from usbfuzz.descriptors.constants import (
    DIRECTION_IN,
    ClassRequest,
    DescriptorType,
    Recipient,
    RequestKind,
    StandardRequest,
)
from usbfuzz.wire import Setup, Status

__all__ = ["Served", "served"]

_MOST = 0xFFFF  #: the largest wLength
_OF_INTERFACE = DIRECTION_IN | Recipient.INTERFACE
_HID_IN = DIRECTION_IN | RequestKind.CLASS | Recipient.INTERFACE
_SINGLE = (DescriptorType.DEVICE, DescriptorType.DEVICE_QUALIFIER, DescriptorType.BOS)
_INDEXED = (DescriptorType.CONFIGURATION, DescriptorType.STRING)


@frozen
class Served:
    """Descriptors by wValue, those of interfaces by (bDescriptorType, bInterfaceNumber), and the HID interfaces."""

    device: dict[int, bytes]
    interface: dict[tuple[int, int], bytes]
    hid: tuple[int, ...]


def served(spec: DeviceSpec) -> Served:
    """The tables of a device, made from the answers of its :class:`ScriptedDevice`, so that the two cannot differ."""
    device = ScriptedDevice(evolve(spec, control=(), endpoints=()))

    def ask(bmRequestType: int, bRequest: int, wValue: int, wIndex: int = 0) -> bytes | None:
        answer = device.on_control(Setup(bmRequestType, bRequest, wValue, wIndex, _MOST), b"")
        return answer.data if answer.status is Status.OK else None

    def descriptor(kind: int, wValue: int, wIndex: int = 0) -> bytes | None:
        return ask(kind, StandardRequest.GET_DESCRIPTOR, wValue, wIndex)

    wValues = [kind << 8 for kind in _SINGLE] + [kind << 8 | index for kind in _INDEXED for index in range(256)]
    kinds = (DescriptorType.FUNCTIONAL, DescriptorType.HID_REPORT)
    return Served(
        device={wValue: raw for wValue in wValues if (raw := descriptor(DIRECTION_IN, wValue)) is not None},
        interface={
            (int(kind), number): raw
            for number in range(256)
            for kind in kinds
            if (raw := descriptor(_OF_INTERFACE, kind << 8, number)) is not None
        },
        hid=tuple(n for n in range(256) if ask(_HID_IN, ClassRequest.HID_GET_IDLE, 0, n) is not None),
    )
