"""Captures made on the spot: what usbmon, USBPcap and macOS write of a conversation, in their containers."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence
from typing import Any

from attrs import evolve, frozen

from usbfuzz.wire import Answer, Setup, Status, TransferType

__all__ = ["DARWIN", "LINUX", "MMAPPED", "USBPCAP", "Said", "control", "packets", "pcap", "pcapng", "text"]

LINUX, MMAPPED, USBPCAP, DARWIN = 189, 220, 249, 266
_ERRNO = {
    Status.OK: 0,
    Status.STALL: -32,
    Status.BABBLE: -75,
    Status.TIMEOUT: -110,
    Status.IO_ERROR: -71,
    Status.INVAL: -22,
    Status.NEVER: -2,
}
_USBD = {
    Status.OK: 0,
    Status.STALL: 0xC0000004,
    Status.BABBLE: 0xC0000012,
    Status.TIMEOUT: 0xC0006000,
    Status.IO_ERROR: 0xC0000011,
    Status.NEVER: 0xC0010000,
}
_IORETURN = {
    Status.OK: 0,
    Status.STALL: 0xE000404F,
    Status.BABBLE: 0xE00002E8,
    Status.TIMEOUT: 0xE00002D6,
    Status.IO_ERROR: 0xE00002CA,
    Status.NEVER: 0xE00002EB,
}
_KIND = {TransferType.ISOCHRONOUS: 0, TransferType.INTERRUPT: 1, TransferType.CONTROL: 2, TransferType.BULK: 3}
_LETTER = {
    TransferType.ISOCHRONOUS: "Z",
    TransferType.INTERRUPT: "I",
    TransferType.CONTROL: "C",
    TransferType.BULK: "B",
}


@frozen
class Said:
    """One transfer of a capture; times in microseconds."""

    answer: Answer
    setup: Setup | None = None
    payload: bytes = b""
    endpoint: int = 0
    type: TransferType = TransferType.CONTROL
    bus: int = 1
    address: int = 5
    submitted: int = 1000
    completed: int = 1001

    @property
    def is_in(self) -> bool:
        return bool((self.setup.bmRequestType if self.setup else self.endpoint) & 0x80)


def control(setup: Setup, answer: Answer, address: int = 5, payload: bytes = b"", **times: Any) -> Said:
    """A control transfer."""
    return evolve(Said(answer, setup, payload, setup.bmRequestType & 0x80, address=address), **times)


def packets(said: Iterable[Said], link: int = MMAPPED, order: str = "<") -> list[tuple[int, bytes]]:
    """(time in microseconds, bytes) of the two records of each transfer, in the order of time."""
    record = {USBPCAP: _usbpcap, DARWIN: _darwin}.get(link, _usbmon)
    events = []
    for number, transfer in enumerate(said):
        events.append((transfer.submitted, number, record(transfer, number + 0x1000, False, link, order)))
        events.append((transfer.completed, number, record(transfer, number + 0x1000, True, link, order)))
    return [(time, raw) for time, _, raw in sorted(events, key=lambda event: event[:2])]


def _usbmon(transfer: Said, number: int, complete: bool, link: int, order: str) -> bytes:
    data = (
        transfer.answer.data if complete and transfer.is_in else b"" if complete or transfer.is_in else transfer.payload
    )
    time = transfer.completed if complete else transfer.submitted
    status = _ERRNO[transfer.answer.status] if complete else -115
    setup = transfer.setup.pack() if transfer.setup and not complete else bytes(8)
    length = len(data) if complete or not transfer.is_in else (transfer.setup.wLength if transfer.setup else 64)
    raw = struct.pack(
        order + "QcBBBHBBqiiII8s",
        *(number, b"C" if complete else b"S", _KIND[transfer.type], transfer.endpoint, transfer.address, transfer.bus),
        *(0 if transfer.setup and not complete else ord("-"), 0 if data else ord("<")),
        *(time // 1_000_000, time % 1_000_000, status, length, len(data), setup),
    )
    return raw + (struct.pack(order + "iiII", 0, 0, 0, 0) if link == MMAPPED else b"") + data


def _usbpcap(transfer: Said, number: int, complete: bool, link: int, order: str) -> bytes:
    del link, order
    data = (
        transfer.answer.data if complete and transfer.is_in else b"" if complete or transfer.is_in else transfer.payload
    )
    status = _USBD[transfer.answer.status] if complete else 0
    stage = b""
    if transfer.setup:
        stage = b"\x03" if complete else b"\0"
        data = data if complete else transfer.setup.pack() + data
    head = struct.pack(
        "<HQIHBHHBBI",
        *(27 + len(stage), number, status, 8, complete, transfer.bus, transfer.address),
        *(transfer.endpoint, _KIND[transfer.type], len(data)),
    )
    return head + stage + data


def _darwin(transfer: Said, number: int, complete: bool, link: int, order: str) -> bytes:
    del link, order
    body, length = b"", 64
    if complete:
        body = transfer.answer.data if transfer.is_in else transfer.payload
        length = len(body)
    elif transfer.setup:
        body, length = transfer.setup.pack(), transfer.setup.wLength
    frames = 0
    if transfer.type is TransferType.ISOCHRONOUS:
        frames = 1
        status = _IORETURN[transfer.answer.status] if complete else 0xE0000001
        body = struct.pack("<IIIQQ", 28, length, status, number, transfer.completed) + body
    head = struct.pack(
        "<HBBIIIQIBBBB",
        *(0x0100, 32, complete, length, _IORETURN[transfer.answer.status] if complete else 0, frames, number),
        *(
            transfer.bus << 24 | 0x100000,
            0,
            transfer.address,
            transfer.endpoint & (0xFF if transfer.endpoint & 15 else 0),
        ),
        transfer.type,
    )
    return head + body


def pcap(
    records: Iterable[tuple[int, bytes]], link: int, order: str = "<", *, nano: bool = False, snap: int = 65535
) -> bytes:
    """A pcap file; ``snap`` bytes are kept of each packet."""
    parts = [struct.pack(order + "IHHiIII", 0xA1B23C4D if nano else 0xA1B2C3D4, 2, 4, 0, 0, snap, link)]
    for time, raw in records:
        ticks = time % 1_000_000 * (1000 if nano else 1)
        parts += (struct.pack(order + "IIII", time // 1_000_000, ticks, len(raw[:snap]), len(raw)), raw[:snap])
    return b"".join(parts)


def pcapng(records: Iterable[tuple[int, bytes]], links: Sequence[int], order: str = "<", *, snap: int = 0) -> bytes:
    """A pcapng file with an interface for each link type, in nanoseconds; the packets are the last interface's."""
    parts = [_block(order, 0x0A0D0D0A, struct.pack(order + "IHHq", 0x1A2B3C4D, 1, 0, -1))]
    resolution = struct.pack(order + "HHBxxxHH", 9, 1, 9, 0, 0)
    parts += [_block(order, 1, struct.pack(order + "HHI", link, 0, snap) + resolution) for link in links]
    for time, raw in records:
        kept = raw[: snap or len(raw)]
        head = struct.pack(
            order + "IIIII", len(links) - 1, time * 1000 >> 32, time * 1000 & 0xFFFFFFFF, len(kept), len(raw)
        )
        parts.append(_block(order, 6, head + kept + bytes(-len(kept) % 4)))
    return b"".join(parts)


