"""When a program runs: once its device has settled or while it starts, and what is pulled out meanwhile."""

from __future__ import annotations

from attrs import evolve

from strategies.dice import Dice
from strategies.target import module_of
from usbfuzz.case.model import Action, Case, DeviceSpec, Event, Use
from usbfuzz.kinds import KINDS

from .draw import a_program
from .nodes import nodes_of

__all__ = ["kind_of", "with_uses"]

_LASTS_MS = (50, 100, 300, 600)
_PULLED_MS = (0, 0, 1, 2, 5, 10, 20, 50, 100, 200)  #: after the begin of a use
_EARLY_REQUESTS = 30  #: most probes are over after so many
_MANY = "vendor"  #: a kind whose drivers make nodes of all kinds: more than one is tried


def kind_of(device: DeviceSpec) -> str:
    """The kind of a device, by its model or the driver that it was made for; one that makes any node if unknown."""
    module = module_of(device.name)
    for kind in KINDS.values():
        if device.model in kind.models or module in kind.modules:
            return kind.name
    return "hid" if module.startswith("hid") else _MANY


def with_uses(dice: Dice, case: Case, kind: str) -> Case:
    """The case with a program or a few that use the device that is plugged first."""
    at = next((at for at, event in enumerate(case.events) if event.action is Action.PLUG), None)
    if at is None:
        return case
    port, names = case.events[at].port, nodes_of(kind)
    many = 3 if names == nodes_of(_MANY) else 1
    programs = [Use(a_program(dice, dice.pick(names))) for _ in range(many + dice.chance(0.25))]
    rest = case.events[at + 1 :]
    hurried = any(event.port == port and event.after_requests is not None for event in rest)
    events = [_event(dice, port, len(case.uses) + use, hurried=hurried) for use in range(len(programs))]
    if events[-1].for_ms is not None and not rest and dice.chance(0.6):
        events.append(Event(Action.UNPLUG, port, after_ms=dice.pick(_PULLED_MS)))
    return evolve(case, events=(*case.events[: at + 1], *events, *rest), uses=(*case.uses, *programs))


def _event(dice: Dice, port: int, use: int, *, hurried: bool) -> Event:
    """A use; beside what follows in any case when that is not to wait until the device has settled."""
    lasts = dice.pick(_LASTS_MS) if hurried or dice.chance(0.5) else None
    early = dice.between(1, _EARLY_REQUESTS) if hurried or dice.chance(0.15) else None
    return Event(Action.USE, port, use=use, for_ms=lasts, after_requests=early)
