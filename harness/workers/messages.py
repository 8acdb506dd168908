"""What is said between a command and its workers: a first message, orders, replies, and what every worker says."""

from __future__ import annotations

from typing import Any, Generic, TypeVar

from attrs import frozen

from .lines import Lines

__all__ = ["Begun", "Booting", "Ended", "Failed", "Order", "Reply", "Start", "Status", "WorkerMessages"]

Start = TypeVar("Start")
Order = TypeVar("Order")
Reply = TypeVar("Reply")


@frozen
class Booting:
    """The worker boots a guest, which takes longer than anything else it does; ``note`` says more for people."""

    note: str


@frozen
class Begun:
    """The worker has the guest it needs: from here on time counts as the job's own."""


@frozen
class Failed:
    """Last line of a worker that cannot go on: the error's class name in :mod:`usbfuzz.errors` and its message."""

    error: str
    message: str


@frozen
class Ended:
    """Last line of a worker that ended because it was told to."""


Status = Booting | Begun | Failed | Ended  #: what every kind of worker may say


@frozen
class WorkerMessages(Generic[Start, Order, Reply]):
    """What one kind of worker is told, and what it replies."""

    start: Lines[Start]  #: the first line to it
    orders: Lines[Order]  #: all further lines to it
    replies: Lines[Reply | Status]  #: lines from it

    @classmethod
    def of(cls, where: str, start: type[Start], orders: Any, replies: Any) -> WorkerMessages[Start, Order, Reply]:
        """``orders`` and ``replies`` are a class each, or a union of classes; ``where`` names the pipe in errors.

        (Python 3.11 has no type for a union as a value, so the caller annotates what it assigns this to.)
        """
        return cls(Lines(start, where), Lines(orders, where), Lines(replies | Status, where))
