"""The queues of unanswered requests, one for each endpoint and stream that has any."""

from __future__ import annotations

from collections import deque
from enum import Enum
from functools import partial
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

from attrs import define, field

from usbfuzz.wire import Answer, Status

from .constants import WireStatus
from .transfers import InterruptOut

if TYPE_CHECKING:
    from collections.abc import Callable

    from .scheduler import Handle, Scheduler
    from .transfers import Pipe

__all__ = ["WIRE_STATUS", "Pipes", "Request"]


class Request(Protocol):
    """What waits in a queue, of this channel or of USB/IP."""

    id: int
    pipe: Pipe


RequestT = TypeVar("RequestT", bound=Request)

WIRE_STATUS = {
    Status.OK: WireStatus.SUCCESS,
    Status.CANCELLED: WireStatus.CANCELLED,
    Status.INVAL: WireStatus.INVAL,
    Status.IO_ERROR: WireStatus.IOERROR,
    Status.STALL: WireStatus.STALL,
    Status.TIMEOUT: WireStatus.TIMEOUT,
    Status.BABBLE: WireStatus.BABBLE,
}

#: After a cancelled or failed transfer QEMU takes back what is queued behind it, one message each. So long we wait
#: before putting the next one to the device, lest it spends an answer on a request that is being withdrawn.
_SETTLE_S = 0.001

#: Interrupt OUT packets a device may leave unanswered. QEMU does not wait for them, so nothing else bounds the queue.
_MAX_INTERRUPT_OUT = 1024


class _Wait(Enum):
    NOTHING = "nothing"  #: the first request can be put to the device
    WAKE = "wake"  #: the device said NAK to it
    CLOCK = "clock"  #: it has an answer that is not due
    CANCEL = "cancel"  #: it is never answered
    SETTLE = "settle"


@define(eq=False)
class _Queue(Generic[RequestT]):
    requests: deque[RequestT] = field(factory=deque)
    wait: _Wait = _Wait.NOTHING
    timer: Handle | None = None


class Pipes(Generic[RequestT]):
    """Puts requests to the device in the order of their pipe, and completes each once."""

    def __init__(
        self,
        ask: Callable[[RequestT], Answer],
        complete: Callable[[RequestT, WireStatus, bytes], None],
        scheduler: Scheduler,
    ) -> None:
        self._ask = ask
        self._complete = complete
        self._scheduler = scheduler
        self._queues: dict[Pipe, _Queue[RequestT]] = {}

    def submit(self, transfer: RequestT) -> None:
        """Take a new request; most are answered before this returns."""
        queue = self._queues.get(transfer.pipe)
        if queue is None:
            answer = self._ask(transfer)
            status = WIRE_STATUS.get(answer.status)
            if status is not None and not answer.delay_ms:
                self._complete(transfer, status, answer.data)
                return
            queue = self._queues[transfer.pipe] = _Queue(deque((transfer,)))
            self._park(queue, answer)
        elif isinstance(transfer, InterruptOut) and len(queue.requests) >= _MAX_INTERRUPT_OUT:
            self._complete(transfer, WireStatus.IOERROR, b"")
        else:
            queue.requests.append(transfer)

    def cancel(self, number: int) -> None:
        """The guest gave a request up; one that is already answered is none of our business."""
        for pipe, queue in self._queues.items():
            for transfer in queue.requests:
                if transfer.id == number:
                    self._withdraw(pipe, queue, transfer)
                    return

    def wake(self, endpoint: int) -> None:
        """The device can answer now what it put off on this endpoint."""
        endpoint = endpoint if endpoint & 0x0F else 0
        for pipe, queue in self._queues.items():
            if pipe[0] == endpoint and queue.wait is _Wait.WAKE:
                queue.wait = _Wait.NOTHING
                self._scheduler.later(0, partial(self._serve, pipe, queue))

    def drain(self) -> None:
        """Complete everything as cancelled: the device goes."""
        queues = list(self._queues.values())
        self.forget()
        for queue in queues:
            for transfer in queue.requests:
                self._complete(transfer, WireStatus.CANCELLED, b"")

    def forget(self) -> None:
        """Drop everything: there is nobody left to answer."""
        for queue in self._queues.values():
            if queue.timer is not None:
                queue.timer.cancel()
        self._queues.clear()

    def _serve(self, pipe: Pipe, queue: _Queue[RequestT]) -> None:
        """Go on with the first request of a queue, unless something else happened to it meanwhile."""
        if self._queues.get(pipe) is not queue:
            return
        while queue.wait is _Wait.NOTHING and queue.requests:
            answer = self._ask(queue.requests[0])
            status = WIRE_STATUS.get(answer.status)
            if status is None or answer.delay_ms:
                self._park(queue, answer)
            else:
                self._finish(pipe, queue, status, answer.data)
        if not queue.requests:
            self._queues.pop(pipe, None)

    def _park(self, queue: _Queue[RequestT], answer: Answer) -> None:
        if answer.delay_ms:
            queue.wait = _Wait.CLOCK
            queue.timer = self._scheduler.after(answer.delay_ms, partial(self._due, queue, answer))
        else:
            queue.wait = _Wait.WAKE if answer.status is Status.NAK else _Wait.CANCEL

    def _due(self, queue: _Queue[RequestT], answer: Answer) -> None:
        """The delay of the first request's answer is over; a delayed NAK means to be asked again."""
        pipe = queue.requests[0].pipe
        queue.timer = None
        if answer.status is Status.NEVER:
            queue.wait = _Wait.CANCEL
            return
        queue.wait = _Wait.NOTHING
        if answer.status is not Status.NAK:
            self._finish(pipe, queue, WIRE_STATUS[answer.status], answer.data)
        self._serve(pipe, queue)

    def _finish(self, pipe: Pipe, queue: _Queue[RequestT], status: WireStatus, data: bytes) -> None:
        transfer = queue.requests.popleft()
        self._complete(transfer, status, data)
        if status and queue.requests:
            self._settle(pipe, queue)

    def _withdraw(self, pipe: Pipe, queue: _Queue[RequestT], transfer: RequestT) -> None:
        first = queue.requests[0] is transfer
        queue.requests.remove(transfer)
        self._complete(transfer, WireStatus.CANCELLED, b"")
        if first and queue.timer is not None:
            queue.timer.cancel()
            queue.timer = None
        if not queue.requests:
            del self._queues[pipe]
        elif first:
            self._settle(pipe, queue)

    def _settle(self, pipe: Pipe, queue: _Queue[RequestT]) -> None:
        if queue.wait is not _Wait.SETTLE:
            queue.wait = _Wait.SETTLE
            self._scheduler.later(_SETTLE_S, partial(self._settled, pipe, queue))

    def _settled(self, pipe: Pipe, queue: _Queue[RequestT]) -> None:
        queue.wait = _Wait.NOTHING
        self._serve(pipe, queue)
