"""Several cases as one: side by side on ports of their own, or one round after another."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import zip_longest

from attrs import evolve

from usbfuzz.case.model import Action, Case, Event, GuestNeeds
from usbfuzz.case.parts import one_of_each

__all__ = ["in_sequence", "side_by_side"]


def side_by_side(cases: Sequence[Case]) -> Case:
    """One case that does what a round did: each case on ports of its own, the first events of all, then the second …

    A lane runs the schedules of a round at the same time. In one schedule events happen in order, so only the first
    of the nth events keeps a wait for the guest to settle; the others follow it at once.
    """
    if len(cases) == 1:
        return cases[0]
    schedules = []
    port = 0
    for case, first in zip(cases, _firsts(cases), strict=True):
        schedules.append([evolve(_moved(event, *first), port=port + event.port) for event in case.events])
        port += case.ports
    events: list[Event] = []
    for row in zip_longest(*schedules):
        step = [event for event in row if event is not None]
        events += [event if nth == 0 else _at_once(event) for nth, event in enumerate(step)]
    return _joined(cases, events)


def in_sequence(rounds: Sequence[Sequence[Case]]) -> Case:
    """One case that does what ``rounds`` did one after another in the same guest."""
    merged = [side_by_side(cases) for cases in rounds]
    if len(merged) == 1:
        return merged[0]
    events: list[Event] = []
    for case, first in zip(merged, _firsts(merged), strict=True):
        events += [_moved(event, *first) for event in case.events]
        events += [Event(Action.UNPLUG, port=port) for port in _left_plugged(case)]
    return _joined([case for cases in rounds for case in cases], events)


def _firsts(cases: Sequence[Case]) -> list[tuple[int, int]]:
    """Where each case's devices and uses start once those of all are in one tuple."""
    firsts, devices, uses = [], 0, 0
    for case in cases:
        firsts.append((devices, uses))
        devices, uses = devices + len(case.devices), uses + len(case.uses)
    return firsts


def _moved(event: Event, device: int, use: int) -> Event:
    return evolve(
        event,
        device=None if event.device is None else event.device + device,
        use=None if event.use is None else event.use + use,
    )


def _at_once(event: Event) -> Event:
    waits = event.after_ms is not None or event.after_requests is not None
    return event if waits else evolve(event, after_ms=0)


def _left_plugged(case: Case) -> list[int]:
    plugged: set[int] = set()
    for event in case.events:
        if event.action is Action.PLUG:
            plugged.add(event.port)
        elif event.action is Action.UNPLUG:
            plugged.discard(event.port)
    return sorted(plugged)


def _joined(cases: Sequence[Case], events: list[Event]) -> Case:
    params = dict.fromkeys(word for case in cases for word in case.guest.kernel_params)
    indices = ", ".join("?" if case.provenance.index is None else str(case.provenance.index) for case in cases)
    return Case(
        devices=tuple(device for case in cases for device in case.devices),
        events=tuple(events),
        uses=tuple(use for case in cases for use in case.uses),
        firmware=one_of_each(cases),
        guest=GuestNeeds(
            tuple(params),
            exercise=any(case.guest.exercise for case in cases),
            processors=max(case.guest.processors for case in cases),
            schedule=cases[-1].guest.schedule,
        ),
        provenance=evolve(cases[-1].provenance, index=None, notes=f"cases {indices} of the campaign together"),
    )
