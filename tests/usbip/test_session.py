"""Every message in every state of a connection: what the table says happens, and nothing else does."""

from __future__ import annotations

import struct

import pytest

from harness.usbip.messages import (
    ImportRefusal,
    ImportReply,
    ImportRequest,
    ListReply,
    ListRequest,
    OpStatus,
    Reply,
    Request,
    Submit,
    Submitted,
    Unlink,
    Unlinked,
)
from harness.usbip.session import TABLE, ConnectionState, Session
from usbfuzz.errors import ProtocolError

from .descriptions import DEVICE
from .peer import submit_bytes, unlink_bytes

REPLIES: list[Reply] = [
    ListReply(()),
    ImportReply(DEVICE),
    ImportRefusal(OpStatus.BUSY),
    Submitted(1, 0, 0),
    Unlinked(1, 0),
]
REQUESTS: dict[type[Request], bytes] = {
    ListRequest: struct.pack(">HHI", 0x0111, 0x8005, 0),
    ImportRequest: struct.pack(">HHI32s", 0x0111, 0x8003, 0, b"1-1"),
    Submit: submit_bytes(1, 0, 0, 0),
    Unlink: unlink_bytes(2, 1),
}


def session_in(state: ConnectionState) -> Session:
    session = Session()
    session._enter(state)
    return session


@pytest.mark.parametrize("state", ConnectionState)
@pytest.mark.parametrize("reply", REPLIES, ids=lambda reply: type(reply).__name__)
def test_each_reply_in_each_state_does_what_the_table_says(state: ConnectionState, reply: Reply) -> None:
    session = session_in(state)
    target = TABLE[state].get(type(reply))
    if target is None:
        with pytest.raises(ProtocolError, match=f"was not sent: the connection is {state.value}"):
            session.send(reply)
    else:
        assert session.send(reply)
    assert session.state is (target or state)


@pytest.mark.parametrize("state", ConnectionState)
@pytest.mark.parametrize("kind", REQUESTS)
def test_each_request_in_each_state_does_what_the_table_says(state: ConnectionState, kind: type[Request]) -> None:
    session = session_in(state)
    target = TABLE[state].get(kind)
    if target is not None:
        (request,) = session.receive(REQUESTS[kind])
        assert type(request) is kind
    elif TABLE[state].keys() & REQUESTS.keys():
        with pytest.raises(ProtocolError, match="The USB/IP client sent"):
            list(session.receive(REQUESTS[kind].ljust(48, b"\0")))
    else:
        assert list(session.receive(REQUESTS[kind])) == []
    assert session.state is (target or state)


def test_every_state_is_reached() -> None:
    reached = {ConnectionState.OPERATION}
    for _ in ConnectionState:
        reached |= {target for state in reached for target in TABLE[state].values()}
    assert reached == set(ConnectionState)


def test_the_table_knows_every_message() -> None:
    assert {kind for row in TABLE.values() for kind in row} == {*REQUESTS, *map(type, REPLIES)}


def test_urbs_that_come_with_the_import_wait_for_its_reply() -> None:
    session = Session()
    seen = []
    for request in session.receive(REQUESTS[ImportRequest] + REQUESTS[Submit] + REQUESTS[Unlink]):
        seen.append(type(request))
        if isinstance(request, ImportRequest):
            session.send(ImportReply(DEVICE))
    assert seen == [ImportRequest, Submit, Unlink]
