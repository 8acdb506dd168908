"""Keeps one lane alive: starts its worker process, talks to it, starts another when it dies."""

from __future__ import annotations

import asyncio
from typing import Protocol

from attrs import define, field

from harness.workers.child import Child, error_of
from usbfuzz.errors import BootError, InfraError, InputError, ProtocolError, UsbfuzzError

from .messages import LINES, Attributed, Entered, Failed, LaneState, RoundDone, Settled, Setup, Shrunk, Sighted, Stop
from .work import Work

__all__ = ["FRUITLESS_STARTS", "Desk", "LaneKeeper"]

#: Starts of a worker in a row without a single round done, after which the campaign gives up.
FRUITLESS_STARTS = 4
_FRUITLESS_BOOTS = 2
#: Seconds without a word from a worker: longer than any run in a guest may take.
_SILENCE = 600.0
_BACKOFF = 0.1
_BACKOFF_MOST = 5.0
#: Seconds a worker has to end once its input is closed: it has a guest to close.
_END_SECONDS = 12.0


class Desk(Protocol):
    """Where keepers bring what their lanes say. Methods may raise StorageError."""

    def entered(self, lane: int, message: Entered) -> None:
        """The lane changed its state."""

    def sighted(self, lane: int, message: Sighted) -> Settled:
        """A report was seen; saved when this returns."""

    def attributed(self, message: Attributed) -> None:
        """A sighting was run down, or given up."""

    def shrunk(self, message: Shrunk) -> None:
        """The case of a bug was made small."""

    def round_done(self, lane: int, message: RoundDone) -> None:
        """Cases were run."""

    def lane_lost(self, lane: int, why: str, given_up: list[int]) -> None:
        """The worker died and another is about to start; ``given_up`` are cases that will not run."""


@define
class LaneKeeper:
    """One lane's worker processes, one after another."""

    setup: Setup
    command: tuple[str, ...]  #: of the worker
    work: Work
    desk: Desk
    _child: Child | None = field(default=None, init=False)
    _stopping: bool = field(default=False, init=False)
    _fruitless: int = field(default=0, init=False)
    _suspects: tuple[int, ...] = field(default=(), init=False)
    _wake: asyncio.Event = field(factory=asyncio.Event, init=False)

    @property
    def lane(self) -> int:
        """Number of the lane."""
        return self.setup.lane

    def stop(self, *, hurry: bool) -> None:
        """Ask the worker to finish its round and end."""
        self._stopping = True
        self._wake.set()
        if self._child is not None:
            self._child.send(Stop(hurry))

    async def run(self) -> None:
        """Until stopped or out of work; raises BootError, InfraError and InputError when starting again is no use."""
        while not self._stopping and not (self.work.exhausted and self._fruitless == 0):
            failure = await self._one_worker()
            if failure is None:
                return
            given_up = self.work.lost(self.lane, self._suspects)
            self.desk.lane_lost(self.lane, str(failure), given_up)
            self._fruitless += 1
            if self._hopeless(failure):
                raise failure
            await self._pause()

    def _hopeless(self, failure: UsbfuzzError) -> bool:
        if self._stopping:
            return False
        if isinstance(failure, InputError):
            return True
        return self._fruitless >= (_FRUITLESS_BOOTS if isinstance(failure, BootError) else FRUITLESS_STARTS)

    async def _pause(self) -> None:
        try:
            async with asyncio.timeout(min(_BACKOFF * 2**self._fruitless, _BACKOFF_MOST)):
                await self._wake.wait()
        except TimeoutError:
            return

    async def _one_worker(self) -> UsbfuzzError | None:
        """Start a worker and serve it to its end; why it failed, or None when it ended as told."""
        self._suspects = ()
        child = self._child = await Child.start(f"lane {self.lane}", self.command, LINES, group=True)
        patience = 0.0
        try:
            child.send(self.setup)
            failure, ended = await self._serve(child)
            patience = _END_SECONDS if ended else 0.0
        finally:
            self._child = None
            status = await child.end(patience, group=True)
        if failure is not None or ended:
            return failure
        return InfraError(f"lane {self.lane}: worker ended with status {status}: {child.last_words or 'no message'}")

    async def _serve(self, child: Child) -> tuple[UsbfuzzError | None, bool]:
        """Answer a worker until its pipe closes: its failure if it told one, and whether it ended as told."""
        failure, ended = None, False
        self._supply(child)
        while True:
            try:
                async with asyncio.timeout(_SILENCE):
                    message = await child.receive()
            except TimeoutError:
                return InfraError(f"lane {self.lane}: worker said nothing for {_SILENCE:.0f} s"), False
            except ProtocolError as error:
                return error, False
            match message:
                case None:
                    return failure, ended
                case Failed(name, text):
                    failure = error_of(name, text)
                case Entered(state, indices):
                    ended = state is LaneState.STOPPED
                    self._suspects = indices
                    self.desk.entered(self.lane, message)
                case Sighted():
                    child.send(self.desk.sighted(self.lane, message))
                case Attributed():
                    self.desk.attributed(message)
                case Shrunk():
                    self.desk.shrunk(message)
                case RoundDone(indices):
                    self._fruitless, self._suspects = 0, ()
                    self.work.done(self.lane, indices)
                    self.desk.round_done(self.lane, message)
                    self._supply(child)

    def _supply(self, child: Child) -> None:
        """Keep the worker in blocks; tell it to end when there is no more."""
        if self._stopping:
            child.send(Stop())
            return
        while self.work.hungry(self.lane) and (block := self.work.take(self.lane)):
            child.send(block)
        if not self.work.held(self.lane):
            child.send(Stop())
