"""Devices with HID interfaces: report descriptors and the class requests a host uses while it binds a driver."""

from __future__ import annotations

from collections.abc import Iterator

from usbfuzz.descriptors.constants import (
    ClassCode,
    ClassRequest,
    DescriptorType,
    Recipient,
    RequestKind,
    StandardRequest,
)
from usbfuzz.wire import STALL, Answer, Setup

from .base import Device
from .handlers import Reply, control_in, control_out

__all__ = ["HidDevice"]

_BOOT, _REPORT = 0, 1


class HidDevice(Device):
    """A device some of whose interfaces are HID: those of class 3, and those with an entry in ``reports``.

    GET_REPORT gives back what SET_REPORT last stored, else zeros, so that drivers which write a mode and read it again
    are content. Requests to any other interface are stalled. HID 1.11 §7.
    """

    reports: tuple[tuple[int, bytes], ...] = ()  #: (bInterfaceNumber, report descriptor)

    def __init__(self) -> None:
        super().__init__()
        self._report_of = dict(self.reports)
        self._class_descriptor: dict[int, bytes] = {}
        for raw in self.configurations:
            for bInterfaceNumber, descriptor in _hid_descriptors(raw):
                self._class_descriptor.setdefault(bInterfaceNumber, descriptor)
        self._hid = frozenset(self._report_of) | frozenset(self._class_descriptor)
        self._stored: dict[tuple[int, int], bytes] = {}
        self._idle: dict[tuple[int, int], int] = {}
        self._protocol: dict[int, int] = {}

    @control_in(kind=RequestKind.STANDARD, bRequest=StandardRequest.GET_DESCRIPTOR, recipient=Recipient.INTERFACE)
    def get_interface_descriptor(self, setup: Setup) -> Reply:
        """HID class descriptor and report descriptor of an interface. HID 1.11 §7.1.1."""
        bInterfaceNumber = setup.wIndex & 0xFF
        if setup.wValue >> 8 == DescriptorType.HID_REPORT:
            return self._report_of.get(bInterfaceNumber, STALL)
        if setup.wValue >> 8 == DescriptorType.FUNCTIONAL:
            return self._class_descriptor.get(bInterfaceNumber) or STALL
        return STALL

    @control_in(bRequest=ClassRequest.HID_GET_REPORT, recipient=Recipient.INTERFACE)
    def get_report(self, setup: Setup) -> Reply:
        """The stored report, or a report of zeros as long as asked."""
        if setup.wIndex & 0xFF not in self._hid:
            return STALL
        stored = self._stored.get((setup.wIndex, setup.wValue))
        if stored is not None:
            return stored
        report_id = setup.wValue & 0xFF
        return bytes((report_id,)) + bytes(max(setup.wLength - 1, 0))

    @control_out(bRequest=ClassRequest.HID_SET_REPORT, recipient=Recipient.INTERFACE)
    def set_report(self, setup: Setup, payload: bytes) -> Reply:
        """Store the report for GET_REPORT."""
        if setup.wIndex & 0xFF not in self._hid:
            return STALL
        self._stored[setup.wIndex, setup.wValue] = payload
        return None

    @control_in(bRequest=ClassRequest.HID_GET_IDLE, recipient=Recipient.INTERFACE)
    def get_idle(self, setup: Setup) -> Reply:
        """The idle rate of a report, in units of 4 ms; 0 is indefinite."""
        return self._of_hid(setup, self._idle.get((setup.wIndex, setup.wValue & 0xFF), 0))

    @control_out(bRequest=ClassRequest.HID_SET_IDLE, recipient=Recipient.INTERFACE)
    def set_idle(self, setup: Setup, _payload: bytes) -> Reply:
        """Remember the idle rate."""
        if setup.wIndex & 0xFF not in self._hid:
            return STALL
        self._idle[setup.wIndex, setup.wValue & 0xFF] = setup.wValue >> 8
        return None

    @control_in(bRequest=ClassRequest.HID_GET_PROTOCOL, recipient=Recipient.INTERFACE)
    def get_protocol(self, setup: Setup) -> Reply:
        """0: boot, 1: report."""
        return self._of_hid(setup, self._protocol.get(setup.wIndex, _REPORT))

    @control_out(bRequest=ClassRequest.HID_SET_PROTOCOL, recipient=Recipient.INTERFACE)
    def set_protocol(self, setup: Setup, _payload: bytes) -> Reply:
        """Switch between boot and report protocol."""
        if setup.wIndex & 0xFF not in self._hid or setup.wValue not in (_BOOT, _REPORT):
            return STALL
        self._protocol[setup.wIndex] = setup.wValue
        return None

    def _of_hid(self, setup: Setup, value: int) -> bytes | Answer:
        return bytes((value,)) if setup.wIndex & 0xFF in self._hid else STALL


def _hid_descriptors(configuration: bytes) -> Iterator[tuple[int, bytes]]:
    """(bInterfaceNumber, HID descriptor) of each HID interface; an empty descriptor when it has none.

    Read as the kernel does, up to the first descriptor that is cut short (drivers/usb/core/config.c).
    """
    offset, current, descriptor = 0, None, b""
    while offset + 2 <= len(configuration) and 2 <= configuration[offset] <= len(configuration) - offset:
        raw = configuration[offset : offset + configuration[offset]]
        offset += len(raw)
        if raw[1] == DescriptorType.INTERFACE and len(raw) >= 9:
            if current is not None:
                yield current, descriptor
            current, descriptor = (raw[2], b"") if raw[5] == ClassCode.HID else (None, b"")
        elif raw[1] == DescriptorType.FUNCTIONAL and not descriptor:
            descriptor = raw
    if current is not None:
        yield current, descriptor
