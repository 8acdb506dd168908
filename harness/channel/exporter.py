"""One device that is plugged in: its code is asked, and must not take the channel down."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Generic

from usbfuzz.wire import Answer, Status

from .asked import Asked
from .pipes import Pipes, RequestT

if TYPE_CHECKING:
    from collections.abc import Callable

    from usbfuzz.device import Device

    from .leaks import LeakWatch
    from .scheduler import Scheduler

__all__ = ["BaseExporter"]

_NOTHING = Answer()
_FAILED = Answer(Status.IO_ERROR)
_ERRORS_KEPT = 16


class BaseExporter(ABC, Generic[RequestT]):
    """What the exporters of all channels share: they pass requests to a device and its answers back.

    ``requests`` counts what the host asked of the device, ``last`` is what it was asked last. ``device_errors`` are the
    first exceptions its methods raised, each told to ``on_device_error``; the host was told of an I/O error instead.
    """

    def __init__(
        self,
        device: Device,
        scheduler: Scheduler,
        on_device_error: Callable[[Exception], None],
        leaks: LeakWatch | None = None,
    ) -> None:
        self.requests = 0
        self.last: RequestT | None = None
        self.device_errors: list[Exception] = []
        self.scheduler = scheduler
        self._device = device
        self._on_device_error = on_device_error
        self._leaks = leaks
        if leaks is not None:
            leaks.plugged()
        self._pipes: Pipes[RequestT] = Pipes(self._ask, self._complete, scheduler)
        device.wake = self._wake

    def close(self) -> None:
        """Send nothing more for this device, and ask it nothing more."""
        self._device.wake = _ignore
        self._pipes.forget()

    def fail(self) -> None:
        """Answer nothing but I/O errors from now on."""
        self._pipes.fail()

    def _wake(self, bEndpointAddress: int) -> None:
        """The device has something for an endpoint now."""
        self._pipes.wake(bEndpointAddress)

    @abstractmethod
    def _complete(self, request: RequestT, status: Status, data: bytes) -> None:
        """Send the answer to a request."""

    @property
    def asked(self) -> Asked | None:
        """The last request that was put to the device."""
        return Asked(self.last.pipe[0], self.last.setup) if self.last is not None else None

    def _ask(self, request: RequestT) -> Answer:
        self.last = request
        leaks = self._leaks
        if leaks is not None and request.payload and leaks.suspects(request.payload):
            leaks.look(self._device, request.pipe[0], request.payload, request.setup)
        try:
            answer = request.ask(self._device) or _NOTHING
        except Exception as error:  # noqa: BLE001  a user's device may raise anything
            return self._failed(error)
        if leaks is not None and answer.data:
            leaks.heard(answer.data)
        return answer

    def _call(self, method: Callable[[], Answer | None]) -> Answer:
        """What another method of the device answers; an I/O error when it raises."""
        try:
            return method() or _NOTHING
        except Exception as error:  # noqa: BLE001  a user's device may raise anything
            return self._failed(error)

    def _failed(self, error: Exception) -> Answer:
        if len(self.device_errors) < _ERRORS_KEPT:
            self.device_errors.append(error)
            self._on_device_error(error)
        return _FAILED


def _ignore(bEndpointAddress: int) -> None:
    """The ``wake`` of a device that is not plugged in."""
    del bEndpointAddress
