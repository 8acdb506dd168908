"""The programs of user space of a case, in words: where they are played, and when each of them runs."""

from __future__ import annotations

from collections.abc import Iterator

from usbfuzz.case.model import Case, Event
from usbfuzz.crashes.layout import USE_FILE

from .words import clean, when

__all__ = ["programs_beside", "programs_listed", "used"]


def used(case: Case) -> tuple[Event, ...]:
    """The events that run a program."""
    return tuple(event for event in case.events if event.use is not None)


def programs_beside(case: Case) -> Iterator[str]:
    """Lines for a reproducer that plays devices alone: who plays the programs of the case; none where it has none."""
    if used(case):
        yield f"Perhaps needed: the programs of user space that ran beside it. {USE_FILE} plays them; begin it first,"
        yield "on the machine (or in the guest) whose kernel sees the device."


def programs_listed(case: Case) -> Iterator[str]:
    """Lines that say when each program ran, and its calls, one a line."""
    for number, event in enumerate(used(case)):
        lasts = "" if event.for_ms is None else f", for {event.for_ms} ms beside what follows"
        yield f"program {number}: {when(event)}on port {event.port}{lasts}:"
        yield from (f"    {clean(line)}" for line in case.uses[event.use or 0].program)
