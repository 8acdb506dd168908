"""What the channels share: who waits, who is told, and the device that is played."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from .exporter import BaseExporter
from .waiting import Waiters

if TYPE_CHECKING:
    from collections.abc import Callable

    from usbfuzz.errors import InfraError

    from .asked import Asked
    from .leaks import LeakWatch
    from .said import Trace

__all__ = ["BaseChannel"]

ExporterT = TypeVar("ExporterT", bound=BaseExporter[Any])


class BaseChannel(ABC, Generic[ExporterT]):
    """What every :class:`harness.channel.protocol.Channel` has; the attributes are explained there."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.closed = asyncio.Event()
        self.trace: Trace | None = None
        self.leaks: LeakWatch | None = None
        self.on_device_error: Callable[[Exception], None] = lambda _: None
        self.worst_reply = 0.0
        self._exporter: ExporterT | None = None  #: of the device that is, or was last, plugged in
        self._waiters = Waiters(self.closed, self._lost)
        self._server: asyncio.Server | None = None  #: what listens for the other side, if anything does

    @property
    def requests(self) -> int:
        """How often the host asked something of the device that is, or was last, plugged in."""
        return self._exporter.requests if self._exporter else 0

    @property
    def asked(self) -> Asked | None:
        """The last that the host asked of that device."""
        return self._exporter.asked if self._exporter else None

    @property
    def device_errors(self) -> list[Exception]:
        """The first exceptions that device's methods raised; the host was told of an I/O error instead."""
        return self._exporter.device_errors if self._exporter else []

    def fail(self) -> None:
        """Have all that the host asks of the device end in an I/O error."""
        if self._exporter is not None:
            self._exporter.fail()

    @abstractmethod
    def _lost(self) -> InfraError:
        """What callers get who wait for a channel that is closed."""
