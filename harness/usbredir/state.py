"""The state machine of a usbredir session, all of it: what may be said in each state, and the state it leads to.

::

    START ── our hello ──> GREETING ── theirs ──> IDLE <─────────────── acknowledged ──────────────┐
                                                   │ ep_info                                       │
                                                   v                                               │
    CONNECTED <── device_connect ── DESCRIBED <── interface_info ── ENDPOINTS               DISCONNECTING
        │ └───────────────────────── device_disconnect ────────────────────────────────────────────^
        └── filter_reject ──> REJECTED ── device_disconnect ────────────────────────────────────────┘

Two tables, because of the one capability that changes the machine: without device_disconnect_ack DISCONNECTING is
never entered. Nothing outside this module decides on a state; :class:`harness.usbredir.session.Session` walks the table
that :func:`table_for` gives.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import Enum
from typing import NamedTuple

from harness.channel.said import Sender

from .constants import Capability, Type

__all__ = ["TABLE", "TABLE_WITHOUT_ACK", "Event", "Moves", "SessionState", "Table", "moves_for", "table_for"]


class SessionState(Enum):
    """Where a session stands."""

    START = "start"
    GREETING = "greeting"  #: our hello is out, the peer's is not in
    IDLE = "idle"  #: no device
    ENDPOINTS = "endpoints"  #: ep_info is out
    DESCRIBED = "described"  #: interface_info too
    CONNECTED = "connected"
    REJECTED = "rejected"  #: the guest side refused the device; it is still ours to disconnect
    DISCONNECTING = "disconnecting"  #: waiting for the acknowledgement


class Event(NamedTuple):
    """A message as the state machine sees it: who sends it, and its type."""

    sender: Sender
    type: Type


Table = Mapping[SessionState, Mapping[Event, SessionState]]

_HOST, _GUEST = Sender.HOST, Sender.GUEST


def _loop(state: SessionState, sender: Sender, types: Iterable[Type]) -> dict[Event, SessionState]:
    """Events that change nothing."""
    return {Event(sender, type_): state for type_ in types}


#: What the guest side asks of a device. QEMU may still send some for a device that just went.
_REQUESTS = (
    Type.RESET,
    Type.SET_CONFIGURATION,
    Type.GET_CONFIGURATION,
    Type.SET_ALT_SETTING,
    Type.GET_ALT_SETTING,
    Type.START_ISO_STREAM,
    Type.STOP_ISO_STREAM,
    Type.START_INTERRUPT_RECEIVING,
    Type.STOP_INTERRUPT_RECEIVING,
    Type.ALLOC_BULK_STREAMS,
    Type.FREE_BULK_STREAMS,
    Type.CANCEL_DATA_PACKET,
    Type.CONTROL_PACKET,
    Type.BULK_PACKET,
    Type.ISO_PACKET,
    Type.INTERRUPT_PACKET,
    Type.FILTER_FILTER,
)

#: What a device says. Endpoints and interfaces are told again when a configuration or setting changes.
_REPLIES = (
    Type.EP_INFO,
    Type.INTERFACE_INFO,
    Type.CONFIGURATION_STATUS,
    Type.ALT_SETTING_STATUS,
    Type.ISO_STREAM_STATUS,
    Type.INTERRUPT_RECEIVING_STATUS,
    Type.BULK_STREAMS_STATUS,
    Type.CONTROL_PACKET,
    Type.BULK_PACKET,
    Type.ISO_PACKET,
    Type.INTERRUPT_PACKET,
)

#: The state machine when both sides have the device_disconnect_ack capability.
TABLE: Table = {
    SessionState.START: {Event(_HOST, Type.HELLO): SessionState.GREETING},
    SessionState.GREETING: {Event(_GUEST, Type.HELLO): SessionState.IDLE},
    SessionState.IDLE: {
        Event(_HOST, Type.EP_INFO): SessionState.ENDPOINTS,
        Event(_GUEST, Type.FILTER_REJECT): SessionState.IDLE,
        **_loop(SessionState.IDLE, _GUEST, _REQUESTS),
    },
    SessionState.ENDPOINTS: {
        Event(_HOST, Type.INTERFACE_INFO): SessionState.DESCRIBED,
        **_loop(SessionState.ENDPOINTS, _GUEST, _REQUESTS),
    },
    SessionState.DESCRIBED: {
        Event(_HOST, Type.DEVICE_CONNECT): SessionState.CONNECTED,
        **_loop(SessionState.DESCRIBED, _GUEST, _REQUESTS),
    },
    SessionState.CONNECTED: {
        Event(_HOST, Type.DEVICE_DISCONNECT): SessionState.DISCONNECTING,
        Event(_GUEST, Type.FILTER_REJECT): SessionState.REJECTED,
        **_loop(SessionState.CONNECTED, _GUEST, _REQUESTS),
        **_loop(SessionState.CONNECTED, _HOST, _REPLIES),
    },
    SessionState.REJECTED: {
        Event(_HOST, Type.DEVICE_DISCONNECT): SessionState.DISCONNECTING,
        Event(_GUEST, Type.FILTER_REJECT): SessionState.REJECTED,
        **_loop(SessionState.REJECTED, _GUEST, _REQUESTS),
    },
    SessionState.DISCONNECTING: {
        Event(_GUEST, Type.DEVICE_DISCONNECT_ACK): SessionState.IDLE,
        Event(_GUEST, Type.FILTER_REJECT): SessionState.DISCONNECTING,
        **_loop(SessionState.DISCONNECTING, _GUEST, _REQUESTS),
    },
}

#: The same when one side lacks it: a disconnect is over at once, and DISCONNECTING is never reached.
TABLE_WITHOUT_ACK: Table = {
    state: {
        event: SessionState.IDLE if target is SessionState.DISCONNECTING else target for event, target in events.items()
    }
    for state, events in TABLE.items()
    if state is not SessionState.DISCONNECTING
}


def table_for(caps: Capability) -> Table:
    """The table for the capabilities both sides have; until the hellos are out it makes no difference which."""
    return TABLE if caps & Capability.DEVICE_DISCONNECT_ACK else TABLE_WITHOUT_ACK


class Moves(NamedTuple):
    """The row of a state, split by sender: message types, and the states they lead to."""

    send: Mapping[int, SessionState]
    receive: Mapping[int, SessionState]


def _moves(table: Table) -> Mapping[SessionState, Moves]:
    def by(sender: Sender, state: SessionState) -> Mapping[int, SessionState]:
        return {int(event.type): target for event, target in table[state].items() if event.sender is sender}

    return {state: Moves(by(_HOST, state), by(_GUEST, state)) for state in table}


_MOVES, _MOVES_WITHOUT_ACK = _moves(TABLE), _moves(TABLE_WITHOUT_ACK)


def moves_for(caps: Capability) -> Mapping[SessionState, Moves]:
    """:func:`table_for` in the form a session looks things up in."""
    return _MOVES if caps & Capability.DEVICE_DISCONNECT_ACK else _MOVES_WITHOUT_ACK
