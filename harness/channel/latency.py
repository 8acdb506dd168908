"""How long the event loop was busy with something else while a guest may have been waiting for us."""

from __future__ import annotations

import asyncio
from weakref import WeakKeyDictionary

__all__ = ["Heartbeat"]

_PERIOD_S = 0.002  #: seconds between two beats
_SLACK_S = 0.001  #: seconds by which a timer may be late of itself: the selector counts milliseconds

_beats: WeakKeyDictionary[asyncio.AbstractEventLoop, Heartbeat] = WeakKeyDictionary()


class Heartbeat:
    """A timer of the running event loop. If it is late, the loop was blocked, and bytes may have waited."""

    def __init__(self) -> None:
        self._users = 0
        self._due = 0.0
        self._timer: asyncio.TimerHandle | None = None

    @classmethod
    def of_running_loop(cls) -> Heartbeat:
        """The one that all users of this loop share."""
        return _beats.setdefault(asyncio.get_running_loop(), cls())

    def start(self) -> None:
        """Count one more user; the timer runs while there is any."""
        self._users += 1
        if self._timer is None:
            self._beat(asyncio.get_running_loop())

    def stop(self) -> None:
        """Count one user less."""
        self._users -= 1
        if not self._users and self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def overdue(self, now: float) -> float:
        """Seconds by which the timer is late at ``now``, the event loop's time; 0.0 when it is not or has no user."""
        return max(0.0, now - self._due - _SLACK_S) if self._timer is not None else 0.0

    def _beat(self, loop: asyncio.AbstractEventLoop) -> None:
        self._due = loop.time() + _PERIOD_S
        self._timer = loop.call_at(self._due, self._beat, loop)
