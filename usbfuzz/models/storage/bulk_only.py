"""Disks with the bulk-only transport. USB Mass Storage Class, Bulk-Only Transport 1.0 (BOT)."""

from __future__ import annotations

import struct
from enum import Enum, IntEnum
from pathlib import Path

from attrs import frozen

from usbfuzz.descriptors.constants import ClassCode, ClassRequest, Feature, Recipient
from usbfuzz.device import Device, Reply, build, control_in, control_out, endpoint_in, endpoint_out
from usbfuzz.wire import STALL, Setup, TransferType

from .medium import ImageFile, Medium, Memory
from .scsi import Disk, Result

__all__ = ["BULK_ONLY", "SCSI", "BulkOnlyDisk", "medium_of"]

SCSI, BULK_ONLY = 0x06, 0x50  #: bInterfaceSubClass, bInterfaceProtocol
_IN, _OUT = 0x81, 0x02
_DEFAULT_BYTES = 16 << 20


def medium_of(source: Medium | Path | str | None) -> Medium:
    """A medium itself, the image file of a path, or 16 MiB of memory. Raises InputError for a bad file."""
    if source is None:
        return Memory(bytearray(_DEFAULT_BYTES))
    return ImageFile(source) if isinstance(source, (Path, str)) else source


class _CommandStatus(IntEnum):
    """bCSWStatus. BOT table 5.3."""

    PASSED = 0
    FAILED = 1
    PHASE_ERROR = 2


@frozen
class _CommandBlock:
    """A valid command block wrapper. BOT §5.1."""

    dCBWTag: int
    dCBWDataTransferLength: int
    to_host: bool
    bCBWLUN: int
    CBWCB: bytes

    @classmethod
    def parse(cls, raw: bytes) -> _CommandBlock | None:
        """None when it is not valid or not meaningful. BOT §6.2."""
        if len(raw) != 31 or raw[:4] != b"USBC":
            return None
        tag, length, flags, lun, size = struct.unpack_from("<IIBBB", raw, 4)
        if lun > 0x0F or not 1 <= size <= 16 or flags & 0x7F:
            return None
        return cls(tag, length, bool(flags & 0x80), lun, raw[15 : 15 + size])


class _Phase(Enum):
    COMMAND = "command"
    DATA_OUT = "data-out"
    DATA_IN = "data-in"
    STATUS = "status"
    BROKEN = "broken"  #: an invalid command came: both pipes stall until a reset. BOT §6.6.1


class BulkOnlyDisk(Device):
    """USB stick: one removable disk. ``BulkOnlyDisk("disk.img")`` keeps its blocks in that file."""

    device = build.device(idVendor=0x0627, idProduct=0x0801, iManufacturer=1, iProduct=2, iSerialNumber=3)
    strings = ((1, "usbfuzz"), (2, "Simulated disk"), (3, "062700000801"))
    configurations = (
        build.counted(
            build.interface(
                bInterfaceClass=ClassCode.MASS_STORAGE, bInterfaceSubClass=SCSI, bInterfaceProtocol=BULK_ONLY
            ),
            build.endpoint(_IN, TransferType.BULK, wMaxPacketSize=512),
            build.endpoint(_OUT, TransferType.BULK, wMaxPacketSize=512),
        ),
    )

    def __init__(self, medium: Medium | Path | str | None = None) -> None:
        super().__init__()
        self.disk = Disk(medium_of(medium))
        self._phase = _Phase.COMMAND
        self._command = _CommandBlock(0, 0, False, 0, b"")
        self._result = Result()
        self._data = bytearray()
        self._moved = 0

    @control_in(bRequest=ClassRequest.MASS_STORAGE_GET_MAX_LUN, recipient=Recipient.INTERFACE)
    def get_max_lun(self, _setup: Setup) -> Reply:
        """The one logical unit is number 0. BOT §3.2."""
        return b"\0"

    @control_out(bRequest=ClassRequest.MASS_STORAGE_RESET, recipient=Recipient.INTERFACE)
    def reset_recovery(self, _setup: Setup, _payload: bytes) -> None:
        """Ready for a command; halted pipes stay halted until the host clears them. BOT §3.1."""
        self._phase = _Phase.COMMAND
        self._data.clear()

    def on_reset(self) -> None:
        """Reset the transport; the disk then reports a unit attention."""
        super().on_reset()
        self._phase = _Phase.COMMAND
        self._data.clear()
        self.disk.reset()

    def resume_endpoint(self, setup: Setup, payload: bytes) -> None:
        """Clearing the halt of a pipe has no effect while the transport is broken. BOT §6.6.1."""
        if self._phase is not _Phase.BROKEN or setup.wValue != Feature.ENDPOINT_HALT:
            super().resume_endpoint(setup, payload)

    @endpoint_out(_OUT)
    def receive(self, payload: bytes) -> Reply:
        """A command, or data of one."""
        if self._phase is _Phase.DATA_OUT:
            self._data += payload
            if len(self._data) >= self._command.dCBWDataTransferLength:
                self._execute(bytes(self._data))
            return None
        command = _CommandBlock.parse(payload) if self._phase is _Phase.COMMAND else None
        if command is None:
            self._phase = _Phase.BROKEN
            self.halted |= {_IN, _OUT}
            return STALL
        self._command = command
        self._data.clear()
        if command.dCBWDataTransferLength and not command.to_host:
            self._phase = _Phase.DATA_OUT
        else:
            self._execute(b"")
        return None

    def _execute(self, payload: bytes) -> None:
        """Carry out the command, whose data is complete; what it returns waits for the host to read it."""
        command = self._command
        self._result = self.disk.execute(command.CBWCB, payload, command.bCBWLUN)
        self._moved = min(len(payload), command.dCBWDataTransferLength)
        self._data[:] = self._result.data[: command.dCBWDataTransferLength] if command.to_host else b""
        wants_data = command.to_host and command.dCBWDataTransferLength
        self._phase = _Phase.DATA_IN if wants_data else _Phase.STATUS
        self.wake(_IN)

    @endpoint_in(_IN)
    def send(self, length: int) -> Reply:
        """Data, then the status; a stall in place of data that is missing altogether. BOT §6.7.2."""
        if self._phase is _Phase.DATA_IN:
            return self._send_data(length)
        if self._phase is not _Phase.STATUS:
            return None
        self._phase = _Phase.COMMAND
        return self._status()

    def _send_data(self, length: int) -> Reply:
        command = self._command
        if not self._data:
            self._phase = _Phase.STATUS
            self.halted.add(_IN)
            return STALL
        piece = bytes(self._data[:length])
        del self._data[:length]
        self._moved += len(piece)
        # A piece shorter than the host asked for ends its data phase.
        if self._moved == command.dCBWDataTransferLength or len(piece) < length:
            self._phase = _Phase.STATUS
        return piece

    def _status(self) -> bytes:
        """Command status wrapper. BOT §5.2."""
        command = self._command
        status = _CommandStatus.FAILED if self._result.sense else _CommandStatus.PASSED
        if len(self._result.data) > command.dCBWDataTransferLength * command.to_host:
            status = _CommandStatus.PHASE_ERROR  # more than the host takes, or it does not take any. BOT §6.7
        dCSWDataResidue = command.dCBWDataTransferLength - self._moved
        return struct.pack("<4sIIB", b"USBS", command.dCBWTag, dCSWDataResidue, status)
