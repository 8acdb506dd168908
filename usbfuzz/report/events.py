"""The schedule of a case for programs that stand outside of the guest's kernel and see requests only."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import evolve

from usbfuzz.case.model import Action

if TYPE_CHECKING:
    from collections.abc import Iterator

    from usbfuzz.case.model import Case, Event

__all__ = ["outside_events"]

_KNOWN = frozenset({Action.PLUG, Action.UNPLUG, Action.RESET})


def outside_events(case: Case) -> Iterator[Event]:
    """Plugs, unplugs and resets; a moment within a packet becomes the request that it is in, which is near."""
    for event in case.events:
        if event.action not in _KNOWN:
            continue
        if event.after_packets is None:
            yield event
        else:
            asked = event.after_packets + (event.after_bytes is not None)
            yield evolve(event, after_requests=asked, after_packets=None, after_bytes=None)
