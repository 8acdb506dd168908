"""The callbacks for what happens to a device that is served."""

from __future__ import annotations

from typing import Protocol

from harness.channel.watcher import ChannelWatcher

__all__ = ["ServeWatcher"]


class ServeWatcher(ChannelWatcher, Protocol):
    """Called from the event loop."""

    def note(self, text: str) -> None:
        """A QEMU or a kernel connected, disconnected or was refused: ``text`` says which."""
