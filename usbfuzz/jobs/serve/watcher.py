"""Who is told what happens to a device that is served."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from harness.usbip.messages import Reply, Request
    from harness.usbredir.constants import Sender
    from harness.usbredir.message import Message

__all__ = ["Watcher"]


class Watcher(Protocol):
    """Called from the event loop."""

    def note(self, text: str) -> None:
        """Somebody came, went or was refused."""

    def fault(self, error: Exception) -> None:
        """The device's own code raised something; the guest was told of an I/O error."""

    def transfer(self, at: float, sender: Sender, message: Message) -> None:
        """A usbredir message; ``at`` is the event loop's time in seconds."""

    def usbip(self, sender: Sender, message: Request | Reply) -> None:
        """A USB/IP message; the client is the guest."""
