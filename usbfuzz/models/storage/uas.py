"""Disks with the USB attached SCSI transport. USB Attached SCSI Protocol 1.0 (UAS)."""

from __future__ import annotations

import struct
from collections import deque
from enum import IntEnum
from pathlib import Path

from attrs import define, field

from usbfuzz.descriptors.bos import BosDescriptor, SuperSpeedCapability, Usb20ExtensionCapability
from usbfuzz.descriptors.constants import Capability, ClassCode
from usbfuzz.descriptors.standard import SuperSpeedEndpointCompanion
from usbfuzz.descriptors.uas import PipeUsageDescriptor
from usbfuzz.device import build
from usbfuzz.wire import NAK, STALL, Answer, Speed, TransferType, data

from .bulk_only import BULK_ONLY, SCSI, BulkOnlyDisk
from .medium import Medium
from .scsi import Result

__all__ = ["HighSpeedUasDisk", "UasDisk"]

_UAS = 0x62  #: bInterfaceProtocol
_BOT_IN, _BOT_OUT = 0x81, 0x02
_COMMAND, _STATUS, _DATA_IN, _DATA_OUT = 0x04, 0x85, 0x86, 0x07
_STREAMS = 4  #: 2^4 of them, so 16 tags
_QUEUE = 256  #: commands; a host that sends more than it has tags for is stalled


class _Unit(IntEnum):
    """Information units, by their first byte. UAS table 10."""

    COMMAND = 0x01
    SENSE = 0x03
    RESPONSE = 0x04
    TASK_MANAGEMENT = 0x05
    READ_READY = 0x06
    WRITE_READY = 0x07


class _Response(IntEnum):
    """RESPONSE CODE. UAS table 18."""

    COMPLETE = 0x00
    INVALID_UNIT = 0x02
    NOT_SUPPORTED = 0x04


_ABORT_TASK = 0x01
_CLEARS_ALL = frozenset((0x02, 0x04, 0x08))  #: ABORT TASK SET, CLEAR TASK SET, LOGICAL UNIT RESET


@define
class _Task:
    """One command, from its information unit to its sense."""

    tag: int
    lun: int
    cdb: bytes
    wanted: int = 0  #: bytes the host is to send
    received: bytearray = field(factory=bytearray)
    answer: bytes = b""  #: what it has not fetched
    result: Result = field(factory=Result)


def _interfaces(*, superspeed: bool) -> list[bytes]:
    """Setting 0 is bulk-only, for hosts without UAS; setting 1 is UAS."""
    size = 1024 if superspeed else 512
    common = {"bInterfaceClass": ClassCode.MASS_STORAGE, "bInterfaceSubClass": SCSI}

    def pipe(address: int, bPipeID: int = 0) -> bytes:
        raw = build.endpoint(address, TransferType.BULK, wMaxPacketSize=size)
        if superspeed:
            streams = _STREAMS if bPipeID > 1 else 0  # all but the command pipe
            raw += SuperSpeedEndpointCompanion(bMaxBurst=15, bmAttributes=streams, wBytesPerInterval=0).raw
        return raw + (PipeUsageDescriptor(bPipeID=bPipeID).raw if bPipeID else b"")

    return [
        build.interface(**common, bInterfaceProtocol=BULK_ONLY),
        pipe(_BOT_IN),
        pipe(_BOT_OUT),
        build.interface(**common, bInterfaceProtocol=_UAS, bAlternateSetting=1),
        *(pipe(address, number) for number, address in enumerate((_COMMAND, _STATUS, _DATA_IN, _DATA_OUT), 1)),
    ]


