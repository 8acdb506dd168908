"""What passes between a host and a device: speeds, setup packets and answers."""

from __future__ import annotations

import struct
from enum import Enum, IntEnum

from attrs import frozen

__all__ = ["NAK", "NEVER", "STALL", "Answer", "Setup", "Speed", "Status", "TransferType", "data"]


class Speed(Enum):
    """Bus speed; values are the words used in case files."""

    LOW = "low"
    FULL = "full"
    HIGH = "high"
    SUPER = "super"


class TransferType(IntEnum):
    """Endpoint transfer type, bmAttributes bits 1:0. USB 2.0 table 9-13."""

    CONTROL = 0
    ISOCHRONOUS = 1
    BULK = 2
    INTERRUPT = 3


class Status(Enum):
    """How a transfer ends; values are the words used in case files."""

    OK = "ok"
    STALL = "stall"
    BABBLE = "babble"
    IO_ERROR = "io-error"
    CANCELLED = "cancelled"
    TIMEOUT = "timeout"
    INVAL = "inval"
    NAK = "nak"  #: not now: the channel asks again when the device says it is ready
    NEVER = "never"  #: no answer at all: the host waits until its own timeout


@frozen
class Setup:
    """Setup packet, 8 bytes. USB 2.0 §9.3."""

    bmRequestType: int
    bRequest: int
    wValue: int
    wIndex: int
    wLength: int

    @property
    def is_in(self) -> bool:
        """Device to host."""
        return bool(self.bmRequestType & 0x80)

    def pack(self) -> bytes:
        """The 8 bytes on the wire."""
        return struct.pack("<BBHHH", self.bmRequestType, self.bRequest, self.wValue, self.wIndex, self.wLength)

    @classmethod
    def unpack(cls, raw: bytes) -> Setup:
        """Parse 8 bytes; raises struct.error on any other length."""
        return cls(*struct.unpack("<BBHHH", raw))


@frozen
class Answer:
    """One answer of a device to one transfer.

    ``data`` is what an IN transfer returns, of any length: shorter than asked is a short answer, longer a long one
    (the channel delivers it as the host controller would: truncated, or truncated and babble). ``delay_ms`` is in
    milliseconds of the guest's clock.
    """

    status: Status = Status.OK
    data: bytes = b""
    delay_ms: int = 0


STALL = Answer(Status.STALL)
NAK = Answer(Status.NAK)
NEVER = Answer(Status.NEVER)


def data(payload: bytes) -> Answer:
    """An IN answer that carries ``payload``; an OUT answer that accepts."""
    return Answer(Status.OK, bytes(payload))
