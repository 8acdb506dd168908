"""A keyboard one can type on, with lights."""

from __future__ import annotations

from enum import IntFlag

from usbfuzz.descriptors.constants import ClassCode
from usbfuzz.descriptors.hid import BOOT_KEYBOARD_REPORT
from usbfuzz.device import Reply, build
from usbfuzz.wire import STALL, Setup, Speed, TransferType

from .reports import Reporting

__all__ = ["Keyboard", "Led"]

_SHIFT = 0x02  #: left
_ROWS = (  # usages of page 7 from the first on: without shift, with it. HUT 1.5 §10, US layout
    (0x04, "abcdefghijklmnopqrstuvwxyz", "ABCDEFGHIJKLMNOPQRSTUVWXYZ"),
    (0x1E, "1234567890\n", "!@#$%^&*()\n"),
    (0x2B, "\t -=[]\\", "\t _+{}|"),
    (0x33, ";'`,./", ':"~<>?'),
)
_KEYS = {
    key: (modifier, first + at)
    for first, *rows in _ROWS
    for modifier, row in zip((_SHIFT, 0), reversed(rows), strict=True)
    for at, key in enumerate(row)
}


class Led(IntFlag):
    """The lights, as bits of the output report. HID 1.11 appendix B.1."""

    NUM_LOCK = 0x01
    CAPS_LOCK = 0x02
    SCROLL_LOCK = 0x04
    COMPOSE = 0x08
    KANA = 0x10


class Keyboard(Reporting):
    """A boot keyboard that types text; ``leds`` are the lights the host has switched on."""

    speed = Speed.FULL
    device = build.device(idVendor=0x0627, idProduct=0x0002, bMaxPacketSize0=8, iManufacturer=1, iProduct=2)
    strings = ((1, "usbfuzz"), (2, "Boot keyboard"))
    reports = ((0, BOOT_KEYBOARD_REPORT),)
    configurations = (
        build.configuration(
            build.interface(bInterfaceClass=ClassCode.HID, bInterfaceSubClass=1, bInterfaceProtocol=1),
            build.hid(BOOT_KEYBOARD_REPORT),
            build.endpoint(0x81, TransferType.INTERRUPT, wMaxPacketSize=8, bInterval=10),
        ),
    )

    def __init__(self) -> None:
        super().__init__()
        self.leds = Led(0)

    def type(self, text: str) -> None:
        """Press and release a key for each character; raises KeyError for one a US keyboard does not have."""
        for modifier, usage in [_KEYS[character] for character in text]:
            self.press(usage, modifier)

    def press(self, usage: int, modifier: int = 0) -> None:
        """Press and release one key; ``usage`` is on the keyboard page, 4 is ``a``. HUT 1.5 §10."""
        self.send(bytes((modifier, 0, usage, 0, 0, 0, 0, 0)), bytes(8))

    def set_report(self, setup: Setup, payload: bytes) -> Reply:
        """The output report switches the lights."""
        if setup.wIndex or not payload:
            return STALL
        self.leds = Led(payload[0] & 0x1F)
        return None