class UasDisk(BulkOnlyDisk):
    """SuperSpeed disk with a stream for each tag. Commands are carried out one at a time, in order."""

    speed = Speed.SUPER
    device = build.device(
        bcdUSB=0x0300,
        bMaxPacketSize0=9,
        idVendor=0x0627,
        idProduct=0x0802,
        iManufacturer=1,
        iProduct=2,
        iSerialNumber=3,
    )
    configurations = (build.counted(*_interfaces(superspeed=True)),)
    bos = (
        BosDescriptor(wTotalLength=22, bNumDeviceCaps=2).raw
        + Usb20ExtensionCapability(bDevCapabilityType=Capability.USB_2_0_EXTENSION, bmAttributes=2).raw
        + SuperSpeedCapability(
            bDevCapabilityType=Capability.SUPERSPEED_USB,
            bmAttributes=0,
            wSpeedsSupported=8,
            bFunctionalitySupport=3,
            bU1DevExitLat=10,
            wU2DevExitLat=2047,
        ).raw
    )

    def __init__(self, medium: Medium | Path | str | None = None) -> None:
        super().__init__(medium)
        self._waiting: deque[_Task] = deque()
        self._task: _Task | None = None
        self._units: list[tuple[int, bytes]] = []  # (tag, information unit) for the status pipe

    def on_reset(self) -> None:
        """Forget all tasks."""
        super().on_reset()
        self._clear()

    def on_set_interface(self, bInterfaceNumber: int, bAlternateSetting: int) -> Answer:
        """Reset the transport."""
        self._clear()
        return super().on_set_interface(bInterfaceNumber, bAlternateSetting)

    def _clear(self) -> None:
        self._waiting.clear()
        self._units.clear()
        self._task = None

    # The pipes. A stream's number is a task's tag; stream 0 means that there are no streams.

    def on_in(self, bEndpointAddress: int, length: int) -> Answer:
        """Status and data-in pipes without streams."""
        return self.on_stream_in(bEndpointAddress, 0, length)

    def on_out(self, bEndpointAddress: int, payload: bytes) -> Answer:
        """Command pipe, and data-out without streams."""
        return self.on_stream_out(bEndpointAddress, 0, payload)

    def on_stream_in(self, bEndpointAddress: int, stream_id: int, length: int) -> Answer:
        """Information units and data of the task whose stream the host reads."""
        if bEndpointAddress in self.halted:
            return STALL
        if bEndpointAddress == _STATUS:
            return self._take_unit(stream_id)
        if bEndpointAddress == _DATA_IN:
            return self._take_data(stream_id, length)
        return super().on_in(bEndpointAddress, length)

    def on_stream_out(self, bEndpointAddress: int, stream_id: int, payload: bytes) -> Answer:
        """Commands, and the data of a task that writes."""
        if bEndpointAddress in self.halted:
            return STALL
        if bEndpointAddress == _COMMAND:
            return self._give_unit(payload)
        if bEndpointAddress == _DATA_OUT:
            return self._give_data(stream_id, payload)
        return super().on_out(bEndpointAddress, payload)

    def _take_unit(self, stream_id: int) -> Answer:
        for at, (tag, unit) in enumerate(self._units):
            if stream_id in {0, tag}:
                del self._units[at]
                return data(unit)
        return NAK

    def _take_data(self, stream_id: int, length: int) -> Answer:
        task = self._task
        if task is None or not task.answer or stream_id not in {0, task.tag}:
            return NAK
        piece, task.answer = task.answer[:length], task.answer[length:]
        # What the host made no room for waits until it asks again, or aborts the task.
        if not task.answer:
            self._finish(task)
        return data(piece)

    def _give_data(self, stream_id: int, payload: bytes) -> Answer:
        task = self._task
        if task is None or not task.wanted or stream_id not in {0, task.tag}:
            return NAK
        task.received += payload
        if len(task.received) >= task.wanted:
            task.wanted = 0
            self._carry_out(task)
        return Answer()

    def _give_unit(self, unit: bytes) -> Answer:
        kind, tag = (unit[0], int.from_bytes(unit[2:4], "big")) if len(unit) >= 16 else (0, 0)
        if len(self._waiting) >= _QUEUE:
            self.halted.add(_COMMAND)
            return STALL
        if kind == _Unit.COMMAND and len(unit) >= 32:
            self._waiting.append(_Task(tag, unit[9], unit[16:32]))
            self._start()
        elif kind == _Unit.TASK_MANAGEMENT:
            self._manage(tag, unit)
        else:
            self._respond(tag, _Response.INVALID_UNIT)
        return Answer()

    # Tasks

    def _start(self) -> None:
        """Begin the next task unless one is running: ask for its data first, or carry it out at once."""
        while self._task is None and self._waiting:
            task = self._task = self._waiting.popleft()
            task.wanted = self.disk.payload_length(task.cdb)
            if not task.wanted:
                self._carry_out(task)
                continue
            self._announce(_Unit.WRITE_READY, task, _DATA_OUT)

    def _carry_out(self, task: _Task) -> None:
        task.result = self.disk.execute(task.cdb, bytes(task.received), task.lun)
        task.answer = task.result.data
        if task.answer:
            self._announce(_Unit.READ_READY, task, _DATA_IN)
        else:
            self._finish(task)

    def _announce(self, kind: _Unit, task: _Task, pipe: int) -> None:
        """Without streams the host is told whose data is next; with them it has asked already. UAS §6.2.6."""
        if self.speed is Speed.SUPER:
            self.wake(pipe)
        else:
            self._put(task.tag, struct.pack(">BxH", kind, task.tag))

    def _finish(self, task: _Task) -> None:
        """Sense unit: the status, and why it is not GOOD. UAS §6.2.3."""
        sense = task.result.sense.pack() if task.result.sense else b""
        status = 0x02 if sense else 0x00
        self._put(task.tag, struct.pack(">BxHHB7xH", _Unit.SENSE, task.tag, 0, status, len(sense)) + sense)
        self._task = None
        self._start()

    def _manage(self, tag: int, unit: bytes) -> None:
        """Task management, UAS §6.2.4: aborted tasks send no status."""
        function, victim = unit[4], int.from_bytes(unit[6:8], "big")
        if function not in _CLEARS_ALL | {_ABORT_TASK}:
            self._respond(tag, _Response.NOT_SUPPORTED)
            return
        doomed = {task.tag for task in (*self._waiting, self._task) if task is not None}
        doomed &= {victim} if function == _ABORT_TASK else doomed
        self._waiting = deque(task for task in self._waiting if task.tag not in doomed)
        self._units = [(owner, waiting) for owner, waiting in self._units if owner not in doomed]
        if self._task is not None and self._task.tag in doomed:
            self._task = None
        self._respond(tag, _Response.COMPLETE)
        self._start()

    def _respond(self, tag: int, code: _Response) -> None:
        self._put(tag, struct.pack(">BxH3xB", _Unit.RESPONSE, tag, code))

    def _put(self, tag: int, unit: bytes) -> None:
        self._units.append((tag, unit))
        self.wake(_STATUS)


class HighSpeedUasDisk(UasDisk):
    """The same at high speed, where there are no streams: the device says which task's data comes next."""

    speed = Speed.HIGH
    device = build.device(idVendor=0x0627, idProduct=0x0803, iManufacturer=1, iProduct=2, iSerialNumber=3)
    configurations = (build.counted(*_interfaces(superspeed=False)),)
    bos = b""
