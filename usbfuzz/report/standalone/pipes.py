"""Requests that wait for an answer, and the queues that keep the answers in order."""

from __future__ import annotations

import asyncio
from collections import deque
from functools import partial
from typing import Callable

from .spec import Status, Step

__all__ = ["Pipe", "Request"]

_WITHDRAWAL_S = 0.001  #: after a failed transfer QEMU withdraws the requests queued behind it


class Request:
    """One request, which must be answered exactly once."""

    def __init__(self, number: int, ask: Callable[[], Step], answer: Callable[[int, bytes], None]) -> None:
        self.number, self.ask, self.answer = number, ask, answer


class Pipe:
    """Requests of one endpoint, completed in order, as QEMU requires."""

    def __init__(self) -> None:
        self.requests: deque[Request] = deque()
        self.waits = False
        self.naked = False  #: waits for the device to be ready
        self.timer: asyncio.TimerHandle | None = None

    def clear(self) -> None:
        """Drop all requests."""
        if self.timer is not None:
            self.timer.cancel()
        self.timer, self.waits, self.naked = None, False, False

    def serve(self) -> None:
        """Answer what can be answered now."""
        while self.requests and not self.waits:
            step = self.requests[0].ask()
            if step.delay_ms:
                self._later(step.delay_ms / 1000, partial(self._finish, step, step.status))
            elif step.status < 0:
                self.waits, self.naked = True, step.status == Status.NAK
            else:
                self._finish(step, step.status)

    def withdraw(self, request: Request) -> None:
        """The guest gave a request up; it is answered all the same."""
        first = self.requests[0] is request
        self.requests.remove(request)
        request.answer(Status.CANCELLED, b"")
        if first:
            self.clear()
            self._later(_WITHDRAWAL_S, lambda: None)

    def _finish(self, step: Step, status: int) -> None:
        if status == Status.NEVER:
            self.waits = True
        elif status != Status.NAK:
            self.requests.popleft().answer(status, step.data)
            if status:
                self._later(_WITHDRAWAL_S, lambda: None)

    def _later(self, seconds: float, then: Callable[[], None]) -> None:
        def due() -> None:
            self.clear()
            then()
            self.serve()

        self.waits = True
        self.timer = asyncio.get_event_loop().call_later(seconds, due)
