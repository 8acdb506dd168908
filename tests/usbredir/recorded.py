"""A recorded conversation, made of usbredir messages."""

from __future__ import annotations

from collections.abc import Iterable

from harness.channel.conversation import Conversation, Utterance
from harness.channel.said import Sender
from harness.usbredir.message import Message
from harness.usbredir.said import redir_event

__all__ = ["recorded"]


def recorded(messages: Iterable[tuple[float, int, Sender, Message]]) -> Conversation:
    """What a recorder keeps of these: seconds since the epoch, port, sender and message."""
    events = ((at, port, redir_event(sender, message)) for at, port, sender, message in messages)
    return Conversation(tuple(Utterance(at, port, event) for at, port, event in events if event is not None))
