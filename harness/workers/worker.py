"""A worker as the command that started it sees it."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable
from typing import Generic, Protocol, TypeVar

from attrs import define, field, frozen

from usbfuzz.errors import InfraError, UsbfuzzError

from .child import Child, error_of
from .messages import Begun, Booting, Ended, Failed, Order, Reply, Start, Status, WorkerMessages
from .policy import Policy

__all__ = ["DeadWorkerError", "LostWorkerError", "Process", "Program", "SilentWorkerError", "Worker", "WorkerProgram"]

Begins_contra = TypeVar("Begins_contra", contravariant=True)
Given_contra = TypeVar("Given_contra", contravariant=True)
Told_co = TypeVar("Told_co", covariant=True)


class SilentWorkerError(InfraError):
    """A worker said nothing for as long as its policy allows."""

    def __init__(self, name: str, seconds: float) -> None:
        super().__init__(f"{name}: worker said nothing for {seconds:.0f} s")
        self.seconds = seconds


class DeadWorkerError(InfraError):
    """A worker's process ended without having said why."""

    def __init__(self, name: str, status: int, last_words: str) -> None:
        super().__init__(f"{name}: worker ended with status {status}: {last_words or 'no message'}")
        self.last_words = last_words  #: the last line it wrote to standard error, or ""


class LostWorkerError(InfraError):
    """The place where a worker's process ran is lost, through no fault of what it worked at."""


class Process(Protocol[Given_contra, Told_co]):
    """A worker's process, wherever it runs."""

    @property
    def last_words(self) -> str:
        """The last line it wrote to standard error, or ""."""

    def send(self, message: Given_contra) -> None:
        """Queue a message. One that cannot be delivered is dropped: receive() tells that the process is gone."""

    async def receive(self) -> Told_co | None:
        """The next message, or None once the process closed its end; raises ProtocolError, LostWorkerError."""

    async def end(self, seconds: float) -> int:
        """Give it ``seconds`` to exit, then kill it; returns its exit status."""


class Program(Protocol[Begins_contra, Given_contra, Told_co]):
    """How the processes of one kind of worker are started, wherever that is."""

    async def launch(self, name: str, start: Begins_contra) -> Process[Given_contra, Told_co | Status]:
        """A process that was sent ``start``, once there is a place for one; raises InfraError when there is none."""


@frozen
class WorkerProgram(Generic[Start, Order, Reply]):
    """How the processes of one kind of worker are started, here: on this machine, as children of this process."""

    command: tuple[str, ...]  #: the process id of whoever starts it is appended
    messages: WorkerMessages[Start, Order, Reply]

    @classmethod
    def of(cls, module: str, messages: WorkerMessages[Start, Order, Reply]) -> WorkerProgram[Start, Order, Reply]:
        """``python -m module PARENT``, whose main is :func:`harness.workers.entry.run_worker`."""
        return cls((sys.executable, "-m", module), messages)

    async def launch(self, name: str, start: Start) -> Child[Order, Reply | Status]:
        """A process that was sent ``start``; raises InfraError when it cannot be started."""
        command = (*self.command, str(os.getpid()))
        child = await Child.start(name, command, self.messages.orders, self.messages.replies, group=True)
        child.send_line(self.messages.start.encode(start))
        return child


@define(eq=False)
class Worker(Generic[Start, Order, Reply]):
    """A place for worker processes, one after another: each is started when there is work, and begins the same way."""

    name: str  #: for error messages
    program: Program[Start, Order, Reply]
    start: Start
    policy: Policy
    on_progress: Callable[[str], None] = lambda _: None  #: what there is to tell people while a guest boots
    _child: Process[Order, Reply | Status] | None = field(default=None, init=False)
    _booting: bool = field(default=True, init=False)

    @property
    def begun(self) -> bool:
        """There is a process."""
        return self._child is not None

    async def begin(self) -> None:
        """Start a process unless there is one; raises InfraError when it cannot be started."""
        if self._child is None:
            self._child = await self.program.launch(self.name, self.start)

    def send(self, order: Order) -> None:
        """Give the process an order, if there is a process."""
        self._booting = True
        if self._child is not None:
            self._child.send(order)

    async def receive(self) -> Reply | None:
        """What the process replies next; None when it has ended as it was told.

        Raises SilentWorkerError, DeadWorkerError, LostWorkerError, ProtocolError, or the error it reported.
        """
        assert self._child is not None
        child, ended, failure = self._child, False, None
        while (message := await self._next(child)) is not None:
            match message:
                case Booting(note):
                    self._booting = True
                    self.on_progress(note)
                case Begun():
                    self._booting = False
                case Failed(name, text):
                    failure = error_of(name, text)
                case Ended():
                    ended = True
                case _:
                    return message
        if not ended:
            raise failure or await self._death(child)
        return None

    async def _next(self, child: Process[Order, Reply | Status]) -> Reply | Status | None:
        seconds = self.policy.boot_silence if self._booting else self.policy.silence
        try:
            async with asyncio.timeout(seconds):
                return await child.receive()
        except TimeoutError:
            raise SilentWorkerError(self.name, seconds) from None

    async def _death(self, child: Process[Order, Reply | Status]) -> UsbfuzzError:
        return DeadWorkerError(self.name, await child.end(0.0), child.last_words)

    async def end(self, seconds: float) -> None:
        """End the process, if there is one, within ``seconds``."""
        child, self._child = self._child, None
        if child is not None:
            await child.end(seconds)
