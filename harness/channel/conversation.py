"""What was said on the channels of a run, as far as memory allows: the first events and the last."""

from __future__ import annotations

import time
from collections import deque
from functools import partial
from typing import TYPE_CHECKING

from attrs import define, field, frozen

from .events import Completed, Event, Submitted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .protocol import Channel
    from .said import Said

__all__ = ["NOT_RECORDED", "Conversation", "Recorder", "Utterance"]

#: Bytes kept from the start, where the device is enumerated, and of the end, where the guest dies.
_FIRST, _LAST = 4 << 20, 12 << 20
_OVERHEAD = 500  #: bytes of an event without its data, about


@frozen
class Utterance:
    """One event: seconds since the epoch by our clock, the port's number, what happened."""

    at: float
    port: int
    event: Event


@frozen
class Conversation:
    """What was said, in order; ``missing`` events were left out behind the first ``first``."""

    utterances: tuple[Utterance, ...] = ()
    first: int = 0
    missing: int = 0


NOT_RECORDED = Conversation()


@define
class Recorder:
    """Listens to channels. Costs a few objects for each message: not for rounds that are to be fast."""

    _first: list[Utterance] = field(factory=list, init=False)
    _last: deque[Utterance] = field(factory=deque, init=False)
    _first_room: int = field(default=_FIRST, init=False)
    _last_room: int = field(default=_LAST, init=False)
    _missing: int = field(default=0, init=False)
    _epoch: float = field(factory=lambda: time.time() - time.monotonic(), init=False)

    def listen(self, channels: Sequence[Channel]) -> None:
        """Hear all that is said on these ports from now on; the event loop's clock must be the monotonic one."""
        for number, channel in enumerate(channels):
            channel.trace = partial(self.note, number)

    def note(self, port: int, at: float, said: Said) -> None:
        """Keep what a message means on the bus, if anything; ``at`` is the event loop's time."""
        event = said.event()
        if event is not None:
            self._keep(Utterance(self._epoch + at, port, event))

    def conversation(self) -> Conversation:
        """What was heard so far."""
        return Conversation((*self._first, *self._last), len(self._first), self._missing)

    def _keep(self, utterance: Utterance) -> None:
        if not self._last and self._first_room > 0:
            self._first.append(utterance)
            self._first_room -= _size(utterance.event)
            return
        self._last.append(utterance)
        self._last_room -= _size(utterance.event)
        while self._last_room < 0:
            self._last_room += _size(self._last.popleft().event)
            self._missing += 1


def _size(event: Event) -> int:
    return _OVERHEAD + (len(event.data) if isinstance(event, Submitted | Completed) else 0)
