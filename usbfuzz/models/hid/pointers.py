"""Mice and a graphics tablet."""

from __future__ import annotations

import struct

from usbfuzz.descriptors.constants import ClassCode
from usbfuzz.descriptors.hid import BOOT_MOUSE_REPORT
from usbfuzz.descriptors.hid_writer import INPUT, HidReport
from usbfuzz.device import HidDevice, build
from usbfuzz.wire import Speed, TransferType

from .reports import Reporting

__all__ = ["BootMouse", "Mouse", "Tablet"]

_GENERIC_DESKTOP, _DIGITIZERS, _BUTTONS = 0x01, 0x0D, 0x09
_MOUSE, _X, _Y, _WHEEL = 0x02, 0x30, 0x31, 0x38
_PEN, _STYLUS, _IN_RANGE, _TIP_SWITCH, _BARREL_SWITCH, _TIP_PRESSURE = 0x02, 0x20, 0x32, 0x42, 0x44, 0x30
_PHYSICAL, _RELATIVE = 0, 6  #: kind of collection; flags of a field: data, variable, relative


def _mouse_report() -> bytes:
    """Three buttons, then X, Y and wheel of 8 bits each."""
    report = HidReport().page(_GENERIC_DESKTOP)
    with report.collection(_MOUSE), report.collection(1, _PHYSICAL):
        report.page(_BUTTONS).span(INPUT, 1, 3, 1, 3).pad(INPUT, 5)
        report.page(_GENERIC_DESKTOP).field(INPUT, (_X, _Y, _WHEEL), 8, low=-127, high=127, flags=_RELATIVE)
    return bytes(report.raw)


def _tablet_report() -> bytes:
    """In range, tip and barrel switch, then X and Y of 16 bits, pressure of 16 bits."""
    report = HidReport().page(_DIGITIZERS)
    with report.collection(_PEN), report.collection(_STYLUS, _PHYSICAL):
        report.field(INPUT, (_IN_RANGE, _TIP_SWITCH, _BARREL_SWITCH), 1).pad(INPUT, 5)
        report.page(_GENERIC_DESKTOP).field(INPUT, (_X, _Y), 16, high=0x7FFF)
        report.page(_DIGITIZERS).field(INPUT, (_TIP_PRESSURE,), 16, high=0x0FFF)
    return bytes(report.raw)


_MOUSE_REPORT, _TABLET_REPORT = _mouse_report(), _tablet_report()


class BootMouse(HidDevice):
    """Boot mouse that never moves: the quickest device to enumerate and bind, the one the benchmark plugs."""

    speed = Speed.HIGH
    device = build.device(idVendor=0x0627, idProduct=0x0001, iManufacturer=1, iProduct=2)
    strings = ((1, "usbfuzz"), (2, "Boot mouse"))
    reports = ((0, BOOT_MOUSE_REPORT),)
    configurations = (
        build.configuration(
            build.interface(bInterfaceClass=ClassCode.HID, bInterfaceSubClass=1, bInterfaceProtocol=2),
            build.hid(BOOT_MOUSE_REPORT),
            build.endpoint(0x81, TransferType.INTERRUPT, wMaxPacketSize=4, bInterval=7),
        ),
    )


class Mouse(Reporting):
    """A mouse with three buttons and a wheel."""

    speed = Speed.LOW
    device = build.device(idVendor=0x0627, idProduct=0x0302, bMaxPacketSize0=8, iManufacturer=1, iProduct=2)
    strings = ((1, "usbfuzz"), (2, "Mouse"))
    reports = ((0, _MOUSE_REPORT),)
    configurations = (
        build.configuration(
            build.interface(bInterfaceClass=ClassCode.HID, bInterfaceSubClass=1, bInterfaceProtocol=2),
            build.hid(_MOUSE_REPORT),
            build.endpoint(0x81, TransferType.INTERRUPT, wMaxPacketSize=4, bInterval=10),
        ),
    )

    def move(self, x: int = 0, y: int = 0, wheel: int = 0, buttons: int = 0) -> None:
        """Move by -127 to 127 counts each, with the buttons of a mask (1 left, 2 right, 4 middle) held down."""
        self.send(struct.pack("<Bbbb", buttons, x, y, wheel))


class Tablet(Reporting):
    """A pen on a surface of 32768 by 32768 points."""

    speed = Speed.FULL
    device = build.device(idVendor=0x0627, idProduct=0x0303, bMaxPacketSize0=8, iManufacturer=1, iProduct=2)
    strings = ((1, "usbfuzz"), (2, "Tablet"))
    reports = ((0, _TABLET_REPORT),)
    configurations = (
        build.configuration(
            build.interface(bInterfaceClass=ClassCode.HID),
            build.hid(_TABLET_REPORT),
            build.endpoint(0x81, TransferType.INTERRUPT, wMaxPacketSize=8, bInterval=5),
        ),
    )

    def hover(self, x: int, y: int) -> None:
        """Hold the pen above a point, 0 to 32767 each way."""
        self.send(struct.pack("<BHHH", 0b001, x, y, 0))

    def draw(self, x: int, y: int, pressure: int, *, barrel: bool = False) -> None:
        """Press the pen on a point; ``pressure`` is 1 to 4095."""
        self.send(struct.pack("<BHHH", 0b011 | barrel << 2, x, y, pressure))

    def lift(self) -> None:
        """Take the pen out of range."""
        self.send(bytes(7))
