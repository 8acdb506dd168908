"""A CDC ACM modem whose far end sends back what it gets. CDC 1.2, PSTN subclass 1.2."""

from __future__ import annotations

import struct
from enum import IntEnum, IntFlag

from attrs import frozen

from usbfuzz.descriptors import cdc
from usbfuzz.descriptors.constants import ClassCode, ClassRequest, Recipient
from usbfuzz.device import Device, Reply, build, control_in, control_out, endpoint_in, endpoint_out
from usbfuzz.wire import STALL, Setup, TransferType

from .echo import Echo

__all__ = ["ControlLine", "LineCoding", "Modem", "Parity", "SerialState"]

_ABSTRACT_CONTROL, _AT_COMMANDS = 2, 1  #: bInterfaceSubClass, bInterfaceProtocol
_CONTROL, _DATA = 0, 1  #: bInterfaceNumber
_IN, _OUT, _NOTIFY = 0x81, 0x02, 0x83
_LINE, _BREAK = 0x02, 0x04  #: bmCapabilities: line coding and state, SEND_BREAK
_SERIAL_STATE = 0x20  #: bNotification


class ControlLine(IntFlag):
    """wValue of SET_CONTROL_LINE_STATE. PSTN table 18."""

    DTR = 1 << 0
    RTS = 1 << 1


class SerialState(IntFlag):
    """UART state bits of a SERIAL_STATE notification. PSTN table 31."""

    RX_CARRIER = 1 << 0  #: DCD
    TX_CARRIER = 1 << 1  #: DSR
    BREAK = 1 << 2
    RING_SIGNAL = 1 << 3
    FRAMING = 1 << 4
    PARITY = 1 << 5
    OVERRUN = 1 << 6


_QUIET = SerialState(0)


class Parity(IntEnum):
    """bParityType."""

    NONE = 0
    ODD = 1
    EVEN = 2
    MARK = 3
    SPACE = 4


@frozen
class LineCoding:
    """What the host set the line to. PSTN table 17."""

    dwDTERate: int  #: bits per second
    bCharFormat: int  #: 0: 1 stop bit, 1: 1.5, 2: 2
    bParityType: Parity
    bDataBits: int

    @classmethod
    def parse(cls, raw: bytes) -> LineCoding:
        """Raises ValueError when it is no line coding."""
        if len(raw) != 7:
            raise ValueError(f"a line coding of {len(raw)} bytes")
        rate, stop, parity, bits = struct.unpack("<IBBB", raw)
        return cls(rate, stop, Parity(parity), bits)

    def pack(self) -> bytes:
        """The 7 bytes on the wire."""
        return struct.pack("<IBBB", self.dwDTERate, self.bCharFormat, self.bParityType, self.bDataBits)


class Modem(Device):
    """Modem on a line that echoes: every byte comes back, a break too; the carrier is there while DTR is set."""

    device = build.device(
        idVendor=0x0627, idProduct=0x0201, bDeviceClass=ClassCode.COMMUNICATIONS, iManufacturer=1, iProduct=2
    )
    strings = ((1, "usbfuzz"), (2, "Modem"))
    configurations = (
        build.counted(
            build.interface(
                _CONTROL,
                bInterfaceClass=ClassCode.COMMUNICATIONS,
                bInterfaceSubClass=_ABSTRACT_CONTROL,
                bInterfaceProtocol=_AT_COMMANDS,
            ),
            cdc.Header(),
            cdc.CallManagement(bmCapabilities=0, bDataInterface=_DATA),
            cdc.AbstractControlManagement(bmCapabilities=_LINE | _BREAK),
            cdc.Union(bControlInterface=_CONTROL, bSubordinateInterface=(_DATA,)),
            build.endpoint(_NOTIFY, TransferType.INTERRUPT, wMaxPacketSize=16, bInterval=9),
            build.interface(_DATA, bInterfaceClass=ClassCode.CDC_DATA),
            build.endpoint(_IN, TransferType.BULK, wMaxPacketSize=512),
            build.endpoint(_OUT, TransferType.BULK, wMaxPacketSize=512),
        ),
    )

    def __init__(self) -> None:
        super().__init__()
        self.line_coding = LineCoding(9600, 0, Parity.NONE, 8)
        self.lines = ControlLine(0)
        self.state = _QUIET
        self._told, self._irregular = _QUIET, _QUIET
        self._echo = Echo(self, _IN, _OUT)

    @control_in(bRequest=ClassRequest.CDC_GET_LINE_CODING, recipient=Recipient.INTERFACE)
    def get_line_coding(self, _setup: Setup) -> Reply:
        """As the host set it."""
        return self.line_coding.pack()

    @control_out(bRequest=ClassRequest.CDC_SET_LINE_CODING, recipient=Recipient.INTERFACE)
    def set_line_coding(self, _setup: Setup, payload: bytes) -> Reply:
        """Keep a line coding; stall anything else."""
        try:
            self.line_coding = LineCoding.parse(payload)
        except ValueError:
            return STALL
        return None

    @control_out(bRequest=ClassRequest.CDC_SET_CONTROL_LINE_STATE, recipient=Recipient.INTERFACE)
    def set_control_line_state(self, setup: Setup, _payload: bytes) -> None:
        """The carrier is there while DTR is set."""
        self.lines = ControlLine(setup.wValue & 3)
        off_the_hook = self.lines & ControlLine.DTR
        self.notify(SerialState.RX_CARRIER | SerialState.TX_CARRIER if off_the_hook else _QUIET)

    @control_out(bRequest=ClassRequest.CDC_SEND_BREAK, recipient=Recipient.INTERFACE)
    def send_break(self, setup: Setup, _payload: bytes) -> None:
        """Echoed once; wValue is how many milliseconds it lasts, 0 ends one. PSTN §6.3.13."""
        if setup.wValue:
            self.notify(self.state, SerialState.BREAK)

    def notify(self, state: SerialState, irregular: SerialState = _QUIET) -> None:
        """A new state of the line, and what happened on it; the host sees the latest state, and all that happened."""
        self.state = state
        self._irregular |= irregular
        self.wake(_NOTIFY)

    @endpoint_in(_NOTIFY)
    def notification(self, _length: int) -> Reply:
        """SERIAL_STATE, 10 bytes, when something changed. PSTN §6.5.4."""
        if self.state == self._told and not self._irregular:
            return None
        now, self._told, self._irregular = self.state | self._irregular, self.state, _QUIET
        return struct.pack("<BBHHHH", 0xA1, _SERIAL_STATE, 0, _CONTROL, 2, now)

    @endpoint_out(_OUT)
    def receive(self, payload: bytes) -> Reply:
        """Put bytes on the line."""
        return self._echo.receive(payload)

    @endpoint_in(_IN)
    def send(self, length: int) -> Reply:
        """Bytes that came back from the line."""
        return self._echo.take(length)
