"""The programs of user space of a case, in words for reproducers that have nobody to run them."""

from __future__ import annotations

from collections.abc import Iterator

from usbfuzz.case.model import Case

from .words import clean, when

__all__ = ["programs_left_out"]


def programs_left_out(case: Case) -> Iterator[str]:
    """Lines that say which programs a reproducer leaves out and when they ran, a call each; none where it has all."""
    ran = [event for event in case.events if event.use is not None]
    if ran:
        yield "Left out, and perhaps needed: the programs that ran beside it. A pattern means the first such node that"
        yield "the device brought; usbfuzz replay runs them all."
    for event in ran:
        lasts = "" if event.for_ms is None else f", for {event.for_ms} ms beside what follows"
        yield f"{when(event)}on port {event.port}{lasts}:"
        yield from (f"    {clean(line)}" for line in case.uses[event.use or 0].program)
