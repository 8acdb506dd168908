"""A smart card reader. Device Class Specification for Integrated Circuit(s) Cards Interface Devices (CCID) 1.10."""

from __future__ import annotations

import struct
from enum import IntEnum

from attrs import frozen

from usbfuzz.descriptors.ccid import CcidDescriptor
from usbfuzz.descriptors.constants import ClassCode
from usbfuzz.device import Device, Reply, build, endpoint_in, endpoint_out
from usbfuzz.wire import Speed, TransferType

from .card import Card

__all__ = ["Command", "Reader", "Response"]

_OUT, _IN, _NOTIFY = 0x01, 0x82, 0x83  #: bEndpointAddress
_HEADER = struct.Struct("<BIBB3s")  #: bMessageType, dwLength, bSlot, bSeq, three bytes that depend on the type
_LARGEST = 271  #: bytes of a message: header and the longest short APDU
_NO_CARD, _CARD = 0b10, 0b11  #: bmSlotICCState of slot 0: no card or a card, and that this has changed
_SHORT_APDU_LEVEL = 0x00020000  #: dwFeatures
_AUTOMATIC = 0x000000BA  #: the same: the reader chooses parameters, voltage, clock and rate
_T1_PARAMETERS = bytes.fromhex("11 10 00 4d 00 20 00")  #: Fi/Di, LRC, guard time, waiting, clock stop, IFSC, NAD


class Command(IntEnum):
    """bMessageType, from the host. CCID 1.10 table 6.1-1."""

    SET_PARAMETERS = 0x61
    ICC_POWER_ON = 0x62
    ICC_POWER_OFF = 0x63
    GET_SLOT_STATUS = 0x65
    GET_PARAMETERS = 0x6C
    RESET_PARAMETERS = 0x6D
    XFR_BLOCK = 0x6F


class Response(IntEnum):
    """bMessageType, from the reader; the last goes over the interrupt endpoint. CCID 1.10 tables 6.2-1 and 6.3-1."""

    DATA_BLOCK = 0x80
    SLOT_STATUS = 0x81
    PARAMETERS = 0x82
    NOTIFY_SLOT_CHANGE = 0x50


class _Slot(IntEnum):
    """bmICCStatus. CCID 1.10 §6.2.6."""

    ACTIVE = 0
    INACTIVE = 1
    EMPTY = 2


class _Fault(IntEnum):
    """bError of a failed command; small numbers are the offset of the bad field. CCID 1.10 table 6.2-2."""

    NONE = 0
    COMMAND_NOT_SUPPORTED = 0
    BAD_LENGTH = 1
    BAD_SLOT = 5
    ICC_MUTE = 0xFE


@frozen
class _Message:
    """The fields of a command of the host."""

    bMessageType: int
    bSlot: int
    bSeq: int
    data: bytes
    complete: bool  #: dwLength bytes came


