"""JSON lines over pipes: to the supervisor from inside a worker, and to a child process."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from collections import deque
from collections.abc import Sequence
from typing import Any

from attrs import define, field

import usbfuzz.errors
from usbfuzz.errors import InfraError, UsbfuzzError

from .lines import LINE_LIMIT, Lines
from .procs import kill_group

__all__ = ["Child", "Upstream", "error_of", "take_stdout"]

_LAST_WORDS = 20  #: lines of a child's stderr that are remembered


def take_stdout() -> int:
    """Keep standard output for messages: returns its descriptor, and sends whatever prints to standard error."""
    sys.stdout.flush()
    channel = os.dup(sys.stdout.fileno())
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    return channel


@define
class Upstream:
    """A worker's end of the pipes to its supervisor."""

    _reader: asyncio.StreamReader
    _channel: int
    _messages: Lines

    @classmethod
    async def open(cls, channel: int, messages: Lines) -> Upstream:
        """Read messages from standard input, write them to ``channel``."""
        loop = asyncio.get_running_loop()
        reader = asyncio.StreamReader(limit=LINE_LIMIT, loop=loop)
        await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader, loop=loop), sys.stdin)
        return cls(reader, channel, messages)

    async def receive(self) -> Any | None:
        """The next message, or None once the supervisor is gone."""
        line = await self.receive_line()
        return None if line is None else self._messages.decode(line)

    async def receive_line(self) -> bytes | None:
        """The next line undecoded, or None once the supervisor is gone."""
        line = await self._reader.readline()
        return line if line.endswith(b"\n") else None

    def send(self, message: Any) -> None:
        """Write a message; blocks while the pipe is full, so only between rounds. A gone supervisor is no error."""
        self.send_line(self._messages.encode(message))

    def send_line(self, line: bytes) -> None:
        """The same for a line of somebody else's messages."""
        rest = memoryview(line)
        with contextlib.suppress(BrokenPipeError):
            while rest:
                rest = rest[os.write(self._channel, rest) :]


@define
class Child:
    """A child process, leader of its own process group, that speaks JSON lines; its stderr's tail is kept."""

    name: str
    _process: asyncio.subprocess.Process
    _messages: Lines
    _errors: asyncio.Task[None] = field(init=False)
    _tail: deque[str] = field(factory=lambda: deque(maxlen=_LAST_WORDS), init=False)

    @classmethod
    async def start(cls, name: str, command: Sequence[str], messages: Lines, *, group: bool) -> Child:
        """Start ``command``; with ``group`` as leader of a session of its own, out of reach of the terminal's Ctrl-C.

        Raises InfraError when it cannot be started.
        """
        try:
            process = await asyncio.create_subprocess_exec(
                *command,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                start_new_session=group,
                limit=LINE_LIMIT,
            )
        except OSError as error:
            raise InfraError(f"{name}: cannot be started: {error.strerror}") from error
        return cls(name, process, messages)

    def __attrs_post_init__(self) -> None:
        self._errors = asyncio.create_task(self._remember())

    async def _remember(self) -> None:
        assert self._process.stderr is not None
        async for line in self._process.stderr:
            self._tail.append(line.decode(errors="replace").rstrip())

    @property
    def pid(self) -> int:
        """Process id."""
        return self._process.pid

    @property
    def last_words(self) -> str:
        """The last line it wrote to standard error, or ""."""
        return next((line for line in reversed(self._tail) if line.strip()), "")

    def send(self, message: Any) -> None:
        """Queue a message; one that can no longer be delivered is dropped, as the reader is about to notice."""
        self.send_line(self._messages.encode(message))

    def send_line(self, line: bytes) -> None:
        """The same for a line of somebody else's messages."""
        assert self._process.stdin is not None
        if not self._process.stdin.is_closing():
            self._process.stdin.write(line)

    async def receive_line(self) -> bytes | None:
        """The next line undecoded, or None once the process closed its end."""
        assert self._process.stdout is not None
        line = await self._process.stdout.readline()
        return line if line.endswith(b"\n") else None

    async def receive(self) -> Any | None:
        """The next message, or None once the process closed its end; raises ProtocolError."""
        line = await self.receive_line()
        return None if line is None else self._messages.decode(line)

    async def end(self, seconds: float, *, group: bool) -> int:
        """Close its input, give it ``seconds`` to exit, then kill it (and its ``group``); returns its status."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            async with asyncio.timeout(seconds):
                await self._process.wait()
        except TimeoutError:
            pass
        finally:
            # Not Process.kill(): it polls, and so takes the status away from asyncio's child watcher.
            if group:
                kill_group(self.pid)
            elif self._process.returncode is None:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(self.pid, signal.SIGKILL)
        status = await self._process.wait()
        await self._errors
        return status


def error_of(name: str, message: str) -> UsbfuzzError:
    """The error a worker told of, by its class name."""
    kind = getattr(usbfuzz.errors, name, None) if name in usbfuzz.errors.__all__ else None
    return kind(message) if isinstance(kind, type) and issubclass(kind, UsbfuzzError) else InfraError(message)
