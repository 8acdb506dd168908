"""An FT232R serial adapter whose far end sends back what it gets.

The protocol is FTDI's own: requests as ``drivers/usb/serial/ftdi_sio.h`` names them, and two bytes of status in front
of every packet to the host.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import IntEnum
from itertools import islice

from usbfuzz.descriptors.constants import ClassCode, RequestKind
from usbfuzz.device import Device, Reply, build, control_in, control_out, endpoint_in, endpoint_out
from usbfuzz.wire import STALL, Setup, Speed, TransferType

from .echo import Echo

__all__ = ["Ft232r", "SioRequest"]

_IN, _OUT = 0x81, 0x02
_PACKET = 64
_STATUS = 2  #: bytes
_DTR, _RTS = 1 << 0, 1 << 1  #: wValue of MODEM_CTRL; the high byte says which of them to change
_CTS, _DSR, _RLSD = 1 << 4, 1 << 5, 1 << 7  #: modem status
_RESERVED = 1 << 0  #: always set in the modem status of full speed chips
_THRE, _TEMT = 1 << 5, 1 << 6  #: line status: nothing waits to be sent
_EEPROM_WORDS = 64


class SioRequest(IntEnum):
    """bRequest."""

    RESET = 0
    MODEM_CTRL = 1
    SET_FLOW_CTRL = 2
    SET_BAUDRATE = 3
    SET_DATA = 4
    GET_MODEM_STATUS = 5
    SET_EVENT_CHAR = 6
    SET_ERROR_CHAR = 7
    SET_LATENCY_TIMER = 9
    GET_LATENCY_TIMER = 10
    SET_BITMODE = 11
    READ_PINS = 12
    READ_EEPROM = 0x90


class Ft232r(Device):
    """USB serial adapter with a loopback plug: RX on TX, CTS on RTS, DSR and DCD on DTR."""

    speed = Speed.FULL
    device = build.device(
        idVendor=0x0403,
        idProduct=0x6001,
        bcdDevice=0x0600,
        bMaxPacketSize0=8,
        iManufacturer=1,
        iProduct=2,
        iSerialNumber=3,
    )
    strings = ((1, "FTDI"), (2, "FT232R USB UART"), (3, "A0000627"))
    configurations = (
        build.counted(
            build.interface(
                bInterfaceClass=ClassCode.VENDOR_SPECIFIC,
                bInterfaceSubClass=0xFF,
                bInterfaceProtocol=0xFF,
                iInterface=2,
            ),
            build.endpoint(_IN, TransferType.BULK, wMaxPacketSize=_PACKET),
            build.endpoint(_OUT, TransferType.BULK, wMaxPacketSize=_PACKET),
            bmAttributes=0xA0,
            bMaxPower=45,
        ),
    )

    def __init__(self) -> None:
        super().__init__()
        self.divisor = 0  #: wValue and low bits of wIndex of SET_BAUDRATE: 3 MHz by this, in eighths
        self.line = 0  #: wValue of SET_DATA: bits, parity << 8, stop bits << 11, break << 14
        self.latency_ms = 16
        self._outputs = 0
        self._changed = False
        self._echo = Echo(self, _IN, _OUT)

    def status(self) -> bytes:
        """Modem and line status."""
        modem = _RESERVED
        modem |= _CTS if self._outputs & _RTS else 0
        modem |= _DSR | _RLSD if self._outputs & _DTR else 0
        return bytes((modem, _THRE | _TEMT))

    # Requests

    @control_out(kind=RequestKind.VENDOR, bRequest=SioRequest.RESET)
    def reset(self, setup: Setup, _payload: bytes) -> None:
        """0 resets all, 1 and 2 purge one direction."""
        if setup.wValue in {0, 1, 2}:
            self._echo.purge()

    @control_out(kind=RequestKind.VENDOR, bRequest=SioRequest.MODEM_CTRL)
    def modem_control(self, setup: Setup, _payload: bytes) -> None:
        """DTR and RTS, which come back on the loopback plug."""
        mask = setup.wValue >> 8
        self._outputs = self._outputs & ~mask | setup.wValue & mask
        self._changed = True
        self.wake(_IN)

    @control_out(kind=RequestKind.VENDOR, bRequest=SioRequest.SET_BAUDRATE)
    def set_baudrate(self, setup: Setup, _payload: bytes) -> None:
        """A divisor of 3 MHz."""
        self.divisor = setup.wValue | (setup.wIndex & 1) << 16

    @control_out(kind=RequestKind.VENDOR, bRequest=SioRequest.SET_DATA)
    def set_data(self, setup: Setup, _payload: bytes) -> None:
        """Data bits, parity, stop bits, break."""
        self.line = setup.wValue

    @control_out(kind=RequestKind.VENDOR, bRequest=SioRequest.SET_LATENCY_TIMER)
    def set_latency_timer(self, setup: Setup, _payload: bytes) -> None:
        """Milliseconds after which a chip sends what it has."""
        self.latency_ms = setup.wValue & 0xFF

    @control_out(kind=RequestKind.VENDOR, bRequest=SioRequest.SET_FLOW_CTRL)
    @control_out(kind=RequestKind.VENDOR, bRequest=SioRequest.SET_EVENT_CHAR)
    @control_out(kind=RequestKind.VENDOR, bRequest=SioRequest.SET_ERROR_CHAR)
    @control_out(kind=RequestKind.VENDOR, bRequest=SioRequest.SET_BITMODE)
    def take_note(self, _setup: Setup, _payload: bytes) -> None:
        """Accept requests that make no difference on a loopback plug."""

    @control_in(kind=RequestKind.VENDOR, bRequest=SioRequest.GET_MODEM_STATUS)
    def get_modem_status(self, _setup: Setup) -> Reply:
        """The same two bytes that are in front of each packet."""
        return self.status()

    @control_in(kind=RequestKind.VENDOR, bRequest=SioRequest.GET_LATENCY_TIMER)
    def get_latency_timer(self, _setup: Setup) -> Reply:
        """The latency timer in milliseconds."""
        return bytes((self.latency_ms,))

    @control_in(kind=RequestKind.VENDOR, bRequest=SioRequest.READ_PINS)
    def read_pins(self, _setup: Setup) -> Reply:
        """Pins of bit-bang mode: all low."""
        return b"\0"

    @control_in(kind=RequestKind.VENDOR, bRequest=SioRequest.READ_EEPROM)
    def read_eeprom(self, setup: Setup) -> Reply:
        """A word of an EEPROM that was never written."""
        return b"\xff\xff" if setup.wIndex < _EEPROM_WORDS else STALL

    # Data

    @endpoint_out(_OUT)
    def receive(self, payload: bytes) -> Reply:
        """Onto the line."""
        return self._echo.receive(payload)

    @endpoint_in(_IN)
    def send(self, length: int) -> Reply:
        """Packets of status and at most 62 bytes.

        A chip sends its status every :attr:`latency_ms` even when nothing has changed; this one only when something
        has, since each transfer costs the guest.
        """
        packets = b"".join(islice(self._packets(), max(length // _PACKET, 1)))
        if not packets and not self._changed:
            return None
        self._changed = False
        return packets or self.status()

    def _packets(self) -> Iterator[bytes]:
        while data := self._echo.take(_PACKET - _STATUS):
            yield self.status() + data
