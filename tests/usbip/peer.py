"""A USB/IP client made for tests, from the protocol description alone: it shares no code with the server."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import TypedDict, Unpack

from attrs import define, field, frozen

__all__ = ["IN", "OUT", "Client", "Done", "client", "submit_bytes", "unlink_bytes"]

OUT, IN = 0, 1
IsoTable = tuple[tuple[int, int], ...]  #: offset and length of each packet


class UrbOptions(TypedDict, total=False):
    """What most URBs do without."""

    setup: bytes
    interval: int
    flags: int
    iso: IsoTable


@frozen
class Done:
    """A reply to an URB (``unlinked``: to an unlink)."""

    status: int
    actual_length: int = 0
    data: bytes = b""
    packets: tuple[tuple[int, int, int, int], ...] = ()
    unlinked: bool = False


def submit_bytes(
    seqnum: int,
    direction: int,
    ep: int,
    length: int,
    data: bytes = b"",
    *,
    setup: bytes = bytes(8),
    interval: int = 0,
    flags: int = 0,
    iso: IsoTable = (),
) -> bytes:
    """USBIP_CMD_SUBMIT."""
    head = struct.pack(">IIIII", 1, seqnum, 1 << 16 | 2, direction, ep)
    body = struct.pack(">IIIIi", flags, length, 0, len(iso), interval) + setup
    return head + body + data + b"".join(struct.pack(">IIII", at, size, 0, 0) for at, size in iso)


def unlink_bytes(seqnum: int, unlinked: int) -> bytes:
    """USBIP_CMD_UNLINK."""
    return struct.pack(">IIIII", 2, seqnum, 1 << 16 | 2, 0, 0) + struct.pack(">I24x", unlinked)


@define
class Client:
    """One connection. Replies are kept by their sequence number."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    replies: dict[int, Done] = field(factory=dict)
    order: list[int] = field(factory=list)
    _asked: dict[int, tuple[int, int]] = field(factory=dict)  #: direction and number of packets
    _last: int = 0

    async def list(self) -> bytes:
        """The whole answer to OP_REQ_DEVLIST."""
        self.writer.write(struct.pack(">HHI", 0x0111, 0x8005, 0))
        return await self.reader.read()

    async def attach(self, busid: str = "1-1") -> int:
        """Import a device; the status."""
        self.writer.write(struct.pack(">HHI32s", 0x0111, 0x8003, 0, busid.encode()))
        version, code, status = struct.unpack(">HHI", await self.reader.readexactly(8))
        assert (version, code) == (0x0111, 0x0003)
        if not status:
            await self.reader.readexactly(312)
        return int(status)

    def submit(self, direction: int, ep: int, length: int, data: bytes = b"", **options: Unpack[UrbOptions]) -> int:
        """Send an URB; its sequence number."""
        self._last += 1
        self._asked[self._last] = (direction, len(options.get("iso", ())))
        self.writer.write(submit_bytes(self._last, direction, ep, length, data, **options))
        return self._last

    def unlink(self, seqnum: int) -> int:
        """Give an URB up; the sequence number of that."""
        self._last += 1
        self.writer.write(unlink_bytes(self._last, seqnum))
        return self._last

    async def reply(self, seqnum: int) -> Done:
        """Wait for the reply."""
        async with asyncio.timeout(5):
            while seqnum not in self.replies:
                await self._read()
        return self.replies[seqnum]

    async def control(self, setup: str, data: bytes = b"") -> Done:
        """A control transfer, its setup packet in hex."""
        raw = bytes.fromhex(setup)
        length = struct.unpack("<H", raw[6:])[0]
        return await self.reply(self.submit(raw[0] >> 7, 0, length, data, setup=raw))

    async def _read(self) -> None:
        command, seqnum, devid, direction, ep = struct.unpack(">IIIII", await self.reader.readexactly(20))
        assert (devid, direction, ep) == (0, 0, 0)
        body = await self.reader.readexactly(28)
        assert seqnum not in self.replies, "answered twice"
        self.order.append(seqnum)
        status, actual, _, count, errors = struct.unpack(">iiiii", body[:20])
        if command == 4:
            self.replies[seqnum] = Done(status, unlinked=True)
            return
        assert command == 3
        asked_direction, packets = self._asked[seqnum]
        data = await self.reader.readexactly(actual) if asked_direction == IN else b""
        assert count == packets
        table = tuple(struct.iter_unpack(">IIIi", await self.reader.readexactly(16 * packets)))
        assert errors == sum(packet[3] != 0 for packet in table)
        self.replies[seqnum] = Done(status, actual, data, table)


@asynccontextmanager
async def client(port: int) -> AsyncIterator[Client]:
    """A client of the server on this machine's ``port``."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        yield Client(reader, writer)
    finally:
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()
