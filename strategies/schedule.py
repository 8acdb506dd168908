"""When devices are plugged, unplugged and reset, and on which port."""

from __future__ import annotations

from usbfuzz.case.model import Action, Event

from .dice import Dice, Weighted

__all__ = ["SHAPES", "devices_wanted", "schedule"]

#: How a case plugs. Most do it ``once``: a lane runs several such cases side by side, each on a port of its own.
SHAPES = Weighted({"once": 78, "interrupted": 6, "reset": 4, "replug": 3, "other": 4, "parallel": 3, "storm": 2})


def devices_wanted(shape: str) -> int:
    """How many different devices a shape of schedule plugs."""
    return 2 if shape in ("other", "parallel", "storm") else 1


def _plug(device: int, port: int = 0, after_requests: int | None = None) -> Event:
    return Event(Action.PLUG, port, device, after_requests=after_requests)


def _unplug(port: int = 0, after_requests: int | None = None, after_ms: int | None = None) -> Event:
    return Event(Action.UNPLUG, port, after_requests=after_requests, after_ms=after_ms)


def schedule(dice: Dice, shape: str) -> tuple[Event, ...]:
    """The events of a shape for ``devices_wanted(shape)`` devices.

    What is still plugged after the last event is unplugged by the lane once the guest has settled.
    """
    match shape:
        case "interrupted":
            early = (
                _unplug(after_requests=dice.between(1, 30)) if dice.chance(0.7) else _unplug(after_ms=dice.below(900))
            )
            return (_plug(0), early)
        case "reset":
            when = dice.between(8, 40) if dice.chance(0.3) else None
            return (_plug(0), Event(Action.RESET, 0, after_requests=when))
        case "replug":
            first = dice.between(1, 20) if dice.chance(0.5) else None
            return (_plug(0), _unplug(after_requests=first), _plug(0))
        case "other":
            first = dice.between(1, 20) if dice.chance(0.4) else None
            return (_plug(0), _unplug(after_requests=first), _plug(1))
        case "parallel":
            return (_plug(0), Event(Action.PLUG, 1, 1, after_ms=dice.pick((0, 0, 50, 300))))
        case "storm":
            return (
                _plug(0),
                Event(Action.PLUG, 1, 1, after_ms=0),
                _unplug(after_requests=dice.between(4, 25)),
                _plug(1),
            )
        case _:
            return (_plug(0),)
