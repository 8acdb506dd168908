"""What was said on the channels of a run, as far as memory allows: the first messages and the last."""

from __future__ import annotations

import time
from collections import deque
from functools import partial
from typing import TYPE_CHECKING

from attrs import define, field, frozen

from .message import DataMessage

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .constants import Sender
    from .message import Message
    from .server import Port

__all__ = ["NOT_RECORDED", "Conversation", "Recorder", "Utterance"]

#: Bytes kept from the start, where the device is enumerated, and of the end, where the guest dies.
_FIRST, _LAST = 4 << 20, 12 << 20
_OVERHEAD = 500  #: bytes of a message without its data, about


@frozen
class Utterance:
    """One message: seconds since the epoch by our clock, the port's number, who sent it."""

    at: float
    port: int
    sender: Sender
    message: Message


@frozen
class Conversation:
    """What was said, in order; ``missing`` messages were left out behind the first ``first``."""

    utterances: tuple[Utterance, ...] = ()
    first: int = 0
    missing: int = 0


NOT_RECORDED = Conversation()


@define
class Recorder:
    """Listens to ports. Costs a decoded object for each message: not for rounds that are to be fast."""

    _first: list[Utterance] = field(factory=list, init=False)
    _last: deque[Utterance] = field(factory=deque, init=False)
    _first_room: int = field(default=_FIRST, init=False)
    _last_room: int = field(default=_LAST, init=False)
    _missing: int = field(default=0, init=False)
    _epoch: float = field(factory=lambda: time.time() - time.monotonic(), init=False)

    def listen(self, ports: Sequence[Port]) -> None:
        """Hear all that is said on these ports from now on; the event loop's clock must be the monotonic one."""
        for number, port in enumerate(ports):
            port.trace = partial(self.note, number)

    def note(self, port: int, at: float, sender: Sender, message: Message) -> None:
        """Keep one message; ``at`` is the event loop's time."""
        one = Utterance(self._epoch + at, port, sender, message)
        if not self._last and self._first_room > 0:
            self._first.append(one)
            self._first_room -= _size(message)
            return
        self._last.append(one)
        self._last_room -= _size(message)
        while self._last_room < 0:
            self._last_room += _size(self._last.popleft().message)
            self._missing += 1

    def conversation(self) -> Conversation:
        """What was heard so far."""
        return Conversation((*self._first, *self._last), len(self._first), self._missing)


def _size(message: Message) -> int:
    return _OVERHEAD + (len(message.payload) if isinstance(message, DataMessage) else 0)
