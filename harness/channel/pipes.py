"""The queues of unanswered requests, one for each endpoint and stream that has any.

The answers of an endpoint go out in the order of its requests, as on a real bus: QEMU asserts when the packets of an
endpoint complete out of order (``usb_packet_complete_one`` in hw/usb/core.c), and a kernel's drivers count on it. So a
request whose answer has to wait holds up everything behind it on its pipe. A cancelled request is completed too, once.
"""

from __future__ import annotations

from collections import deque
from enum import Enum
from functools import partial
from typing import TYPE_CHECKING, ClassVar, Generic, Protocol, TypeVar

from attrs import define, field

from usbfuzz.wire import Answer, Setup, Status

if TYPE_CHECKING:
    from collections.abc import Callable

    from usbfuzz.device import Device

    from .scheduler import Handle, Scheduler

__all__ = ["Pipe", "Pipes", "Request", "RequestT"]

Pipe = tuple[int, int]  #: bEndpointAddress (0 for endpoint 0, both directions) and stream id


class Request(Protocol):
    """A request of the host that is owed exactly one answer."""

    #: Requests of its pipe that may wait at a time, None when the host itself bounds them; one more is an I/O error.
    MOST_WAITING: ClassVar[int | None]

    id: int  #: pairs it with its answer
    pipe: Pipe

    @property
    def payload(self) -> bytes:
        """What it sends to the device; nothing for a request that reads."""

    @property
    def setup(self) -> Setup | None:
        """The setup packet of a control transfer."""

    def ask(self, device: Device) -> Answer:
        """Put it to the device."""


RequestT = TypeVar("RequestT", bound=Request)

_OK, _NAK, _NEVER = Status.OK, Status.NAK, Status.NEVER  # looked up once: three comparisons are made for each request

#: After a cancelled or failed transfer the host takes back what is queued behind it, in QEMU one message each. So many
#: seconds pass before the next one is put to the device, so that no answer is spent on a request being taken back.
_WITHDRAWAL_S = 0.001


class _Wait(Enum):
    NOTHING = "nothing"  #: the first request can be put to the device
    WAKE = "wake"  #: the device said NAK to it
    CLOCK = "clock"  #: it has an answer that is not due
    CANCEL = "cancel"  #: it is never answered
    WITHDRAWAL = "withdrawal"  #: the host may be taking it back


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
        complete: Callable[[RequestT, Status, bytes], None],
        scheduler: Scheduler,
    ) -> None:
        self._ask = ask
        self._complete = complete
        self._scheduler = scheduler
        self._queues: dict[Pipe, _Queue[RequestT]] = {}
        self.failing = False  #: everything ends in an I/O error

    def submit(self, request: RequestT) -> None:
        """Take a new request; most are answered before this returns."""
        if self.failing:
            self._complete(request, Status.IO_ERROR, b"")
            return
        queue = self._queues.get(request.pipe)
        if queue is None:
            answer = self._ask(request)
            status = answer.status
            if status is not _NAK and status is not _NEVER and not answer.delay_ms:
                self._complete(request, status, answer.data)
                return
            queue = self._queues[request.pipe] = _Queue(deque((request,)))
            self._park(queue, answer)
        elif request.MOST_WAITING is not None and len(queue.requests) >= request.MOST_WAITING:
            self._complete(request, Status.IO_ERROR, b"")
        else:
            queue.requests.append(request)

    def cancel(self, number: int) -> None:
        """Complete a request that the host gave up as cancelled; nothing happens when it is answered already."""
        for pipe, queue in self._queues.items():
            for request in queue.requests:
                if request.id == number:
                    self._withdraw(pipe, queue, request)
                    return

    def wake(self, endpoint: int) -> None:
        """The device can answer now what it put off on this endpoint."""
        endpoint = endpoint if endpoint & 0x0F else 0
        for pipe, queue in self._queues.items():
            if pipe[0] == endpoint and queue.wait is _Wait.WAKE:
                queue.wait = _Wait.NOTHING
                self._scheduler.later(0, partial(self._serve, pipe, queue))

    def fail(self) -> None:
        """Complete everything with an I/O error, what waits and what is still to come: nobody is there to answer."""
        self.failing = True
        self._end(Status.IO_ERROR)

    def drain(self) -> None:
        """Complete everything as cancelled, before the device is unplugged."""
        self._end(Status.CANCELLED)

    def _end(self, status: Status) -> None:
        queues = list(self._queues.values())
        self.forget()
        for queue in queues:
            for request in queue.requests:
                self._complete(request, status, b"")

    def forget(self) -> None:
        """Drop everything unanswered: the host is gone."""
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
            if answer.status is _NAK or answer.status is _NEVER or answer.delay_ms:
                self._park(queue, answer)
            else:
                self._finish(pipe, queue, answer)
        if not queue.requests:
            self._queues.pop(pipe, None)

    def _park(self, queue: _Queue[RequestT], answer: Answer) -> None:
        if answer.delay_ms:
            queue.wait = _Wait.CLOCK
            queue.timer = self._scheduler.after(answer.delay_ms, partial(self._due, queue, answer))
        else:
            queue.wait = _Wait.WAKE if answer.status is _NAK else _Wait.CANCEL

    def _due(self, queue: _Queue[RequestT], answer: Answer) -> None:
        """The delay of the first request's answer is over; a delayed NAK means to be asked again."""
        pipe = queue.requests[0].pipe
        queue.timer = None
        if answer.status is _NEVER:
            queue.wait = _Wait.CANCEL
            return
        queue.wait = _Wait.NOTHING
        if answer.status is not _NAK:
            self._finish(pipe, queue, answer)
        self._serve(pipe, queue)

    def _finish(self, pipe: Pipe, queue: _Queue[RequestT], answer: Answer) -> None:
        self._complete(queue.requests.popleft(), answer.status, answer.data)
        if answer.status is not _OK and queue.requests:
            self._hold(pipe, queue)

    def _withdraw(self, pipe: Pipe, queue: _Queue[RequestT], request: RequestT) -> None:
        first = queue.requests[0] is request
        queue.requests.remove(request)
        self._complete(request, Status.CANCELLED, b"")
        if first and queue.timer is not None:
            queue.timer.cancel()
            queue.timer = None
        if not queue.requests:
            del self._queues[pipe]
        elif first:
            self._hold(pipe, queue)

    def _hold(self, pipe: Pipe, queue: _Queue[RequestT]) -> None:
        if queue.wait is not _Wait.WITHDRAWAL:
            queue.wait = _Wait.WITHDRAWAL
            self._scheduler.later(_WITHDRAWAL_S, partial(self._resume, pipe, queue))

    def _resume(self, pipe: Pipe, queue: _Queue[RequestT]) -> None:
        queue.wait = _Wait.NOTHING
        self._serve(pipe, queue)
