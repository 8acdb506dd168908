"""Plays one device for one USB/IP client: URBs in, replies out."""

from __future__ import annotations

from collections import defaultdict
from errno import ECONNRESET
from typing import TYPE_CHECKING

from harness.channel.exporter import BaseExporter
from usbfuzz.errors import ProtocolError

from .messages import Submit, Unlink, Unlinked
from .urbs import ControlUrb, DataUrb, IsoUrb, Pace, Urb

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.channel.leaks import LeakWatch
    from harness.channel.scheduler import Scheduler
    from usbfuzz.device import Device
    from usbfuzz.wire import Status

    from .messages import Submitted

__all__ = ["MAX_PENDING", "MAX_PENDING_BYTES", "Exporter"]

MAX_PENDING = 4096  #: URBs a client may have outstanding
MAX_PENDING_BYTES = 256 << 20  #: bytes those URBs may carry in all


class Exporter(BaseExporter[Urb]):
    """One imported device."""

    def __init__(
        self,
        device: Device,
        scheduler: Scheduler,
        reply: Callable[[Submitted | Unlinked], None],
        on_device_error: Callable[[Exception], None],
        leaks: LeakWatch | None = None,
    ) -> None:
        super().__init__(device, scheduler, on_device_error, leaks)
        self._reply = reply
        self._pending: dict[int, Urb] = {}
        self._bytes = 0
        self._unlinking: dict[int, int] = {}  #: the URB's seqnum: the unlink's
        self._paces: defaultdict[int, Pace] = defaultdict(Pace)
        self._call(device.on_reset)

    def handle(self, request: Submit | Unlink) -> None:
        """Answer a request now, or queue it; raises ProtocolError when a client asks for too much."""
        if isinstance(request, Unlink):
            self._unlink(request)
            return
        if request.seqnum in self._pending:
            raise ProtocolError(f"The USB/IP client used sequence number {request.seqnum} twice.")
        self._bytes += len(request.data)
        if len(self._pending) >= MAX_PENDING or self._bytes > MAX_PENDING_BYTES:
            raise ProtocolError(f"The USB/IP client has {len(self._pending)} URBs of {self._bytes} bytes outstanding.")
        self.requests += 1
        kind = IsoUrb if request.packets else DataUrb if request.ep else ControlUrb
        address = request.ep | request.direction << 7
        urb = kind(request, self._device.speed, self._paces[address])
        self._pending[urb.id] = urb
        self._pipes.submit(urb)

    def close(self) -> None:
        """As the base: the client is gone."""
        super().close()
        self._pending.clear()

    def _unlink(self, request: Unlink) -> None:
        if request.unlink_seqnum in self._pending:
            self._unlinking[request.unlink_seqnum] = request.seqnum
            self._pipes.cancel(request.unlink_seqnum)
        else:
            self._reply(Unlinked(request.seqnum, 0))

    def _complete(self, urb: Urb, status: Status, data: bytes) -> None:
        del self._pending[urb.id]
        self._bytes -= len(urb.submit.data)
        unlink = self._unlinking.pop(urb.id, None)
        self._reply(urb.reply(status, data) if unlink is None else Unlinked(unlink, -ECONNRESET))
