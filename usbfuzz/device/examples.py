"""Small well-behaved devices: for measuring, for a first look, and to copy from."""

from __future__ import annotations

from usbfuzz.descriptors.constants import ClassCode, ClassRequest, Recipient
from usbfuzz.wire import Setup, Speed, TransferType

from . import build
from .base import Device
from .handlers import Reply, control_in, control_out, endpoint_in, endpoint_out
from .hid import HidDevice

__all__ = ["BOOT_KEYBOARD_REPORT", "BOOT_MOUSE_REPORT", "Keyboard", "Mouse", "SerialLoopback"]

_BOOT_SUBCLASS, _KEYBOARD_PROTOCOL, _MOUSE_PROTOCOL = 1, 1, 2

#: Three buttons, X and Y: the boot mouse report, 3 bytes. HID 1.11 appendix E.10.
BOOT_MOUSE_REPORT = bytes.fromhex(
    "05 01 09 02 a1 01 09 01 a1 00 05 09 19 01 29 03 15 00 25 01 95 03 75 01 81 02 95 01 75 05 81 01"
    "05 01 09 30 09 31 15 81 25 7f 75 08 95 02 81 06 c0 c0"
)

#: Eight modifiers, five LEDs, six keys: the boot keyboard report, 8 bytes in, 1 byte out. HID 1.11 appendix E.6.
BOOT_KEYBOARD_REPORT = bytes.fromhex(
    "05 01 09 06 a1 01 05 07 19 e0 29 e7 15 00 25 01 75 01 95 08 81 02 95 01 75 08 81 01 95 05 75 01"
    "05 08 19 01 29 05 91 02 95 01 75 03 91 01 95 06 75 08 15 00 25 65 05 07 19 00 29 65 81 00 c0"
)


class Mouse(HidDevice):
    """Boot mouse that lies still: the quickest device to enumerate and bind, the one the benchmark plugs."""

    speed = Speed.HIGH
    device = build.device(idVendor=0x0627, idProduct=0x0001, iManufacturer=1, iProduct=2)
    strings = ((1, "usbfuzz"), (2, "Boot mouse"))
    reports = ((0, BOOT_MOUSE_REPORT),)
    configurations = (
        build.configuration(
            build.interface(
                bInterfaceClass=ClassCode.HID, bInterfaceSubClass=_BOOT_SUBCLASS, bInterfaceProtocol=_MOUSE_PROTOCOL
            ),
            build.hid(BOOT_MOUSE_REPORT),
            build.endpoint(0x81, TransferType.INTERRUPT, wMaxPacketSize=4, bInterval=7),
        ),
    )


class Keyboard(HidDevice):
    """Boot keyboard that types what :meth:`press` is given, one usage of page 7 at a time."""

    speed = Speed.FULL
    device = build.device(idVendor=0x0627, idProduct=0x0002, bMaxPacketSize0=8, iManufacturer=1, iProduct=2)
    strings = ((1, "usbfuzz"), (2, "Boot keyboard"))
    reports = ((0, BOOT_KEYBOARD_REPORT),)
    configurations = (
        build.configuration(
            build.interface(
                bInterfaceClass=ClassCode.HID, bInterfaceSubClass=_BOOT_SUBCLASS, bInterfaceProtocol=_KEYBOARD_PROTOCOL
            ),
            build.hid(BOOT_KEYBOARD_REPORT),
            build.endpoint(0x81, TransferType.INTERRUPT, wMaxPacketSize=8, bInterval=10),
        ),
    )

    def __init__(self) -> None:
        super().__init__()
        self._pending: list[bytes] = []

    def press(self, usage: int) -> None:
        """Press and release one key; ``usage`` is on the keyboard page, 4 is ``a``. HUT 1.5 §10."""
        self._pending += [bytes((0, 0, usage, 0, 0, 0, 0, 0)), bytes(8)]
        self.wake(0x81)

    @endpoint_in(0x81)
    def report(self, _length: int) -> Reply:
        """The next report, or nothing."""
        return self._pending.pop(0) if self._pending else None


class SerialLoopback(Device):
    """CDC ACM modem that sends back every byte it gets. CDC PSTN 1.2."""

    device = build.device(idVendor=0x0627, idProduct=0x0003, bDeviceClass=ClassCode.COMMUNICATIONS, iProduct=1)
    strings = ((1, "Serial loopback"),)
    configurations = (
        build.configuration(
            build.interface(0, bInterfaceClass=ClassCode.COMMUNICATIONS, bInterfaceSubClass=2, bInterfaceProtocol=1),
            bytes.fromhex("05 24 00 10 01"),  # header, CDC 1.10
            bytes.fromhex("04 24 02 02"),  # abstract control: line coding and state
            bytes.fromhex("05 24 06 00 01"),  # union: interface 0 controls 1
            build.endpoint(0x83, TransferType.INTERRUPT, wMaxPacketSize=16, bInterval=9),
            build.interface(1, bInterfaceClass=ClassCode.CDC_DATA, bNumEndpoints=2),
            build.endpoint(0x81, TransferType.BULK, wMaxPacketSize=512),
            build.endpoint(0x02, TransferType.BULK, wMaxPacketSize=512),
        ),
    )

    def __init__(self) -> None:
        super().__init__()
        self._line_coding = bytes.fromhex("80 25 00 00 00 00 08")  # 9600 8N1
        self._echo = bytearray()

    @control_in(bRequest=ClassRequest.CDC_GET_LINE_CODING, recipient=Recipient.INTERFACE)
    def get_line_coding(self, _setup: Setup) -> Reply:
        """dwDTERate, bCharFormat, bParityType, bDataBits."""
        return self._line_coding

    @control_out(bRequest=ClassRequest.CDC_SET_LINE_CODING, recipient=Recipient.INTERFACE)
    def set_line_coding(self, _setup: Setup, payload: bytes) -> None:
        """Remember the line coding."""
        self._line_coding = payload

    @control_out(bRequest=ClassRequest.CDC_SET_CONTROL_LINE_STATE, recipient=Recipient.INTERFACE)
    def set_control_line_state(self, _setup: Setup, _payload: bytes) -> None:
        """DTR and RTS lead nowhere."""

    @endpoint_out(0x02)
    def receive(self, payload: bytes) -> None:
        """Keep the bytes for the way back."""
        self._echo += payload
        self.wake(0x81)

    @endpoint_in(0x81)
    def send(self, length: int) -> Reply:
        """At most ``length`` of the bytes that wait."""
        if not self._echo:
            return None
        head = bytes(self._echo[:length])
        del self._echo[:length]
        return head
