"""One USB/IP connection as the server sees it, without I/O."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING

from usbfuzz.errors import ProtocolError

from .codec import Reader, encode
from .messages import ImportReply, ListReply, OpStatus, Submitted, Unlinked

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .messages import Reply, Request

__all__ = ["TABLE", "Session", "State"]


class State(Enum):
    """Where a connection stands."""

    OPERATION = "operation"  #: the client may list or import
    IMPORTED = "imported"  #: the client has the device and sends URBs
    DONE = "done"  #: the server closes after its reply


#: What the server may say in each state, and the state it leads to. A failed import also ends the connection.
TABLE: dict[State, dict[type[Reply], State]] = {
    State.OPERATION: {ListReply: State.DONE, ImportReply: State.IMPORTED},
    State.IMPORTED: {Submitted: State.IMPORTED, Unlinked: State.IMPORTED},
    State.DONE: {},
}


class Session:
    """Requests from bytes, replies to bytes, each legal in its state."""

    def __init__(self) -> None:
        self.state = State.OPERATION
        self._reader = Reader()

    def receive(self, data: bytes) -> Iterator[Request]:
        """Requests, as they are complete; the reply to an operation comes before the next is asked for.

        Raises ProtocolError; bytes after the connection is done are ignored.
        """
        self._reader.feed(data)
        while request := self._next():
            yield request

    def send(self, reply: Reply) -> bytes:
        """The bytes of a reply; raises ProtocolError, and nothing changes, when it must not go."""
        state = TABLE[self.state].get(type(reply))
        if state is None:
            raise ProtocolError(f"USB/IP {type(reply).__name__} was not sent: the connection is {self.state.value}.")
        if isinstance(reply, ImportReply) and reply.status is not OpStatus.OK:
            state = State.DONE
        self.state = state
        return encode(reply)

    def _next(self) -> Request | None:
        match self.state:
            case State.OPERATION:
                return self._reader.operation()
            case State.IMPORTED:
                return self._reader.command()
            case State.DONE:
                return None
