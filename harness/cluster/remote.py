"""A process at a place of the cluster, as the command sees it."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any, Generic

from attrs import define, field

from harness.workers.lines import LINE_LIMIT, Lines
from harness.workers.messages import Order, Reply
from harness.workers.worker import LostWorkerError
from usbfuzz.errors import InfraError, ProtocolError

from .host import OP

__all__ = ["Busy", "RemoteProcess"]

_ASIDE_S = 8.0  #: seconds that the end of a process may take besides those it is given, over a slow network
_WORDS = 500  #: characters of another machine's error message


class Busy(InfraError):  # noqa: N818 - a place that is taken is no failure
    """All places of a dask worker are taken, by another campaign for example."""


@define(eq=False)
class RemoteProcess(Generic[Order, Reply]):
    """What :class:`harness.workers.child.Child` is on this machine: sent messages, it sends some back."""

    name: str  #: for error messages
    where: str  #: its machine, for error messages
    _comm: Any
    _sent: Lines[Order]
    _received: Lines[Reply]
    last_words: str = field(default="", init=False)
    _status: int | None = field(default=None, init=False)
    _lost: str = field(default="", init=False)  #: why it was given up
    _outbox: asyncio.Queue[dict[str, Any]] = field(factory=asyncio.Queue, init=False)
    _writing: asyncio.Task[None] = field(init=False)

    @classmethod
    async def start(
        cls, name: str, where: str, comm: Any, module: str, sent: Lines[Order], received: Lines[Reply]
    ) -> RemoteProcess[Order, Reply]:
        """Start ``python -m module`` at the other end of a connection to a dask worker that is prepared.

        Raises Busy, LostWorkerError, InfraError when it cannot be started.
        """
        try:
            await comm.write({"op": OP, "module": module, "reply": False})
            answer = await comm.read()
        except OSError as error:
            comm.abort()
            raise LostWorkerError(f"{where}: the connection was lost: {error}") from error
        except BaseException:
            comm.abort()
            raise
        match answer:
            case {"pid": int()}:
                return cls(name, where, comm, sent, received)
            case {"busy": int(running)}:
                failure: InfraError = Busy(f"{where}: {running} processes run there already")
            case {"failed": str(why)}:
                failure = InfraError(f"{where}: {why[:_WORDS]}")
            case _:
                failure = ProtocolError(f"{where}: not an answer to a request for a process: {str(answer)[:80]}")
        comm.abort()
        raise failure

    def __attrs_post_init__(self) -> None:
        self._writing = asyncio.create_task(self._write())

    async def _write(self) -> None:
        with contextlib.suppress(OSError):  # which receive() tells of
            while True:
                await self._comm.write(await self._outbox.get())

    def lose(self, why: str) -> None:
        """Give it up: whoever reads from it is told ``why``."""
        self._lost = self._lost or why
        self._comm.abort()

    def send(self, message: Order) -> None:
        """Queue a message. One that cannot be delivered is dropped: receive() tells that the process is gone."""
        self.send_line(self._sent.encode(message))

    def send_line(self, line: bytes) -> None:
        """Queue a line that is encoded already."""
        self._outbox.put_nowait({"line": line})

    async def receive(self) -> Reply | None:
        """The next message, or None once the process has ended; raises ProtocolError, LostWorkerError."""
        line = await self._line()
        return None if line is None else self._received.decode(line)

    async def _line(self) -> bytes | None:
        if self._status is not None:
            return None
        match await self._read():
            case {"line": bytes(line)} if len(line) <= LINE_LIMIT and line.endswith(b"\n"):
                self._outbox.put_nowait({"took": len(line)})
                return line
            case {"status": int(status), "words": str(words)}:
                self._status, self.last_words = status, " ".join(words[:_WORDS].split())
                return None
            case other:
                raise ProtocolError(f"{self.where}: not a line of a process: {str(other)[:80]}")

    async def _read(self) -> Any:
        try:
            return await self._comm.read()
        except OSError as error:
            raise LostWorkerError(self._lost or f"{self.where}: the connection was lost: {error}") from error
        except (ValueError, TypeError, KeyError) as error:
            raise ProtocolError(f"{self.where}: not a message of dask: {error}") from error

    async def end(self, seconds: float) -> int:
        """Give it ``seconds`` to exit, then have it killed; its exit status, -1 when that is unknown."""
        try:
            if self._status is None:
                self._outbox.put_nowait({"end": float(seconds)})
                with contextlib.suppress(InfraError, TimeoutError):
                    async with asyncio.timeout(seconds + _ASIDE_S):
                        while await self._line() is not None:
                            pass
        finally:
            self._writing.cancel()
            self._comm.abort()
        return -1 if self._status is None else self._status
