"""Watching a channel while it works: each message, and what the devices' own code raises."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from .protocol import Channel
    from .said import Said

__all__ = ["ChannelWatcher", "watch_channel"]


class ChannelWatcher(Protocol):
    """Is told what happens, in the event loop of the channel."""

    def transfer(self, at: float, said: Said) -> None:
        """A message of the channel; ``at`` is the event loop's time in seconds."""

    def device_error(self, error: Exception) -> None:
        """The device's own code raised something; the host was told of an I/O error."""


def watch_channel(channel: Channel, watcher: ChannelWatcher) -> None:
    """Tell the watcher what is said on a channel from now on, and what the code of its devices raises."""
    channel.trace, channel.on_device_error = watcher.transfer, watcher.device_error
