"""Workers that each do one job at a time."""

from __future__ import annotations

import asyncio
from typing import Generic

from attrs import define, field

from usbfuzz.errors import InfraError, UsbfuzzError

from .messages import Order, Reply, Start
from .policy import Policy
from .worker import LostWorkerError, SilentWorkerError, Worker

__all__ = ["JobGivenUpError", "Pool"]


class JobGivenUpError(InfraError):
    """As many workers as the policy allows failed at the same job; another job may still go well."""

    def __init__(self, failure: UsbfuzzError) -> None:
        super().__init__(str(failure))
        self.failure = failure  #: of the last of them


@define
class Pool(Generic[Start, Order, Reply]):
    """A job that comes when all workers are busy waits for its turn; the worker that was idle last gets it."""

    workers: tuple[Worker[Start, Order, Reply], ...]
    policy: Policy
    _idle: asyncio.LifoQueue[Worker[Start, Order, Reply]] = field(factory=asyncio.LifoQueue, init=False)
    _fruitless: int = field(default=0, init=False)  #: failures of workers in a row
    _closing: bool = field(default=False, init=False)

    def __attrs_post_init__(self) -> None:
        for worker in reversed(self.workers):
            self._idle.put_nowait(worker)

    async def run(self, job: Order) -> Reply:
        """Have ``job`` done by the next worker that is idle; raises as :meth:`run_on` does."""
        worker = await self._idle.get()
        try:
            return await self.run_on(worker, job)
        finally:
            self._idle.put_nowait(worker)

    async def run_on(self, worker: Worker[Start, Order, Reply], job: Order) -> Reply:
        """Have ``job`` done by ``worker``, by another process in its place when one fails.

        One whose place is lost did not fail at it. Raises JobGivenUpError when they all fail, what the last one failed
        with when the policy calls going on hopeless, InfraError when no process can be started.
        """
        deaths = 0
        while True:
            if self._closing:
                raise InfraError(f"{worker.name}: no further job is begun")
            await worker.begin()
            try:
                reply = await self._reply(worker, job)
            except UsbfuzzError as failure:
                self._fruitless += 1
                if self._closing or self.policy.hopeless(failure, self._fruitless):
                    raise
                if isinstance(failure, LostWorkerError):  # which says nothing about the job
                    continue
                deaths += 1
                final = isinstance(failure, SilentWorkerError) and not self.policy.silent_again
                if final or deaths >= self.policy.deaths:
                    raise JobGivenUpError(failure) from failure
            else:
                self._fruitless = 0
                return reply

    @staticmethod
    async def _reply(worker: Worker[Start, Order, Reply], job: Order) -> Reply:
        worker.send(job)
        reply = None
        try:
            reply = await worker.receive()
        finally:
            if reply is None:
                await worker.end(0.0)  # when cancelled, too: a reply that comes later is not one to the next job
        if reply is None:
            raise InfraError(f"{worker.name}: worker ended before its job was done")
        return reply

    async def close(self) -> None:
        """End all workers and their guests."""
        self._closing = True
        await asyncio.gather(*(worker.end(self.policy.end) for worker in self.workers))