def _block(order: str, kind: int, body: bytes) -> bytes:
    total = struct.pack(order + "I", len(body) + 12)
    return struct.pack(order + "I", kind) + total + body + total


def text(said: Iterable[Said], *, with_bus: bool = True) -> bytes:
    """What usbmon prints: at most 32 bytes of data."""
    events = []
    for number, transfer in enumerate(said):
        bus = f"{transfer.bus}:" if with_bus else ""
        kind = f"{_LETTER[transfer.type]}{'i' if transfer.is_in else 'o'}"
        where = f"{kind}:{bus}{transfer.address:03}:{transfer.endpoint & 15}"
        head = f"ffff8881{number:08x}"
        asked = "-115"
        if transfer.setup:
            fields = (
                transfer.setup.bmRequestType,
                transfer.setup.bRequest,
                transfer.setup.wValue,
                transfer.setup.wIndex,
                transfer.setup.wLength,
            )
            asked = "s {:02x} {:02x} {:04x} {:04x} {:04x}".format(*fields)
        sent = len(transfer.payload) if not transfer.is_in else transfer.setup.wLength if transfer.setup else 64
        events.append(
            (
                transfer.submitted,
                number,
                f"{head} {transfer.submitted} S {where} {asked} {_words(sent, transfer.payload)}",
            )
        )
        answer = transfer.answer
        moved = len(answer.data) if transfer.is_in else len(transfer.payload)
        done = f"{head} {transfer.completed} C {where} {_ERRNO[answer.status]} {_words(moved, answer.data)}"
        events.append((transfer.completed, number, done))
    return "".join(line + "\n" for _, _, line in sorted(events)).encode()


def _words(length: int, data: bytes) -> str:
    return f"{length} = {data[:32].hex(' ', -4)}" if data else f"{length} <"
