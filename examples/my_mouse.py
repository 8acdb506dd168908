"""A device of your own: a mouse that draws a square.

::

    usbfuzz plug examples/my_mouse.py

The class body is the data sheet: the descriptors are the bytes the kernel reads, and a decorated method answers what
it asks for. Whatever the class does not mention is answered as USB 2.0 chapter 9 and HID 1.11 want it. Change a number,
plug it in again, and see what the driver makes of it.
"""

from __future__ import annotations

from itertools import cycle

from usbfuzz.descriptors.constants import ClassCode
from usbfuzz.device import HidDevice, Reply, build, endpoint_in
from usbfuzz.wire import Speed, TransferType

#: Three buttons, then X and Y as signed bytes: reports of 3 bytes. HID 1.11 appendix E.10.
REPORT = bytes.fromhex("""
    05 01 09 02 a1 01 09 01 a1 00  05 09 19 01 29 03 15 00 25 01 75 01 95 03 81 02  75 05 95 01 81 01
    05 01 09 30 09 31 15 81 25 7f 75 08 95 02 81 06  c0 c0
""")

RIGHT, DOWN, LEFT, UP = b"\x00\x05\x00", b"\x00\x00\x05", b"\x00\xfb\x00", b"\x00\x00\xfb"


class MyMouse(HidDevice):
    """A mouse of ours that moves by itself."""

    speed = Speed.FULL
    device = build.device(idVendor=0x1209, idProduct=0x0001, iManufacturer=1, iProduct=2)
    strings = ((1, "Example"), (2, "My mouse"))
    reports = ((0, REPORT),)
    configurations = (
        build.configuration(
            build.interface(bInterfaceClass=ClassCode.HID, bInterfaceSubClass=1, bInterfaceProtocol=2),
            build.hid(REPORT),
            build.endpoint(0x81, TransferType.INTERRUPT, wMaxPacketSize=4, bInterval=10),
        ),
    )

    def __init__(self) -> None:
        super().__init__()
        self._moves = cycle([RIGHT] * 20 + [DOWN] * 20 + [LEFT] * 20 + [UP] * 20)

    @endpoint_in(0x81)
    def move(self, _length: int) -> Reply:
        """The kernel polls the endpoint while something has the mouse open."""
        return next(self._moves)
