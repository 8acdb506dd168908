"""Keeps a worker alive that does the same work until it is told to end."""

from __future__ import annotations

import asyncio
from typing import Generic, Protocol

from attrs import define, field

from usbfuzz.errors import UsbfuzzError

from .messages import Order, Reply, Start
from .waiting import unless_set
from .worker import Worker

__all__ = ["Assignment", "Supervisor"]

#: Seconds before a worker is started again, doubled with each failure in a row up to the second figure.
_PAUSE, _LONGEST_PAUSE = 0.1, 5.0


class Assignment(Protocol[Start, Order, Reply]):
    """What a worker is to do. Errors raised here end the supervision: they are not the worker's."""

    @property
    def left(self) -> bool:
        """There is work that needs a worker."""

    def begin(self, supervisor: Supervisor[Start, Order, Reply]) -> None:
        """A process was started: give it orders."""

    def act(self, supervisor: Supervisor[Start, Order, Reply], reply: Reply) -> bool:
        """Act on a reply; whether it shows progress, so that failures in a row are counted from 0 again."""

    def lost(self, failure: UsbfuzzError) -> None:
        """The process failed, and so did what it had to do."""


@define
class Supervisor(Generic[Start, Order, Reply]):
    """One worker's processes, one after another, as long as there is work and starting another one helps."""

    worker: Worker[Start, Order, Reply]
    assignment: Assignment[Start, Order, Reply]
    _last_order: Order | None = field(default=None, init=False)
    _fruitless: int = field(default=0, init=False)
    _wake: asyncio.Event = field(factory=asyncio.Event, init=False)

    @property
    def stopping(self) -> bool:
        """The worker was told to end."""
        return self._last_order is not None

    def send(self, order: Order) -> None:
        """Give the worker an order."""
        self.worker.send(order)

    def stop(self, order: Order) -> None:
        """Give the worker its last order, which tells it to end; may be called again to say so in other words."""
        self._last_order = order
        self._wake.set()
        self.worker.send(order)

    def let_go(self) -> None:
        """There is no more work: do not wait for a place to start a process at."""
        self._wake.set()

    async def run(self) -> None:
        """Until stopped or out of work; raises what a process failed with when its policy calls going on hopeless."""
        while not self.stopping and (self.assignment.left or self._fruitless):
            failure = await self._one_process()
            if failure is None:
                return
            self._fruitless += 1
            self.assignment.lost(failure)
            if not self.stopping and self.worker.policy.hopeless(failure, self._fruitless):
                raise failure
            await self._pause()

    async def _pause(self) -> None:
        try:
            async with asyncio.timeout(min(_PAUSE * 2**self._fruitless, _LONGEST_PAUSE)):
                await self._wake.wait()
        except TimeoutError:
            return

    async def _one_process(self) -> UsbfuzzError | None:
        """Start a process and serve it to its end; why it failed, or None when it ended as told."""
        await unless_set(self._wake, self.worker.begin())
        if not self.worker.begun:
            return None
        seconds = 0.0
        try:
            failure = await self._serve()
            seconds = 0.0 if failure else self.worker.policy.end
        finally:
            await self.worker.end(seconds)
        return failure

    async def _serve(self) -> UsbfuzzError | None:
        if self._last_order is not None:
            self.worker.send(self._last_order)
        else:
            self.assignment.begin(self)
        while True:
            try:
                reply = await self.worker.receive()
            except UsbfuzzError as failure:
                return failure
            if reply is None:
                return None
            if self.assignment.act(self, reply):
                self._fruitless = 0
