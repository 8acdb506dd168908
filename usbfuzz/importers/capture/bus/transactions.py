"""Transactions from packets: a token, the data that follows, the handshake. USB 2.0 §8.5.

Of what a device could not answer yet (NAK, NYET) only the time is kept. A transaction that a hub splits for a full- or
low-speed device (§8.4.2) is put together again. Start-of-frame and low-speed preambles are left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from attrs import Factory, field, frozen, mutable

from usbfuzz.importers.capture.pcap import Packet
from usbfuzz.importers.model import Problem
from usbfuzz.wire import Speed, TransferType

from .packets import CRC16_BYTES, PID, Split, crc16, split_of, token_fields

__all__ = ["BUS_LINK_TYPES", "Pipe", "Transaction", "Wire"]

#: link types of https://www.tcpdump.org/linktypes.html, and the speed each tells
BUS_LINK_TYPES: dict[int, tuple[str, Speed | None]] = {
    288: ("USB_2_0", None),
    293: ("USB_2_0_LOW_SPEED", Speed.LOW),
    294: ("USB_2_0_FULL_SPEED", Speed.FULL),
    295: ("USB_2_0_HIGH_SPEED", Speed.HIGH),
}
_IDLE_NS = 1_000_000  #: a host that wants bulk data asks in every frame
_ABSENT_NS = 300_000_000  #: longer than the longest interval of a full-speed endpoint, 255 ms

Pipe = tuple[int, int, bool]  #: address, endpoint number, device to host; a SETUP goes to the host's side of it


@frozen
class Transaction:
    """A transaction in which data went over the bus, or in which the device refused."""

    token: int  #: SETUP, IN or OUT
    pipe: Pipe
    pid: int  #: DATA0, DATA1, DATA2, MDATA; 0: no data
    payload: bytes  #: as much of it as was captured
    length: int  #: bytes on the bus
    handshake: int  #: ACK, NYET, STALL; 0: none
    after_pause: bool  #: the host did not ask for a while before
    asked_ns: int  #: when the host first asked for it
    ended_ns: int
    type: TransferType | None  #: as a split token tells it
    speed: Speed | None
    place: int  #: byte of the file


@mutable
class _Asked:
    """How a host asks on a pipe."""

    first_ns: int
    last_ns: int
    pause: bool = True


@frozen
class _Sent:
    """A data packet."""

    pid: int
    payload: bytes
    length: int
    time_ns: int
    is_sound: bool = True


@mutable
class Wire:
    """Reads packets in the order of the capture, and remembers what is worth knowing of all of them."""

    problems: list[Problem] = field(factory=list)
    quickest_ns: dict[Pipe, int] = field(factory=dict)  #: the shortest time between two tokens of a pipe
    _damaged: int = 0
    _token: int = 0
    _pipe: Pipe = (0, 0, False)
    _split: Split | None = None
    _next_split: Split | None = None
    _low: bool = False  #: a preamble came
    _sent: _Sent | None = None
    _place: int = 0
    _asked: dict[Pipe, _Asked] = field(factory=dict)
    _started: dict[Pipe, _Sent] = field(factory=dict)  #: what a hub was given for a device
    _parts: dict[Pipe, tuple[_Sent, ...]] = Factory(dict)  #: what a hub has passed on so far
    _speed: Speed | None = None

    def transactions(self, packets: Iterable[Packet]) -> Iterator[Transaction]:
        """The transactions of the packets; when they are all read, ``problems`` tells of the damaged ones."""
        for packet in packets:
            if (over := self._add(packet)) is not None:
                yield over
        if (over := self._end(0)) is not None:
            yield over
        if self._damaged:
            what = f"{self._damaged} packets are damaged (PID, length or CRC)"
            self.problems.append(Problem(0, f"{what}; of these only data that the other side accepted is kept"))

    def _add(self, packet: Packet) -> Transaction | None:
        """Add a packet; the transaction that is over now."""
        raw = packet.data
        if raw[:1] == _PREAMBLE and len(raw) > 1:
            raw, self._low = raw[1:], True
        pid = raw[0] if raw else 0
        over = None
        if pid in _BEGINNINGS:
            over = self._end(0) if self._token else None
            if pid in _TOKENS:
                self._begin(pid, raw, packet)
            elif pid == PID.SPLIT:
                self._next_split = split_of(raw)
                self._damaged += self._next_split is None
        elif pid in _HANDSHAKES and len(raw) == 1:
            over = self._end(pid, packet.time_ns)
        elif pid in _DATA:
            over = self._take(pid, raw, packet)
        elif pid == PID.PRE:
            over = self._preamble_or_error(packet)
        elif raw:
            self._damaged += 1
        return over

    def _begin(self, pid: int, raw: bytes, packet: Packet) -> None:
        fields = token_fields(raw)
        self._split, self._next_split = self._next_split, None
        if fields is None:
            self._damaged += 1
            return
        self._pipe = (*fields, pid == PID.IN)
        self._speed = self._split.speed if self._split else BUS_LINK_TYPES[packet.link_type][1]
        if self._low and self._speed is not Speed.HIGH:
            self._speed = Speed.LOW
        self._low = False
        self._place = packet.offset
        if self._split is None or not self._split.complete:
            self._ask(packet.time_ns)
        self._token = 0 if pid == PID.PING else pid

    def _ask(self, now: int) -> None:
        asked = self._asked.get(self._pipe)
        if asked is None:
            self._asked[self._pipe] = _Asked(now, now)
            return
        passed = now - asked.last_ns
        if passed < self.quickest_ns.get(self._pipe, _ABSENT_NS):
            self.quickest_ns[self._pipe] = passed
        if passed > _IDLE_NS:
            asked.pause = True
        if passed > _ABSENT_NS or not asked.first_ns:
            asked.first_ns = now
        asked.last_ns = now

    def _take(self, pid: int, raw: bytes, packet: Packet) -> Transaction | None:
        """A data packet; of a split IN transaction it is the last one."""
        if not self._token or self._sent is not None:
            return None
        is_cut = packet.length > len(packet.data)
        payload = raw[1:] if is_cut else raw[1:-CRC16_BYTES]
        is_sound = is_cut or (len(raw) > CRC16_BYTES and crc16(payload) == raw[-CRC16_BYTES:])
        self._damaged += not is_sound
        length = max(packet.length - 1 - CRC16_BYTES, 0)
        self._sent = _Sent(pid, payload[:length], length, packet.time_ns, is_sound)
        if self._split is not None and self._split.complete and self._token == PID.IN:
            if pid != PID.MDATA:
                return self._end(PID.ACK, packet.time_ns)
            self._parts[self._pipe] = (*self._parts.get(self._pipe, ()), self._sent)
            self._token, self._sent = 0, None
        return None

    def _preamble_or_error(self, packet: Packet) -> Transaction | None:
        """One byte means two things: a host's "low speed follows", and a hub's "there was an error"."""
        if self._split is not None and self._split.complete and self._token and self._sent is None:
            self._started.pop(self._pipe, None)
            self._token = 0
            return None
        self._low = packet.link_type != _HIGH_SPEED
        return self._end(0)

    def _end(self, handshake: int, time_ns: int = 0) -> Transaction | None:
        token, sent, split = self._token, self._sent, self._split
        self._token, self._sent = 0, None
        if not token:
            return None
        if handshake == PID.NAK:
            self._started.pop(self._pipe, None)
            return None
        if split is not None and not split.complete:
            if sent is not None and (handshake == PID.ACK or not handshake):
                self._started[self._pipe] = sent
            if not _is_over(split, sent):
                return None
        elif split is not None:
            if handshake in (0, PID.NYET):  # not yet, or lost
                return None
            sent = self._joined(sent) if token == PID.IN else self._started.pop(self._pipe, None)
        if sent is None and handshake != PID.STALL:
            return None
        if sent is not None and not sent.is_sound and not handshake:
            return None
        return self._told(token, sent or _Sent(0, b"", 0, time_ns), handshake, time_ns)

    def _joined(self, last: _Sent | None) -> _Sent | None:
        """What a hub passed on in several parts."""
        parts = self._parts.pop(self._pipe, ())
        if last is None or not parts:
            return last
        whole = b"".join(part.payload for part in (*parts, last))
        return _Sent(last.pid, whole, len(whole), last.time_ns)

    def _told(self, token: int, sent: _Sent, handshake: int, time_ns: int) -> Transaction:
        asked = self._asked.setdefault(self._pipe, _Asked(sent.time_ns, sent.time_ns))
        told = Transaction(
            token=token,
            pipe=self._pipe,
            pid=sent.pid,
            payload=sent.payload,
            length=sent.length,
            handshake=handshake,
            after_pause=asked.pause,
            asked_ns=asked.first_ns or asked.last_ns,
            ended_ns=time_ns or sent.time_ns,
            type=self._split.type if self._split else None,
            speed=self._speed,
            place=self._place,
        )
        asked.first_ns, asked.pause = 0, False
        return told


_TOKENS = frozenset((PID.IN, PID.OUT, PID.SETUP, PID.PING))
_BEGINNINGS = _TOKENS | {PID.SOF, PID.EXT, PID.SPLIT}  #: what ends a transaction that had no handshake
_PREAMBLE = bytes((PID.PRE,))
_DATA = frozenset((PID.DATA0, PID.DATA1, PID.DATA2, PID.MDATA))
_HANDSHAKES = frozenset((PID.ACK, PID.NAK, PID.STALL, PID.NYET))
_HIGH_SPEED = 295


def _is_over(split: Split, sent: _Sent | None) -> bool:
    """Nobody asks how isochronous data arrived."""
    return split.type is TransferType.ISOCHRONOUS and sent is not None
