"""Bus packets made on the spot: what an analyzer between host and device writes of a conversation."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from attrs import field, mutable

from usbfuzz.importers.capture.bus.packets import PID, crc16
from usbfuzz.wire import Status, TransferType

from .capture_files import Said

__all__ = ["FULL", "HIGH", "LOW", "USB_2_0", "Bus", "bus_packets", "data_packet", "split_token", "token"]

USB_2_0, LOW, FULL, HIGH = 288, 293, 294, 295  #: link types
_ET = {TransferType.CONTROL: 0, TransferType.ISOCHRONOUS: 1, TransferType.BULK: 2, TransferType.INTERRUPT: 3}


def _crc5(bits: int, count: int) -> int:
    """USB 2.0 §8.3.5.1, bit by bit as it is written there: the generator is x^5 + x^2 + 1."""
    remainder = 0b11111
    for place in range(count):
        top = remainder >> 4 ^ (bits >> place & 1)
        remainder = (remainder << 1 & 0b11111) ^ (0b00101 if top else 0)
    return int(f"{remainder ^ 0b11111:05b}"[::-1], 2)


def token(pid: PID, address: int, endpoint: int = 0) -> bytes:
    """A token; of a start of frame ``address`` is the low 7 bits of its number."""
    bits = address | endpoint << 7
    return bytes((pid,)) + (bits | _crc5(bits, 11) << 11).to_bytes(2, "little")


def split_token(*, complete: bool, type_: TransferType, is_low: bool, hub: int = 2, port: int = 1) -> bytes:
    """What goes before a token to a device behind a hub."""
    bits = hub | complete << 7 | port << 8 | is_low << 15 | _ET[type_] << 17
    return bytes((PID.SPLIT,)) + (bits | _crc5(bits, 19) << 19).to_bytes(3, "little")


def data_packet(pid: PID, payload: bytes = b"") -> bytes:
    """A data packet."""
    return bytes((pid,)) + payload + crc16(payload)


@mutable
class Bus:
    """Writes transactions as packets; data toggles are those of a bus without errors."""

    behind_hub: bool = False
    loses: Sequence[int] = ()  #: numbers of the IN and OUT transactions whose first handshake the other side misses
    knows_lengths: bool = False  #: the host asks for no empty packet behind full ones
    _toggles: dict[tuple[int, int, bool], int] = field(factory=dict)
    _count: int = 0

    def transaction(
        self, pid: PID, address: int, endpoint: int, payload: bytes | None, end: PID | None, type_: TransferType
    ) -> Iterator[bytes]:
        """One transaction, and again where the handshake is lost; ``payload`` None: there is no data."""
        toggle = self._toggle(pid, address, endpoint) if payload is not None else PID.DATA0
        self._count += 1
        for _ in range(1 + (self._count in self.loses and end is PID.ACK and pid != PID.SETUP)):
            parts = (pid, address, endpoint, toggle, payload, end)
            yield from self._split(*parts, type_) if self.behind_hub else self._plain(*parts)

    @staticmethod
    def _plain(
        pid: PID, address: int, endpoint: int, toggle: PID, payload: bytes | None, end: PID | None
    ) -> Iterator[bytes]:
        yield token(pid, address, endpoint)
        if payload is not None:
            yield data_packet(toggle, payload)
        if end is not None:
            yield bytes((end,))

    @staticmethod
    def _split(
        pid: PID, address: int, endpoint: int, toggle: PID, payload: bytes | None, end: PID | None, type_: TransferType
    ) -> Iterator[bytes]:
        is_in = pid is PID.IN
        yield split_token(complete=False, type_=type_, is_low=True)
        yield token(pid, address, endpoint)
        if payload is not None and not is_in:
            yield data_packet(toggle, payload)
        if type_ in (TransferType.CONTROL, TransferType.BULK):
            yield bytes((PID.ACK,))
        for answer in (PID.NYET, None):
            yield split_token(complete=True, type_=type_, is_low=True)
            yield token(pid, address, endpoint)
            if answer is not None:
                yield bytes((answer,))
            elif payload is not None and is_in:
                yield data_packet(toggle, payload)
            elif end is not None:
                yield bytes((end,))

    def _toggle(self, pid: PID, address: int, endpoint: int) -> PID:
        key = (address, endpoint, pid is PID.IN)
        if pid is PID.SETUP:
            self._toggles[(address, endpoint, True)] = self._toggles[(address, endpoint, False)] = 1
            return PID.DATA0
        number = self._toggles.get(key, 0)
        self._toggles[key] = number ^ 1
        return PID.DATA1 if number else PID.DATA0

    def transfer(self, said: Said, size: int) -> Iterator[tuple[int, list[bytes]]]:
        """(time in microseconds, packets) of a transfer; ``size`` is the endpoint's wMaxPacketSize."""
        if said.setup is not None:
            yield from self._control(said, size)
            return
        pid = PID.IN if said.is_in else PID.OUT
        where = (said.address, said.endpoint & 15)
        sent = said.answer.data if said.is_in else said.payload
        if said.type is TransferType.ISOCHRONOUS:
            yield said.completed, [token(pid, *where), data_packet(PID.DATA0, sent)]
            return
        if said.is_in:
            yield said.submitted, list(self.transaction(pid, *where, None, PID.NAK, said.type))
        if said.answer.status is Status.STALL:
            refused = None if said.is_in else sent
            yield said.completed, list(self.transaction(pid, *where, refused, PID.STALL, said.type))
            return
        ends = said.type is TransferType.BULK and not self.knows_lengths
        for part in _parts(sent, size, ends=not sent or (ends and len(sent) % size == 0)):
            yield said.completed, list(self.transaction(pid, *where, part, PID.ACK, said.type))

    def _control(self, said: Said, size: int) -> Iterator[tuple[int, list[bytes]]]:
        assert said.setup is not None
        setup, where, kind = said.setup, (said.address, 0), TransferType.CONTROL
        pid, other = (PID.IN, PID.OUT) if setup.is_in else (PID.OUT, PID.IN)
        yield said.submitted, list(self.transaction(PID.SETUP, *where, setup.pack(), PID.ACK, kind))
        stage = PID.IN if setup.is_in or not setup.wLength else PID.OUT
        yield said.submitted, list(self.transaction(PID.IN, *where, None, PID.NAK, kind))
        if said.answer.status is Status.STALL:
            refused = None if stage is PID.IN else said.payload[:size]
            yield said.completed, list(self.transaction(stage, *where, refused, PID.STALL, kind))
            return
        sent = said.answer.data if setup.is_in else said.payload
        if setup.wLength:
            for part in _parts(sent, size, ends=len(sent) < setup.wLength and len(sent) % size == 0):
                yield said.completed, list(self.transaction(pid, *where, part, PID.ACK, kind))
        status = other if setup.wLength else PID.IN
        self._toggles[(*where, status is PID.IN)] = 1  # the status stage is always DATA1
        yield said.completed, list(self.transaction(status, *where, b"", PID.ACK, kind))


def _parts(sent: bytes, size: int, *, ends: bool) -> list[bytes]:
    """The packets of a transfer; ``ends``: an empty one says that it is over."""
    whole = [sent[at : at + size] for at in range(0, len(sent), size)]
    return [*whole, b""] if ends else whole


def bus_packets(
    said: Iterable[Said],
    *,
    size: int = 64,
    behind_hub: bool = False,
    loses: Sequence[int] = (),
    knows_lengths: bool = False,
) -> list[tuple[int, bytes]]:
    """(time in microseconds, bytes) of all packets, with a start of frame now and then."""
    bus = Bus(behind_hub, loses, knows_lengths)
    stages = sorted((stage for transfer in said for stage in bus.transfer(transfer, size)), key=lambda stage: stage[0])
    found: list[tuple[int, bytes]] = []
    for number, (time, raws) in enumerate(stages):
        found += [(time, token(PID.SOF, number & 0x7F))] if number % 3 == 0 else []
        found += [(time, raw) for raw in raws]
    return found
