"""A child process that speaks JSON lines over its standard input and output."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections import deque
from collections.abc import Sequence
from typing import Generic, TypeVar

from attrs import define, field

import usbfuzz.errors
from usbfuzz.errors import InfraError, UsbfuzzError

from .lines import LINE_LIMIT, Lines
from .procs import kill_group

__all__ = ["Child", "error_of"]

_LAST_WORDS = 20  #: lines of a child's stderr that are remembered

Sent = TypeVar("Sent")
Received = TypeVar("Received")


@define
class Child(Generic[Sent, Received]):
    """A child process that is sent messages and sends some back; the last lines it writes to stderr are kept."""

    name: str  #: for error messages
    _process: asyncio.subprocess.Process
    _sent: Lines[Sent]
    _received: Lines[Received]
    _group: bool  #: it leads a process group of its own, which ends with it
    _errors: asyncio.Task[None] = field(init=False)
    _tail: deque[str] = field(factory=lambda: deque(maxlen=_LAST_WORDS), init=False)

    @classmethod
    async def start(
        cls, name: str, command: Sequence[str], sent: Lines[Sent], received: Lines[Received], *, group: bool
    ) -> Child[Sent, Received]:
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
        return cls(name, process, sent, received, group)

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

    def send(self, message: Sent) -> None:
        """Queue a message. One that cannot be delivered is dropped: receive() tells that the child is gone."""
        self.send_line(self._sent.encode(message))

    def send_line(self, line: bytes) -> None:
        """Queue a line that is encoded already."""
        assert self._process.stdin is not None
        if not self._process.stdin.is_closing():
            self._process.stdin.write(line)

    async def receive_line(self) -> bytes | None:
        """The next line undecoded, or None once the process closed its end."""
        assert self._process.stdout is not None
        line = await self._process.stdout.readline()
        return line if line.endswith(b"\n") else None

    async def receive(self) -> Received | None:
        """The next message, or None once the process closed its end; raises ProtocolError."""
        line = await self.receive_line()
        return None if line is None else self._received.decode(line)

    async def end(self, seconds: float) -> int:
        """Close its input, give it ``seconds`` to exit, then kill it (and its group); returns its exit status."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            async with asyncio.timeout(seconds):
                await self._process.wait()
        except TimeoutError:
            pass
        finally:
            # Not Process.kill(): it polls, and so takes the status away from asyncio's child watcher.
            if self._group:
                kill_group(self.pid)
            elif self._process.returncode is None:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(self.pid, signal.SIGKILL)
        status = await self._process.wait()
        await self._errors
        return status


def error_of(name: str, message: str) -> UsbfuzzError:
    """The error a worker reported, by its class name in :mod:`usbfuzz.errors`; InfraError for any other name."""
    kind = getattr(usbfuzz.errors, name, None) if name in usbfuzz.errors.__all__ else None
    return kind(message) if isinstance(kind, type) and issubclass(kind, UsbfuzzError) else InfraError(message)
