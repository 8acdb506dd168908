"""One USB/IP connection as the server sees it, without I/O.

::

    OPERATION ── list ───> LISTING ──── reply ────> DONE
        └─────── import ─> IMPORTING ── refusal ─────^
                               └─────── reply ────> IMPORTED, for URBs, unlinks and their replies

:data:`TABLE` is the whole state machine: :class:`Session` walks it and decides nothing itself.
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING

from usbfuzz.errors import ProtocolError

from .codec import RequestReader, encode
from .messages import (
    ImportRefusal,
    ImportReply,
    ImportRequest,
    ListReply,
    ListRequest,
    Submit,
    Submitted,
    Unlink,
    Unlinked,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from .messages import Reply, Request

__all__ = ["TABLE", "ConnectionState", "Session"]


class ConnectionState(Enum):
    """Where a connection stands."""

    OPERATION = "operation"  #: the client may list or import
    LISTING = "listing"  #: the client has asked for a list
    IMPORTING = "importing"  #: the client has asked for a device
    IMPORTED = "imported"  #: the client has the device and sends URBs
    DONE = "done"  #: the server closes after its reply


#: What may be said in each state, by either side, and the state it leads to.
TABLE: Mapping[ConnectionState, Mapping[type[Request | Reply], ConnectionState]] = {
    ConnectionState.OPERATION: {ListRequest: ConnectionState.LISTING, ImportRequest: ConnectionState.IMPORTING},
    ConnectionState.LISTING: {ListReply: ConnectionState.DONE},
    ConnectionState.IMPORTING: {ImportReply: ConnectionState.IMPORTED, ImportRefusal: ConnectionState.DONE},
    ConnectionState.IMPORTED: {
        Submit: ConnectionState.IMPORTED,
        Unlink: ConnectionState.IMPORTED,
        Submitted: ConnectionState.IMPORTED,
        Unlinked: ConnectionState.IMPORTED,
    },
    ConnectionState.DONE: {},
}


class Session:
    """Requests from bytes, replies to bytes, each legal in its state."""

    def __init__(self) -> None:
        self._reader = RequestReader()
        self._enter(ConnectionState.OPERATION)

    def receive(self, data: bytes) -> Iterator[Request]:
        """Requests, as they are complete; the reply to an operation must be sent before the next is asked for.

        Raises ProtocolError. Bytes that come while nothing may be received are kept.
        """
        self._reader.feed(data)
        while request := self._next():
            state = self._moves[type(request)]
            if state is not self.state:
                self._enter(state)
            yield request

    def send(self, reply: Reply) -> bytes:
        """The bytes of a reply; raises ProtocolError, and nothing changes, when it must not go."""
        state = self._moves.get(type(reply))
        if state is None:
            raise ProtocolError(f"USB/IP {type(reply).__name__} was not sent: the connection is {self.state.value}.")
        packed = encode(reply)
        if state is not self.state:
            self._enter(state)
        return packed

    def _enter(self, state: ConnectionState) -> None:
        self.state = state
        self._moves = TABLE[state]

    def _next(self) -> Request | None:
        """The next request of the kind that is read in this state."""
        if Submit in self._moves:
            return self._reader.command()
        return self._reader.operation() if ListRequest in self._moves else None