class Reader(Device):
    """One slot, short APDU level exchange. It answers one command at a time, as bMaxCCIDBusySlots says."""

    speed = Speed.FULL
    device = build.device(idVendor=0x0627, idProduct=0x0B10, iManufacturer=1, iProduct=2)
    strings = ((1, "usbfuzz"), (2, "Card reader"))
    configurations = (
        build.counted(
            build.interface(bInterfaceClass=ClassCode.SMART_CARD),
            CcidDescriptor(
                bMaxSlotIndex=0,
                bVoltageSupport=0x07,
                dwProtocols=0x00000002,
                dwDefaultClock=4000,
                dwMaximumClock=4000,
                dwDataRate=10753,
                dwMaxDataRate=10753,
                dwMaxIFSD=254,
                dwFeatures=_SHORT_APDU_LEVEL | _AUTOMATIC,
                dwMaxCCIDMessageLength=_LARGEST,
                bMaxCCIDBusySlots=1,
            ),
            build.endpoint(_OUT, TransferType.BULK, wMaxPacketSize=64),
            build.endpoint(_IN, TransferType.BULK, wMaxPacketSize=64),
            build.endpoint(_NOTIFY, TransferType.INTERRUPT, wMaxPacketSize=8, bInterval=16),
        ),
    )

    def __init__(self, card: Card | None = None) -> None:
        super().__init__()
        self.card = Card() if card is None else card  #: set by :meth:`insert` and :meth:`remove`
        self._present = True
        self._powered = False
        self._changed = True
        self._answer = b""

    def insert(self, card: Card) -> None:
        """Put a card into the slot; the host is told."""
        self.card, self._present = card, True
        self._move()

    def remove(self) -> None:
        """Pull the card; the host is told."""
        self._present = False
        self._move()

    def _move(self) -> None:
        self._powered, self._changed = False, True
        self.wake(_NOTIFY)

    @endpoint_in(_NOTIFY)
    def notify(self, _length: int) -> Reply:
        """Whether a card is in, once after each change. CCID 1.10 §6.3.1."""
        if not self._changed:
            return None
        self._changed = False
        return bytes((Response.NOTIFY_SLOT_CHANGE, _CARD if self._present else _NO_CARD))

    @endpoint_out(_OUT)
    def command(self, raw: bytes) -> None:
        """Carry out a message; one without a whole header is ignored."""
        if len(raw) < _HEADER.size:
            return
        kind, length, slot, sequence, _ = _HEADER.unpack_from(raw)
        data = raw[_HEADER.size : _HEADER.size + length]
        self._answer = self._obey(_Message(kind, slot, sequence, data, len(data) == length))
        self.wake(_IN)

    @endpoint_in(_IN)
    def respond(self, length: int) -> Reply:
        """The answer to the last command."""
        answer, self._answer = self._answer[:length], self._answer[length:]
        return answer or None

    def _obey(self, message: _Message) -> bytes:
        if not message.complete:
            return self._reply(message, Response.SLOT_STATUS, fault=_Fault.BAD_LENGTH)
        if message.bSlot:
            return self._reply(message, Response.SLOT_STATUS, fault=_Fault.BAD_SLOT)
        match message.bMessageType:
            case Command.ICC_POWER_ON | Command.XFR_BLOCK:
                return self._talk(message)
            case Command.ICC_POWER_OFF:
                self._powered = False
                return self._reply(message, Response.SLOT_STATUS)
            case Command.GET_SLOT_STATUS:
                return self._reply(message, Response.SLOT_STATUS)
            case Command.GET_PARAMETERS | Command.RESET_PARAMETERS | Command.SET_PARAMETERS:
                return self._reply(message, Response.PARAMETERS, _T1_PARAMETERS, last=1)
        return self._reply(message, Response.SLOT_STATUS, fault=_Fault.COMMAND_NOT_SUPPORTED, failed=True)

    def _talk(self, message: _Message) -> bytes:
        """Commands that need a card: power on (answer to reset), and a command APDU."""
        powering = message.bMessageType == Command.ICC_POWER_ON
        if not self._present or not (powering or self._powered):
            return self._reply(message, Response.DATA_BLOCK, fault=_Fault.ICC_MUTE)
        self._powered = True
        data = self.card.power_on() if powering else self.card.transmit(message.data)
        return self._reply(message, Response.DATA_BLOCK, data)

    def _reply(
        self,
        message: _Message,
        kind: Response,
        data: bytes = b"",
        *,
        last: int = 0,
        fault: _Fault = _Fault.NONE,
        failed: bool = False,
    ) -> bytes:
        """A response message; ``last`` is the byte after bError, whose meaning depends on the type."""
        slot = _Slot.EMPTY if not self._present else _Slot.ACTIVE if self._powered else _Slot.INACTIVE
        bStatus = slot | (failed or bool(fault)) << 6
        header = _HEADER.pack(kind, len(data), message.bSlot, message.bSeq, bytes((bStatus, fault, last)))
        return header + data
