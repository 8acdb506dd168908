"""What a channel offers to those who plug devices into it, and in which state of the channel."""

from __future__ import annotations

import asyncio
from enum import Enum
from typing import TYPE_CHECKING, Protocol

from usbfuzz.errors import ProtocolError

if TYPE_CHECKING:
    from collections.abc import Callable

    from usbfuzz.device import Device
    from usbfuzz.errors import InfraError

    from .asked import Asked
    from .leaks import LeakWatch
    from .said import Trace

__all__ = ["LEGAL", "Channel", "ChannelState", "require"]


class ChannelState(Enum):
    """Where a channel stands."""

    OPENING = "opening"  #: the other side is not connected, or has not greeted us
    EMPTY = "empty"  #: no device
    PLUGGED = "plugged"  #: a device is plugged in, also one that the other side has refused
    UNPLUGGING = "unplugging"  #: the device is gone; the other side has not confirmed it
    CLOSED = "closed"  #: the other side is gone, or we gave up on it; for good


#: In which states a device may be plugged in and unplugged. Everything else may be called in every state.
LEGAL: dict[str, frozenset[ChannelState]] = {
    "plug": frozenset((ChannelState.OPENING, ChannelState.EMPTY, ChannelState.UNPLUGGING)),
    "unplug": frozenset((ChannelState.PLUGGED,)),
}

_WHY = {
    ChannelState.PLUGGED: "a device is plugged in already, unplug it first",
    ChannelState.UNPLUGGING: "its device is being unplugged already",
}


class Channel(Protocol):
    """A port into which one device at a time can be plugged. All calls are from the thread of its event loop.

    The :class:`InfraError` that calls raise when the other side is lost is a :class:`QemuError` where that is a QEMU,
    which is how a lane learns that its guest has died.
    """

    name: str  #: for messages to the user: a path or an address
    closed: asyncio.Event  #: set in state CLOSED
    trace: Trace | None  #: sees each message from now on; None, as at first, costs nothing
    leaks: LeakWatch | None  #: looks through what is sent to devices plugged in from now on; None looks at nothing
    on_device_error: Callable[[Exception], None]  #: told what device code raises; set it before plugging in
    worst_reply: float  #: seconds from a request being available to its answer, the longest since the last plug

    @property
    def state(self) -> ChannelState:
        """Where the channel stands now."""

    @property
    def requests(self) -> int:
        """How often the host asked something of the device that is, or was last, plugged in."""

    @property
    def asked(self) -> Asked | None:
        """The last that the host asked of that device; None before it asked anything."""

    @property
    def device_errors(self) -> list[Exception]:
        """The first exceptions that device's methods raised; the host was told of an I/O error instead."""

    @property
    def rejected(self) -> bool:
        """The other side refused the device; it is still PLUGGED and to be unplugged."""

    async def plug(self, device: Device) -> None:
        """Plug a device in, once the other side is there and the last device is gone.

        Legal in OPENING, EMPTY and UNPLUGGING, and the state is PLUGGED then. Raises :class:`ProtocolError` in
        PLUGGED, :class:`InfraError` in CLOSED or when the other side does not come to that, and what the device raises
        when it is asked what it is: the channel is EMPTY then. Only the host can reset the device; a bus reset reaches
        it as :meth:`Device.on_reset`.
        """

    def fail(self) -> None:
        """Have all that the host asks or polls for end in an I/O error, as of a device that was pulled a moment ago.

        A host that probes a device notices that it is gone only afterwards. Legal in every state; only PLUGGED matters.
        """

    async def unplug(self) -> None:
        """Unplug the device, complete its unanswered requests as cancelled, and wait for the confirmation.

        Legal in PLUGGED; the state is EMPTY then. Raises :class:`ProtocolError` in other states, and
        :class:`InfraError` in CLOSED or when the confirmation does not come.
        """

    async def wait_requests(self, count: int) -> None:
        """Wait until :attr:`requests` has reached ``count``.

        Legal in every state, also ahead of the plug. Raises :class:`InfraError` once the device is refused or the
        channel CLOSED, unless the count was reached before.
        """

    def close(self) -> None:
        """Close the channel, which unplugs the device; may be called twice and in every state."""


def require(channel: Channel, call: str, lost: Callable[[], InfraError]) -> None:
    """Check that ``call`` is legal now (:data:`LEGAL`); raises ProtocolError, or ``lost()`` when it is CLOSED."""
    state = channel.state
    if state is ChannelState.CLOSED:
        raise lost()
    if state not in LEGAL[call]:
        why = _WHY.get(state, "no device is plugged in")
        raise ProtocolError(f"{channel.name}: cannot {call} a device: {why}.")
