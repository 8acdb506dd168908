"""What runs inside a dask worker: worker processes of ours, as many as it has threads, whose lines it passes on.

:func:`prepare` is run there by its name. From then on a connection that asks for :data:`OP` is one process: lines come
and go until either ends, and with it the other.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from typing import Any

from attrs import define, field

from harness.workers.child import Child
from harness.workers.lines import Lines
from harness.workers.messages import Ended
from usbfuzz.errors import InfraError

from .admission import admission

__all__ = ["OP", "WINDOW", "prepare"]

OP = "usbfuzz-process"  #: by which a connection asks for a process
WINDOW = 4 << 20  #: bytes that are under way to a command that has not read them yet
_END_S = 12.0  #: seconds that a process has to end once the command is gone, and a command to read its last lines
_RAW: Lines[Any] = Lines(Ended, "cluster")  #: lines are passed on as they are, so that what they are does not matter


def prepare(dask_worker: Any) -> tuple[str, str, str, str, float]:
    """Make a dask worker ready for processes; what :func:`~.admission.admission` says there."""
    if OP not in dask_worker.handlers:
        dask_worker.handlers[OP] = _Host(dask_worker).serve
    return admission()


@define
class _Host:
    """The processes of one dask worker."""

    dask_worker: Any
    running: int = 0  #: how many

    async def serve(self, comm: Any, module: str) -> None:
        """Run ``python -m module PARENT`` for the command at the other end of ``comm``."""
        if self.running >= self.dask_worker.state.nthreads:
            await comm.write({"busy": self.running})
        else:
            self.running += 1
            try:
                await self._run(comm, (sys.executable, "-m", module, str(os.getpid())))
            finally:
                self.running -= 1
        await _closed(comm)

    @staticmethod
    async def _run(comm: Any, command: tuple[str, ...]) -> None:
        try:
            child: Child[Any, Any] = await Child.start("process", command, _RAW, _RAW, group=True)
        except InfraError as error:
            await comm.write({"failed": str(error)})
            return
        await comm.write({"pid": child.pid})
        await _Relay(child, comm).run()


async def _closed(comm: Any) -> None:
    """Wait for the command to close the connection: a close from here would throw away what it has not read."""
    with contextlib.suppress(OSError, TimeoutError):
        async with asyncio.timeout(_END_S):
            while True:
                await comm.read()
    await comm.close()


@define
class _Relay:
    """Between a process and the command; ends with the first of them."""

    child: Child[Any, Any]
    comm: Any
    _unread: int = field(default=0, init=False)  #: bytes under way to the command
    _took: asyncio.Event = field(factory=asyncio.Event, init=False)
    _freely: bool = field(default=False, init=False)  #: the end is near, and nobody counts any more what is under way
    _seconds: float = field(default=_END_S, init=False)  #: that the process has to end

    async def run(self) -> None:
        """Pass lines on until the process has ended; it is told to end when the command wants that or is gone."""
        down, up = asyncio.create_task(self._down()), asyncio.create_task(self._up())
        seconds = 0.0  # if this is cancelled, because the dask worker ends
        try:
            await asyncio.wait({down, up}, return_when=asyncio.FIRST_COMPLETED)
            self._let_all_through()
            seconds = _END_S if up.done() else self._seconds
        finally:
            status = await self.child.end(seconds)
            await up
        with contextlib.suppress(OSError):
            await self.comm.write({"status": status, "words": self.child.last_words})
        await asyncio.wait({down}, timeout=_END_S)  # until the command closes the connection, which it reads from
        down.cancel()

    async def _down(self) -> None:
        """Lines to the process, until the command wants its end or is gone."""
        with contextlib.suppress(OSError):
            while True:
                match await self.comm.read():
                    case {"line": bytes(line)}:
                        self.child.send_line(line)
                    case {"took": int(count)}:
                        self._unread -= count
                        self._took.set()
                    case {"end": float(seconds)}:
                        self._seconds = min(max(0.0, seconds), _END_S)
                        return
                    case _:
                        return

    async def _up(self) -> None:
        """Lines of the process, at the pace at which the command reads them; to their end, read or not."""
        while (line := await self.child.receive_line()) is not None:
            while self._unread > WINDOW and not self._freely:
                self._took.clear()
                await self._took.wait()
            self._unread += len(line)
            with contextlib.suppress(OSError):
                await self.comm.write({"line": line})

    def _let_all_through(self) -> None:
        self._freely = True
        self._took.set()
