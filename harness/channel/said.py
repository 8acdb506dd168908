"""A message of a channel as its listeners see it, whatever the channel's protocol."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from .events import Event

__all__ = ["Said", "Sender", "Trace"]


class Sender(Enum):
    """Who sends a message."""

    HOST = "host"  #: the side that has the device: us
    GUEST = "guest"  #: the side that has the machine the device is plugged into


class Said(Protocol):
    """One message of a channel, as its listeners see it. Both methods work it out anew at each call."""

    @property
    def sender(self) -> Sender:
        """Who sent it."""

    def line(self) -> str:
        """The message in one line of text, in its channel's own terms."""

    def event(self) -> Event | None:
        """What it means on the bus; None when it only concerns the channel."""


#: Sees each message of a channel: event loop time in seconds, and what was said.
Trace = Callable[[float, Said], None]
