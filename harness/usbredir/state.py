"""The state machine of a usbredir session, all of it: what may be said in each state, and the state it leads to.

::

    START ── our hello ──> GREETING ── theirs ──> IDLE <─────────────── acknowledged ──────────────┐
                                                   │ ep_info                                       │
                                                   v                                               │
    CONNECTED <── device_connect ── DESCRIBED <── interface_info ── ENDPOINTS               DISCONNECTING
        │ └───────────────────────── device_disconnect ────────────────────────────────────────────^
        └── filter_reject ──> REJECTED ── device_disconnect ────────────────────────────────────────┘

Two tables, because of the one capability that changes the machine: without device_disconnect_ack nobody waits in
DISCONNECTING. Nothing outside this module decides on a state; :class:`harness.usbredir.session.Session` walks the
table that :func:`table_for` gives.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import Enum
from typing import NamedTuple

from harness.channel.said import Sender

from .constants import Capability, Type

__all__ = ["TABLE", "TABLE_WITHOUT_ACK", "Event", "Moves", "State", "Table", "moves_for", "next_state", "table_for"]


class State(Enum):
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
    """A message, as far as the state machine cares."""

    sender: Sender
    type: Type


Table = Mapping[State, Mapping[Event, State]]

_HOST, _GUEST = Sender.HOST, Sender.GUEST


def _loop(state: State, sender: Sender, types: Iterable[Type]) -> dict[Event, State]:
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
    State.START: {Event(_HOST, Type.HELLO): State.GREETING},
    State.GREETING: {Event(_GUEST, Type.HELLO): State.IDLE},
    State.IDLE: {
        Event(_HOST, Type.EP_INFO): State.ENDPOINTS,
        Event(_GUEST, Type.FILTER_REJECT): State.IDLE,
        **_loop(State.IDLE, _GUEST, _REQUESTS),
    },
    State.ENDPOINTS: {
        Event(_HOST, Type.INTERFACE_INFO): State.DESCRIBED,
        **_loop(State.ENDPOINTS, _GUEST, _REQUESTS),
    },
    State.DESCRIBED: {
        Event(_HOST, Type.DEVICE_CONNECT): State.CONNECTED,
        **_loop(State.DESCRIBED, _GUEST, _REQUESTS),
    },
    State.CONNECTED: {
        Event(_HOST, Type.DEVICE_DISCONNECT): State.DISCONNECTING,
        Event(_GUEST, Type.FILTER_REJECT): State.REJECTED,
        **_loop(State.CONNECTED, _GUEST, _REQUESTS),
        **_loop(State.CONNECTED, _HOST, _REPLIES),
    },
    State.REJECTED: {
        Event(_HOST, Type.DEVICE_DISCONNECT): State.DISCONNECTING,
        Event(_GUEST, Type.FILTER_REJECT): State.REJECTED,
        **_loop(State.REJECTED, _GUEST, _REQUESTS),
    },
    State.DISCONNECTING: {
        Event(_GUEST, Type.DEVICE_DISCONNECT_ACK): State.IDLE,
        Event(_GUEST, Type.FILTER_REJECT): State.DISCONNECTING,
        **_loop(State.DISCONNECTING, _GUEST, _REQUESTS),
    },
}

#: The same when one side lacks it: a disconnect is over at once, and DISCONNECTING is never reached.
TABLE_WITHOUT_ACK: Table = {
    state: {event: State.IDLE if target is State.DISCONNECTING else target for event, target in events.items()}
    for state, events in TABLE.items()
    if state is not State.DISCONNECTING
}


def table_for(caps: Capability) -> Table:
    """The table for the capabilities both sides have; until the hellos are out it makes no difference which."""
    return TABLE if caps & Capability.DEVICE_DISCONNECT_ACK else TABLE_WITHOUT_ACK


def next_state(state: State, event: Event, caps: Capability) -> State | None:
    """The state that ``event`` leads to; None when it is not allowed."""
    return table_for(caps)[state].get(event)


class Moves(NamedTuple):
    """The row of a state, split by sender: message types, and the states they lead to."""

    send: Mapping[int, State]
    receive: Mapping[int, State]


def _moves(table: Table) -> Mapping[State, Moves]:
    def by(sender: Sender, state: State) -> Mapping[int, State]:
        return {int(event.type): target for event, target in table[state].items() if event.sender is sender}

    return {state: Moves(by(_HOST, state), by(_GUEST, state)) for state in table}


_MOVES, _MOVES_WITHOUT_ACK = _moves(TABLE), _moves(TABLE_WITHOUT_ACK)


def moves_for(caps: Capability) -> Mapping[State, Moves]:
    """:func:`table_for` in the form a session looks things up in."""
    return _MOVES if caps & Capability.DEVICE_DISCONNECT_ACK else _MOVES_WITHOUT_ACK
