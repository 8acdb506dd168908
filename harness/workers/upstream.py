"""A worker's end of the pipes to the command that started it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from typing import Any, Generic, Protocol, TypeVar

from attrs import define

from .lines import LINE_LIMIT, Lines
from .messages import Order, Reply, Status, WorkerMessages

__all__ = ["PipeUpstream", "Upstream", "take_stdout"]

Given_co = TypeVar("Given_co", covariant=True)
Told_contra = TypeVar("Told_contra", contravariant=True)


class Upstream(Protocol[Given_co, Told_contra]):
    """Whoever a worker works for: orders come from there, replies go there."""

    async def receive(self) -> Given_co | None:
        """The next order, or None once there will be no more; raises ProtocolError."""

    def send(self, reply: Told_contra | Status) -> None:
        """Give a reply; may block, so only between rounds."""


def take_stdout() -> int:
    """Keep standard output for messages: returns its descriptor, and sends whatever prints to standard error."""
    sys.stdout.flush()
    channel = os.dup(sys.stdout.fileno())
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    return channel


@define
class PipeUpstream(Generic[Order, Reply]):
    """Orders come in over standard input, replies go out over a descriptor."""

    _reader: asyncio.StreamReader
    _channel: int
    _orders: Lines[Order]
    _replies: Lines[Reply | Status]

    @classmethod
    async def open(cls, channel: int, messages: WorkerMessages[Any, Order, Reply]) -> PipeUpstream[Order, Reply]:
        """Read orders from standard input, write replies to ``channel``."""
        loop = asyncio.get_running_loop()
        reader = asyncio.StreamReader(limit=LINE_LIMIT, loop=loop)
        await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader, loop=loop), sys.stdin)
        return cls(reader, channel, messages.orders, messages.replies)

    async def receive(self) -> Order | None:
        """The next order, or None once there will be no more; raises ProtocolError."""
        line = await self.receive_line()
        return None if line is None else self._orders.decode(line)

    async def receive_line(self) -> bytes | None:
        """The next line undecoded, or None once there will be no more."""
        line = await self._reader.readline()
        return line if line.endswith(b"\n") else None

    def send(self, reply: Reply | Status) -> None:
        """Write a reply; blocks while the pipe is full, so only between rounds. A command that is gone is no error."""
        rest = memoryview(self._replies.encode(reply))
        with contextlib.suppress(BrokenPipeError):
            while rest:
                rest = rest[os.write(self._channel, rest) :]
