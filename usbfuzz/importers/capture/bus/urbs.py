"""Transfers from transactions, as the submissions and completions that other captures have. USB 2.0 §8.5, §8.6.

A control transfer is what follows a SETUP. Of other endpoints a bus does not say where a transfer ends: a packet of an
interrupt endpoint is one; bulk packets belong together up to one that is short, to a pause of the host or, of disks, to
the length that their command states. What is sent again, because the handshake was lost, has the same data toggle and
counts once.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import count

from attrs import define, field, mutable

from usbfuzz.descriptors.constants import DIRECTION_IN, DescriptorType, Feature, StandardRequest
from usbfuzz.importers.capture.pcap import Packet
from usbfuzz.importers.capture.urbs import Frame, UrbEvent
from usbfuzz.importers.model import Problem
from usbfuzz.wire import Setup, Status, TransferType

from .endpoints import Endpoint, Endpoints
from .packets import PID
from .transactions import Pipe, Transaction, Wire

__all__ = ["urbs_of_bus"]

_GIVEN_UP_NS = 100_000_000  #: a host that waited so long for an answer has given up; before, the capture has a gap
_MICROFRAME_NS = 125_000
_COMMAND_BYTES, _COMMAND = 31, b"USBC"  #: a command block wrapper. USB Mass Storage Bulk-Only 1.0 §5.1
_SETUP_BYTES = 8


def urbs_of_bus(packets: Iterable[Packet], known: Sequence[bytes] = ()) -> tuple[list[UrbEvent], list[Problem]]:
    """The transfers in the packets of a bus, each as a submission and a completion; what was wrong on the bus.

    ``known`` are the configurations of the device, where it is known from elsewhere.
    """
    wire = Wire()
    all_ = list(wire.transactions(packets))
    endpoints = Endpoints(wire.quickest_ns, known)
    endpoints.look(all_)
    return list(_Bus(endpoints).urbs(all_)), wire.problems


@mutable
class _Data:
    """Data of one pipe on its way from packets to transfers."""

    held: Transaction | None = None  #: sent, but no handshake was captured
    last: Transaction | None = None  #: accepted before
    parts: list[Transaction] = field(factory=list)  #: of the transfer that goes on
    wanted: int = 0  #: bytes of the transfer, where a disk's command tells them; else 0

    def accepted(self, new: Transaction) -> Iterator[Transaction]:
        """The packets of this pipe that are known to have arrived, now that there is another: each of them once."""
        held, self.held = self.held, None
        if held is not None and held.pid != new.pid and new.pid:
            yield held  # what comes now has the other toggle, so the handshake was only not captured
            self.last = held
        if not new.handshake:
            self.held = new
        elif not (self.last and new.pid and (new.pid, new.payload) == (self.last.pid, self.last.payload)):
            self.last = new
            yield new


@mutable
class _Control(_Data):
    """A control transfer that goes on."""

    setup: Setup = field(kw_only=True)
    begun: Transaction = field(kw_only=True)
    data: list[Transaction] = field(factory=list)


@define
class _Bus:
    """All devices of a bus."""

    endpoints: Endpoints
    _control: dict[int, _Control] = field(factory=dict)  #: by address
    _data: dict[Pipe, _Data] = field(factory=dict)
    _numbers: Iterator[int] = field(factory=lambda: count(1))

    def urbs(self, all_: Iterable[Transaction]) -> Iterator[UrbEvent]:
        """Submission and completion of each transfer, in the order of the completions."""
        for new in all_:
            endpoint = self.endpoints.at(new.pipe)
            if new.token == PID.SETUP:
                yield from self._begin(new)
            elif endpoint.type is TransferType.CONTROL:
                yield from self._go_on(new)
            elif endpoint.type is TransferType.ISOCHRONOUS:
                yield from self._isochronous(new)
            else:
                yield from self._move(new, endpoint)
        for pipe, data in self._data.items():
            yield from self._flush(pipe, data)

    def _begin(self, new: Transaction) -> Iterator[UrbEvent]:
        address = new.pipe[0]
        before = self._control.pop(address, None)
        if new.length != _SETUP_BYTES or len(new.payload) != _SETUP_BYTES or new.handshake == PID.STALL:
            return
        if before is not None and new.asked_ns - before.begun.asked_ns >= _GIVEN_UP_NS:
            yield from self._told(before, new, Status.NEVER)
        elif before is not None and before.data:
            yield from self._told(before, before.data[-1], Status.OK)
        self._control[address] = _Control(setup=Setup.unpack(new.payload), begun=new)

    def _go_on(self, new: Transaction) -> Iterator[UrbEvent]:
        address, _, is_in = new.pipe
        transfer = self._control.get(address)
        if transfer is None:
            return
        if new.handshake == PID.STALL:
            yield from self._finish(address, transfer, new, Status.STALL)
        elif transfer.setup.wLength and is_in == transfer.setup.is_in:
            transfer.data += transfer.accepted(new)
        elif new.handshake or not new.length:
            if transfer.held is not None:  # the host is content with it
                transfer.data.append(transfer.held)
            yield from self._finish(address, transfer, new, Status.OK)

    def _finish(self, address: int, transfer: _Control, last: Transaction, status: Status) -> Iterator[UrbEvent]:
        del self._control[address]
        yield from self._told(transfer, last, status)
        if status is Status.OK:
            self._heed(address, transfer)

    def _heed(self, address: int, transfer: _Control) -> None:
        """What the host and the device now know of each other."""
        setup = transfer.setup
        match (setup.bmRequestType, setup.bRequest):
            case (0x80, StandardRequest.GET_DESCRIPTOR) if setup.wValue >> 8 == DescriptorType.CONFIGURATION:
                self.endpoints.hear(address, _joined(transfer.data)[0])
            case (0x00, StandardRequest.SET_ADDRESS):
                self.endpoints.forget(setup.wValue & 0x7F)
                self._start_anew(setup.wValue & 0x7F)
            case (0x00, StandardRequest.SET_CONFIGURATION) | (0x01, StandardRequest.SET_INTERFACE):
                self._start_anew(address)
            case (0x02, StandardRequest.CLEAR_FEATURE) if setup.wValue == Feature.ENDPOINT_HALT:
                pipe = (address, setup.wIndex & 0x0F, bool(setup.wIndex & DIRECTION_IN))
                if pipe in self._data:
                    self._data[pipe].last = None

    def _start_anew(self, address: int) -> None:
        """Data toggles begin with DATA0 again. USB 2.0 §9.1.1.5."""
        for pipe, data in self._data.items():
            if pipe[0] == address:
                data.last = None

    def _told(self, transfer: _Control, last: Transaction, status: Status) -> Iterator[UrbEvent]:
        setup, begun = transfer.setup, transfer.begun
        payload, length = _joined(transfer.data)
        pipe = (begun.pipe[0], begun.pipe[1], setup.is_in)
        yield from self._pair(pipe, TransferType.CONTROL, begun, last, status, payload, length, setup=setup)

    def _isochronous(self, new: Transaction) -> Iterator[UrbEvent]:
        """A frame is a transfer; what is sent in one microframe is a frame (USB 2.0 §5.9.2)."""
        data = self._data.setdefault(new.pipe, _Data())
        if data.parts and new.asked_ns - data.parts[0].asked_ns > _MICROFRAME_NS:
            yield from self._flush(new.pipe, data)
        data.parts.append(new)
        if new.pid not in (PID.DATA1, PID.DATA2, PID.MDATA):
            yield from self._flush(new.pipe, data)

    def _move(self, new: Transaction, endpoint: Endpoint) -> Iterator[UrbEvent]:
        data = self._data.setdefault(new.pipe, _Data())
        if new.handshake == PID.STALL:
            data.held = None
            data.parts.append(new)
            yield from self._flush(new.pipe, data, Status.STALL)
            return
        for packet in data.accepted(new):
            if data.parts and packet.after_pause:
                yield from self._flush(new.pipe, data)
            data.parts.append(packet)
            length = sum(part.length for part in data.parts) if data.wanted else 0
            is_short = packet.length < endpoint.wMaxPacketSize or endpoint.type is TransferType.INTERRUPT
            if is_short or (data.wanted and length >= data.wanted):
                yield from self._flush(new.pipe, data)
            if packet.length == _COMMAND_BYTES and packet.payload.startswith(_COMMAND) and not packet.pipe[2]:
                self._expect(packet)

    def _expect(self, command: Transaction) -> None:
        """dCBWDataTransferLength and the direction in bmCBWFlags: how long the disk's next transfer is."""
        is_in = bool(command.payload[12] & DIRECTION_IN)
        length = int.from_bytes(command.payload[8:12], "little")
        for pipe in self.endpoints.data_pipes(command.pipe[0]):
            if pipe[2] == is_in and self.endpoints.at(pipe).type is TransferType.BULK:
                self._data.setdefault(pipe, _Data()).wanted = length

    def _flush(self, pipe: Pipe, data: _Data, status: Status = Status.OK) -> Iterator[UrbEvent]:
        """End the transfer that goes on, if any does."""
        parts, data.parts, data.wanted = data.parts, [], 0
        if parts:
            type_ = self.endpoints.at(pipe).type
            payload, length = _joined(parts)
            frames = (Frame(status, 0, length),) if type_ is TransferType.ISOCHRONOUS else ()
            yield from self._pair(pipe, type_, parts[0], parts[-1], status, payload, length, frames=frames)

    def _pair(
        self,
        pipe: Pipe,
        type_: TransferType,
        first: Transaction,
        last: Transaction,
        status: Status,
        payload: bytes,
        length: int,
        *,
        setup: Setup | None = None,
        frames: tuple[Frame, ...] = (),
    ) -> Iterator[UrbEvent]:
        """A submission when the host first asked, and a completion."""
        number, is_in = next(self._numbers), pipe[2]
        for complete in (False, True):
            has_data = complete is is_in
            yield UrbEvent(
                id=number,
                complete=complete,
                bus=1,
                address=pipe[0],
                bEndpointAddress=pipe[1] | (DIRECTION_IN if is_in else 0),
                type=type_,
                time_ns=last.ended_ns if complete else first.asked_ns,
                setup=None if complete else setup,
                status=status,
                length=length,
                data=payload if has_data else b"",
                frames=frames if complete else (),
                place=first.place,
                speed=first.speed,
            )


def _joined(parts: Iterable[Transaction]) -> tuple[bytes, int]:
    """The bytes up to the first packet of which the capture has only the head, and the length of all."""
    payload, length, is_whole = [], 0, True
    for part in parts:
        if is_whole:
            payload.append(part.payload)
        is_whole = is_whole and len(part.payload) == part.length
        length += part.length
    return b"".join(payload), length
