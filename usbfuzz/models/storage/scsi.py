"""A direct access block device as SCSI sees it: command blocks in, data and sense out. SPC-4, SBC-3.

The transports (bulk-only, UAS) wrap it; it knows nothing of USB.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping
from enum import IntEnum

from attrs import define, field, frozen

from .medium import Medium

__all__ = ["BLOCK", "Command", "Disk", "Result", "Sense", "SenseKey"]

BLOCK = 512  #: bytes of a logical block
_MAX_BLOCKS = 0xFFFF  #: in one transfer; a hostile host may ask for the whole medium
_VENDOR, _REVISION = b"usbfuzz ", b"1.00"
_WRITE_PROTECT, _DPOFUA = 0x80, 0x10  #: device-specific parameter of the mode parameter header
#: Caching mode page with WCE: what is written is safe after SYNCHRONIZE CACHE only. SBC-3 §6.4.5.
_CACHING = bytes((0x08, 0x12, 0x04)) + bytes(17)
_NON_ROTATING = 1


class Command(IntEnum):
    """Operation codes that are implemented."""

    TEST_UNIT_READY = 0x00
    REQUEST_SENSE = 0x03
    INQUIRY = 0x12
    MODE_SENSE_6 = 0x1A
    START_STOP_UNIT = 0x1B
    PREVENT_ALLOW_MEDIUM_REMOVAL = 0x1E
    READ_CAPACITY_10 = 0x25
    READ_10 = 0x28
    WRITE_10 = 0x2A
    VERIFY_10 = 0x2F
    SYNCHRONIZE_CACHE_10 = 0x35
    MODE_SENSE_10 = 0x5A
    READ_16 = 0x88
    WRITE_16 = 0x8A
    SYNCHRONIZE_CACHE_16 = 0x91
    SERVICE_ACTION_IN_16 = 0x9E
    REPORT_LUNS = 0xA0


class SenseKey(IntEnum):
    """Sense key: the general cause. SPC-4 §4.5.6."""

    NO_SENSE = 0x0
    NOT_READY = 0x2
    ILLEGAL_REQUEST = 0x5
    UNIT_ATTENTION = 0x6
    DATA_PROTECT = 0x7


@frozen
class Sense:
    """Why a command ended with CHECK CONDITION."""

    key: SenseKey
    asc: int  #: additional sense code and qualifier, 16 bits

    def pack(self) -> bytes:
        """Fixed format sense data, 18 bytes. SPC-4 §4.5.3."""
        return struct.pack(">BxB4xB4xH4x", 0x70, self.key, 10, self.asc)


_NOTHING = Sense(SenseKey.NO_SENSE, 0x0000)
_INVALID_COMMAND = Sense(SenseKey.ILLEGAL_REQUEST, 0x2000)
_OUT_OF_RANGE = Sense(SenseKey.ILLEGAL_REQUEST, 0x2100)
_INVALID_FIELD = Sense(SenseKey.ILLEGAL_REQUEST, 0x2400)
_NO_SUCH_UNIT = Sense(SenseKey.ILLEGAL_REQUEST, 0x2500)
_MEDIUM_CHANGED = Sense(SenseKey.UNIT_ATTENTION, 0x2800)
_POWER_ON = Sense(SenseKey.UNIT_ATTENTION, 0x2900)
_PROTECTED = Sense(SenseKey.DATA_PROTECT, 0x2700)
_NO_MEDIUM = Sense(SenseKey.NOT_READY, 0x3A00)

#: Answered even while a unit attention is pending, without clearing it (but REQUEST SENSE reports it). SPC-4 §4.5.
_ALWAYS = frozenset((Command.INQUIRY, Command.REPORT_LUNS, Command.REQUEST_SENSE))


class _CheckCondition(Exception):  # noqa: N818  SCSI's own name
    """Ends a command."""

    def __init__(self, sense: Sense) -> None:
        super().__init__(sense)
        self.sense = sense


@frozen
class Result:
    """How a command ended: GOOD with data for the host, or CHECK CONDITION with sense."""

    data: bytes = b""
    sense: Sense | None = None


@define
class Disk:
    """One logical unit on a medium, removable, with a volatile cache."""

    medium: Medium
    product: bytes = b"Simulated disk"
    serial: bytes = b"0627000000000001"
    ejected: bool = False
    _attention: Sense | None = field(default=_POWER_ON, init=False)
    _sense: Sense = field(default=_NOTHING, init=False)

    def execute(self, cdb: bytes, payload: bytes = b"", lun: int = 0) -> Result:
        """Carry out a command; ``payload`` is what the host sent for it, all of it."""
        try:
            data = self._execute(cdb.ljust(16, b"\0"), payload, lun)
        except _CheckCondition as condition:
            self._sense = condition.sense
            return Result(sense=condition.sense)
        return Result(data)

    def payload_length(self, cdb: bytes) -> int:
        """Bytes the host is to send for this command; a bad one wants none, and fails by itself."""
        if cdb[:1] not in {bytes((Command.WRITE_10,)), bytes((Command.WRITE_16,))}:
            return 0
        try:
            return self._extent(cdb.ljust(16, b"\0"))[1] * BLOCK
        except _CheckCondition:
            return 0

    def reset(self) -> None:
        """Power on, or a reset by the transport: the next command fails with a unit attention."""
        self._attention, self._sense = _POWER_ON, _NOTHING

    def _execute(self, cdb: bytes, payload: bytes, lun: int) -> bytes:
        handler = _HANDLERS.get(cdb[0])
        if handler is None:
            raise _CheckCondition(_INVALID_COMMAND)
        if lun and cdb[0] != Command.REPORT_LUNS:
            raise _CheckCondition(_NO_SUCH_UNIT)
        if cdb[0] not in _ALWAYS and self._attention is not None:
            attention, self._attention = self._attention, None
            raise _CheckCondition(attention)
        return handler(self, cdb, payload)

    # What it is

    def inquiry(self, cdb: bytes, _payload: bytes) -> bytes:
        """Standard data, or a page of vital product data. SPC-4 §6.6."""
        evpd, page = cdb[1] & 1, cdb[2]
        if evpd:
            return self._vital_product_data(page)[: _u16(cdb, 3)]
        if page:
            raise _CheckCondition(_INVALID_FIELD)
        head = bytes((0x00, 0x80, 0x06, 0x02, 31, 0, 0, 0x02))  # disk, removable, SPC-4; tagged commands
        return (head + _VENDOR + self.product.ljust(16)[:16] + _REVISION)[: _u16(cdb, 3)]

    def _vital_product_data(self, page: int) -> bytes:
        pages = {
            0x00: bytes((0x00, 0x80, 0x83, 0xB0, 0xB1)),
            0x80: self.serial,
            # One designator: T10 vendor identification, ASCII, of the logical unit.
            0x83: struct.pack("BBxB", 0x02, 0x01, 8 + len(self.serial)) + _VENDOR + self.serial,
            0xB0: struct.pack(">4xI52x", _MAX_BLOCKS),  # MAXIMUM TRANSFER LENGTH
            0xB1: struct.pack(">H58x", _NON_ROTATING),
        }
        if page not in pages:
            raise _CheckCondition(_INVALID_FIELD)
        return struct.pack(">BBH", 0, page, len(pages[page])) + pages[page]

    def report_luns(self, cdb: bytes, _payload: bytes) -> bytes:
        """REPORT LUNS: there is one. SPC-4 §6.33."""
        return struct.pack(">I4x8x", 8)[: _u32(cdb, 6)]

    def mode_sense_6(self, cdb: bytes, _payload: bytes) -> bytes:
        """Write protection and the caching page. SPC-4 §6.13."""
        pages = self._mode_pages(cdb[2])
        return (struct.pack("BBBx", 3 + len(pages), 0, self._specific()) + pages)[: cdb[4]]

    def mode_sense_10(self, cdb: bytes, _payload: bytes) -> bytes:
        """The same with a longer header. SPC-4 §6.14."""
        pages = self._mode_pages(cdb[2])
        return (struct.pack(">HBB4x", 6 + len(pages), 0, self._specific()) + pages)[: _u16(cdb, 7)]

    def _mode_pages(self, field: int) -> bytes:
        if field & 0x3F not in {0x08, 0x3F}:
            raise _CheckCondition(_INVALID_FIELD)
        return _CACHING[:2] + bytes(18) if field >> 6 == 1 else _CACHING  # of the changeable values: none

    def _specific(self) -> int:
        return _DPOFUA if self.medium.writable else _DPOFUA | _WRITE_PROTECT

    # Whether it is ready

    def request_sense(self, cdb: bytes, _payload: bytes) -> bytes:
        """Why the last command failed, once. SPC-4 §6.39."""
        sense, self._sense = self._sense, _NOTHING
        if sense is _NOTHING and self._attention is not None:
            sense, self._attention = self._attention, None
        return sense.pack()[: cdb[4]]

    def unit_ready(self, _cdb: bytes, _payload: bytes) -> bytes:
        """Fails while there is no medium. SPC-4 §6.47."""
        self._loaded()
        return b""

    def start_stop_unit(self, cdb: bytes, _payload: bytes) -> bytes:
        """LOEJ ejects the medium or loads it again. SBC-3 §5.25."""
        if cdb[4] & 0x02:
            self.ejected = not cdb[4] & 0x01
        return b""

    def load(self) -> None:
        """Insert the medium; the next command fails with a unit attention."""
        self.ejected, self._attention = False, _MEDIUM_CHANGED

    def accept(self, _cdb: bytes, _payload: bytes) -> bytes:
        """PREVENT ALLOW MEDIUM REMOVAL: accepted, without effect."""
        return b""

    def _loaded(self) -> Medium:
        if self.ejected:
            raise _CheckCondition(_NO_MEDIUM)
        return self.medium

    # Its blocks

    @property
    def blocks(self) -> int:
        """How many, at least one; bytes behind the last whole one are not reachable."""
        return max(self.medium.size // BLOCK, 1)

    def read_capacity_10(self, _cdb: bytes, _payload: bytes) -> bytes:
        """Last block (at most 2^32-1, then the host asks READ CAPACITY 16) and block length. SBC-3 §5.15."""
        self._loaded()
        return struct.pack(">II", min(self.blocks - 1, 0xFFFFFFFF), BLOCK)

    def service_action_in_16(self, cdb: bytes, _payload: bytes) -> bytes:
        """READ CAPACITY (16). SBC-3 §5.16."""
        if cdb[1] & 0x1F != 0x10:
            raise _CheckCondition(_INVALID_FIELD)
        self._loaded()
        return struct.pack(">QI20x", self.blocks - 1, BLOCK)[: _u32(cdb, 10)]

    def read(self, cdb: bytes, _payload: bytes) -> bytes:
        """READ (10) and (16). SBC-3 §5.11, §5.13."""
        first, count = self._extent(cdb)
        return self._loaded().read(first * BLOCK, count * BLOCK)

    def write(self, cdb: bytes, payload: bytes) -> bytes:
        """WRITE (10) and (16); too little data is an invalid field. SBC-3 §5.35, §5.37."""
        first, count = self._extent(cdb)
        medium = self._loaded()
        if not medium.writable:
            raise _CheckCondition(_PROTECTED)
        if len(payload) < count * BLOCK:
            raise _CheckCondition(_INVALID_FIELD)
        medium.write(first * BLOCK, payload[: count * BLOCK])
        return b""

    def verify(self, cdb: bytes, _payload: bytes) -> bytes:
        """VERIFY (10) without a comparison: only whether the blocks exist. SBC-3 §5.29."""
        self._extent(cdb)
        return b""

    def synchronize_cache(self, _cdb: bytes, _payload: bytes) -> bytes:
        """SYNCHRONIZE CACHE (10) and (16), always of everything. SBC-3 §5.26."""
        self._loaded().flush()
        return b""

    def _extent(self, cdb: bytes) -> tuple[int, int]:
        """First block and number of blocks of a command of 10 or 16 bytes."""
        short = cdb[0] < Command.READ_16
        first, count = struct.unpack_from(">IxH" if short else ">QI", cdb, 2)
        if count > _MAX_BLOCKS:
            raise _CheckCondition(_INVALID_FIELD)
        if first + count > self.blocks:
            raise _CheckCondition(_OUT_OF_RANGE)
        return first, count


_HANDLERS: Mapping[int, Callable[[Disk, bytes, bytes], bytes]] = {
    Command.TEST_UNIT_READY: Disk.unit_ready,
    Command.REQUEST_SENSE: Disk.request_sense,
    Command.INQUIRY: Disk.inquiry,
    Command.MODE_SENSE_6: Disk.mode_sense_6,
    Command.START_STOP_UNIT: Disk.start_stop_unit,
    Command.PREVENT_ALLOW_MEDIUM_REMOVAL: Disk.accept,
    Command.READ_CAPACITY_10: Disk.read_capacity_10,
    Command.READ_10: Disk.read,
    Command.WRITE_10: Disk.write,
    Command.VERIFY_10: Disk.verify,
    Command.SYNCHRONIZE_CACHE_10: Disk.synchronize_cache,
    Command.MODE_SENSE_10: Disk.mode_sense_10,
    Command.READ_16: Disk.read,
    Command.WRITE_16: Disk.write,
    Command.SYNCHRONIZE_CACHE_16: Disk.synchronize_cache,
    Command.SERVICE_ACTION_IN_16: Disk.service_action_in_16,
    Command.REPORT_LUNS: Disk.report_luns,
}


def _u16(raw: bytes, at: int) -> int:
    return int.from_bytes(raw[at : at + 2], "big")


def _u32(raw: bytes, at: int) -> int:
    return int.from_bytes(raw[at : at + 4], "big")
