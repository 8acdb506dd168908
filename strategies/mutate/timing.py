"""Changes of the schedule: when devices come and go, what comes in their place, what is plugged beside them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from attrs import evolve

from strategies.dice import Dice, Weighted
from strategies.malform import malform
from usbfuzz.case.model import Action, Case, DeviceSpec, Event
from usbfuzz.case.parts import without_idle_uses

__all__ = ["MOST_DEVICES", "MOST_EVENTS", "MOST_PORTS", "change_schedule", "in_order", "without_unused"]

MOST_DEVICES = 4  #: that a change lets a case grow to
MOST_PORTS = 4  #: half of a guest's; the more a case takes, the fewer cases run beside it
MOST_EVENTS = 16  #: the same
_PROBE_REQUESTS = 40  #: enumeration and most probes are over after so many
_LATEST_REQUESTS = 400
_LATEST_MS = 3000
_DELAYS = (0, 0, 1, 20, 50, 100, 300, 700, 1500)  #: ms


def in_order(events: Sequence[Event], devices: int, uses: int = 0) -> tuple[Event, ...]:
    """The events that can happen: those that plug a device, or run a program, there is, or follow a plug on their port.

    Without any plug the first device is plugged.
    """
    kept, used = [], set()
    for event in events:
        if event.action is Action.PLUG:
            if event.device is None or event.device >= devices:
                continue
            used.add(event.port)
        if event.port in used and (event.use is None or event.use < uses):
            kept.append(event)
    return tuple(kept) or (Event(Action.PLUG, 0, 0),)


def without_unused(case: Case) -> Case:
    """The case without the devices that no event plugs, and the programs that none runs."""
    case = without_idle_uses(case)
    plugged = sorted({event.device for event in case.events if event.device is not None})
    if len(plugged) == len(case.devices):
        return case
    place = {device: at for at, device in enumerate(plugged)}
    events = [evolve(event, device=None if event.device is None else place[event.device]) for event in case.events]
    return evolve(case, devices=tuple(case.devices[device] for device in plugged), events=tuple(events))


def _plugs(case: Case) -> list[int]:
    """Where the events are that plug."""
    return [at for at, event in enumerate(case.events) if event.action is Action.PLUG]


def _insert(case: Case, at: int, *events: Event) -> Case:
    return evolve(case, events=(*case.events[:at], *events, *case.events[at:]))


def _when(dice: Dice, event: Event) -> Event:
    """The event at a time of its own: after a request, after a while, or once the guest has settled."""
    match dice.below(8):
        case 0:
            return evolve(event, after_requests=None, after_ms=None)
        case 1 | 2:
            return evolve(event, after_requests=None, after_ms=dice.pick(_DELAYS))
        case _:
            return evolve(event, after_requests=dice.between(1, _PROBE_REQUESTS), after_ms=None)


def _pulled(dice: Dice, case: Case) -> tuple[Case, str]:
    """A device is pulled out while its driver starts, or works."""
    at = dice.pick(_plugs(case))
    event = _when(dice, Event(Action.UNPLUG, case.events[at].port))
    return _insert(case, at + 1, event), f"unplugged {_time(event)}"


def _time(event: Event) -> str:
    if event.after_requests is not None:
        return f"after {event.after_requests} requests"
    return "once settled" if event.after_ms is None else f"after {event.after_ms} ms"


def _shifted(dice: Dice, case: Case) -> tuple[Case, str]:
    """An event happens a little earlier or later, or at quite another time."""
    at = dice.below(len(case.events))
    event = case.events[at]
    near = dice.pick((1, -1, 2, -2, 3, -3, 8, -8))
    if event.after_requests is not None and dice.chance(0.7):
        moved = evolve(event, after_requests=min(max(0, event.after_requests + near), _LATEST_REQUESTS))
    elif event.after_ms is not None and dice.chance(0.6):
        moved = evolve(event, after_ms=min(max(0, event.after_ms + near * dice.pick((1, 10, 50))), _LATEST_MS))
    else:
        moved = _when(dice, event)
    changed = evolve(case, events=(*case.events[:at], moved, *case.events[at + 1 :]))
    return changed, f"{event.action.value} {_time(moved)}"


def _dropped(dice: Dice, case: Case) -> tuple[Case, str]:
    if len(case.events) < 2:
        return case, ""
    at = dice.below(len(case.events))
    return evolve(case, events=case.events[:at] + case.events[at + 1 :]), f"no {case.events[at].action.value}"


def _reset(dice: Dice, case: Case) -> tuple[Case, str]:
    at = dice.pick(_plugs(case))
    event = _when(dice, Event(Action.RESET, case.events[at].port))
    return _insert(case, at + 1, event), f"reset {_time(event)}"


def _replugged(dice: Dice, case: Case) -> tuple[Case, str]:
    """The same device comes again."""
    at = dice.pick(_plugs(case))
    port = case.events[at].port
    pulled = _when(dice, Event(Action.UNPLUG, port))
    again = Event(Action.PLUG, port, case.events[at].device, after_ms=dice.pick((None, *_DELAYS)))
    return _insert(case, at + 1, pulled, again), f"unplugged {_time(pulled)} and plugged again"


def _like(dice: Dice, case: Case, at: int) -> tuple[tuple[DeviceSpec, ...], int]:
    """The devices and the number of one that may come instead of the one that event ``at`` plugs, or beside it."""
    device = case.events[at].device or 0
    others = [other for other in range(len(case.devices)) if other != device]
    if len(case.devices) >= MOST_DEVICES or (others and dice.chance(0.4)):
        return case.devices, dice.pick(others or [device])
    spec = case.devices[device]
    twin = spec if spec.model or dice.chance(0.2) else malform(dice, spec, dice.between(1, 2))[0]
    return (*case.devices, twin), len(case.devices)


def _replaced(dice: Dice, case: Case) -> tuple[Case, str]:
    """Another device comes in the place of one: another of the case, or one that is nearly the same."""
    at = dice.pick(_plugs(case))
    devices, device = _like(dice, case, at)
    port = case.events[at].port
    pulled = _when(dice, Event(Action.UNPLUG, port))
    other = Event(Action.PLUG, port, device, after_ms=dice.pick((None, *_DELAYS)))
    changed = _insert(evolve(case, devices=devices), at + 1, pulled, other)
    return changed, f"unplugged {_time(pulled)}, then another device in its place"


def _second(dice: Dice, case: Case) -> tuple[Case, str]:
    """Another device on a port of its own, at the same time."""
    free = [port for port in range(MOST_PORTS) if port not in {event.port for event in case.events}]
    if not free:
        return case, ""
    at = dice.pick(_plugs(case))
    devices, device = _like(dice, case, at)
    beside = Event(Action.PLUG, free[0], device, after_ms=dice.pick(_DELAYS))
    return _insert(evolve(case, devices=devices), at + 1, beside), "a second device on another port"


def _swapped(dice: Dice, case: Case) -> tuple[Case, str]:
    if len(case.events) < 3:
        return case, ""
    one, other = dice.sample(range(len(case.events)), 2)
    events = list(case.events)
    events[one], events[other] = events[other], events[one]
    return evolve(case, events=tuple(events)), "events in another order"


def _plain(dice: Dice, case: Case) -> tuple[Case, str]:
    """Only the plugs: what was added to them is taken away."""
    del dice
    plugs = tuple(case.events[at] for at in _plugs(case))
    return evolve(case, events=plugs), "only plugged" if plugs != case.events else ""


_CHANGES: Weighted[Callable[[Dice, Case], tuple[Case, str]]] = Weighted(
    {
        _pulled: 24,
        _shifted: 22,
        _replugged: 12,
        _reset: 12,
        _dropped: 10,
        _replaced: 8,
        _plain: 6,
        _second: 4,
        _swapped: 2,
    }
)


def change_schedule(dice: Dice, case: Case) -> tuple[Case, str]:
    """The case with one change of its schedule; for a case with a schedule that can be played."""
    changed, note = dice.weighted(_CHANGES)(dice, case)
    if len(changed.events) > max(MOST_EVENTS, len(case.events)):
        return case, ""
    events = in_order(changed.events, len(changed.devices), len(changed.uses))
    return evolve(changed, events=events), note
