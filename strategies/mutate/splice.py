"""Splices: a case with parts of another."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from attrs import evolve

from strategies.dice import Dice, Weighted
from strategies.identities import Identities
from usbfuzz.case.model import Action, Case, ControlScript, DeviceSpec, EndpointScript, Event

from .answers import pattern_text
from .children import fits, named, playable, spelled_out
from .functions import addresses_of, with_functions
from .havoc import changed_once
from .material import material_of
from .steps import Steps
from .timing import MOST_DEVICES, MOST_PORTS
from .uses import with_uses_of

__all__ = ["splice_cases"]

_ATTEMPTS = 12  #: at a splice, as many do not apply to every pair
_TWICE = 0.2  #: of the splices take two parts of the other case
_HAVOC = 0.3  #: have one change besides

#: Two devices in bytes: the first one with a part of the second, and which.
Splice = Callable[[Dice, DeviceSpec, DeviceSpec], tuple[DeviceSpec, str]]


def _answers(dice: Dice, mine: DeviceSpec, theirs: DeviceSpec) -> tuple[DeviceSpec, str]:
    """Descriptors of one, answers of the other; what the other does not answer, the first one does as before."""
    choice = dice.below(3)
    control = (*theirs.control, *mine.control) if choice != 1 else mine.control
    endpoints = _sent(mine, theirs) if choice != 0 else mine.endpoints
    what = ("answers", "packets", "answers and packets")[choice]
    return evolve(mine, control=_distinct(control), endpoints=endpoints), f"{what} of {theirs.name}"


def _distinct(scripts: tuple[ControlScript, ...]) -> tuple[ControlScript, ...]:
    """Each script once: a second one that is the same in everything would only lengthen what the first one says."""
    return tuple(dict.fromkeys(scripts))


def _sent(mine: DeviceSpec, theirs: DeviceSpec) -> tuple[EndpointScript, ...]:
    """The other's packets from the first one's endpoints: from the same address, or else the next of its direction."""
    own = addresses_of(b"".join(mine.configurations))
    made = {script.bEndpointAddress: script for script in mine.endpoints}
    placed: set[int] = set()
    for script in theirs.endpoints:
        address = script.bEndpointAddress
        same = [other for other in own if other & 0x80 == address & 0x80 and other not in placed]
        where = address if address in same or not same else same[0]
        placed.add(where)
        made[where] = evolve(script, bEndpointAddress=where)
    return tuple(made.values())


Script = TypeVar("Script", ControlScript, EndpointScript)


def _ends_as(dice: Dice, mine: Script, other: Script) -> Script:
    kept: Steps = mine.steps[: dice.between(0, len(mine.steps))]
    if kept and not kept[-1].times:  # an answer for ever would keep the tail from ever being heard
        kept = (*kept[:-1], evolve(kept[-1], times=dice.pick((1, 2, 4, 8))))
    return evolve(mine, steps=(*kept, *other.steps[dice.below(len(other.steps) + 1) :]))


def _tail(dice: Dice, mine: DeviceSpec, theirs: DeviceSpec) -> tuple[DeviceSpec, str]:
    """A script goes on as one of the other's does; the same requests or endpoint if there are."""
    if mine.endpoints and theirs.endpoints and (dice.chance(0.5) or not (mine.control and theirs.control)):
        at = dice.below(len(mine.endpoints))
        script = mine.endpoints[at]
        like = [other for other in theirs.endpoints if other.bEndpointAddress == script.bEndpointAddress]
        changed = _ends_as(dice, script, dice.pick(like or theirs.endpoints))
        endpoints = (*mine.endpoints[:at], changed, *mine.endpoints[at + 1 :])
        return evolve(mine, endpoints=endpoints), f"endpoint {script.bEndpointAddress:02x}: ends as of {theirs.name}"
    if not mine.control or not theirs.control:
        return mine, ""
    at = dice.below(len(mine.control))
    answer = mine.control[at]
    asked = [other for other in theirs.control if other.bmRequestType == answer.bmRequestType]
    exact = [other for other in asked if other.bRequest == answer.bRequest]
    ended = _ends_as(dice, answer, dice.pick(exact or asked or theirs.control))
    control = (*mine.control[:at], ended, *mine.control[at + 1 :])
    return evolve(mine, control=control), f"{pattern_text(answer)}: ends as of {theirs.name}"


def _descriptors(dice: Dice, mine: DeviceSpec, theirs: DeviceSpec) -> tuple[DeviceSpec, str]:
    """Some of the other's descriptors: what it looks like, with the first one's ids and answers."""
    match dice.below(4):
        case 0 | 1 if theirs.configurations:
            device = mine.device[:17] + bytes((len(theirs.configurations) & 0xFF,)) + mine.device[18:]
            numbers = {number for number, _ in theirs.reports}
            reports = (*theirs.reports, *(report for report in mine.reports if report[0] not in numbers))
            changed = evolve(mine, device=device, configurations=theirs.configurations, reports=reports)
            return changed, f"configurations of {theirs.name}"
        case 2 if theirs.reports and mine.reports:
            raw = dice.pick(theirs.reports)[1]
            at = dice.below(len(mine.reports))
            number = mine.reports[at][0]
            reports = (*mine.reports[:at], (number, raw), *mine.reports[at + 1 :])
            return evolve(mine, reports=reports), f"report {number} of {theirs.name}"
        case _:
            changed = evolve(mine, strings=theirs.strings, bos=theirs.bos, qualifier=theirs.qualifier)
            return changed, f"strings and BOS of {theirs.name}"


#: Parts of devices, by how much of a driver they may reach.
_DEVICES: Weighted[Splice] = Weighted({_answers: 30, _tail: 24, with_functions: 28, _descriptors: 18})


def _within(dice: Dice, case: Case, other: Case) -> tuple[Case, str]:
    """One device of the case with a part of one of the other's."""
    at = dice.below(len(case.devices))
    mine, theirs = spelled_out(case.devices[at]), spelled_out(dice.pick(other.devices))
    spec, note = dice.weighted(_DEVICES)(dice, mine, theirs)
    return evolve(case, devices=(*case.devices[:at], spec, *case.devices[at + 1 :])), note


def _added(case: Case, theirs: DeviceSpec, *events: Event) -> Case:
    return evolve(case, devices=(*case.devices, theirs), events=(*case.events, *events))


def _beside(dice: Dice, case: Case, other: Case) -> tuple[Case, str]:
    """A device of the other on a port of its own."""
    free = [port for port in range(MOST_PORTS) if port not in {event.port for event in case.events}]
    if not free or len(case.devices) >= MOST_DEVICES:
        return case, ""
    theirs = dice.pick(other.devices)
    event = Event(Action.PLUG, free[0], len(case.devices), after_ms=dice.pick((0, 0, 50, 300)))
    return _added(case, theirs, event), f"{theirs.name} on another port"


def _afterwards(dice: Dice, case: Case, other: Case) -> tuple[Case, str]:
    """A device of the other in the place of one of the case, which is pulled out."""
    if len(case.devices) >= MOST_DEVICES:
        return case, ""
    theirs = dice.pick(other.devices)
    port = dice.pick(sorted({event.port for event in case.events}))
    early = dice.between(1, 40) if dice.chance(0.5) else None
    pulled = Event(Action.UNPLUG, port, after_requests=early)
    return _added(case, theirs, pulled, Event(Action.PLUG, port, len(case.devices))), f"then {theirs.name}"


def _schedule(dice: Dice, case: Case, other: Case) -> tuple[Case, str]:
    """The devices of the case, plugged, used and unplugged as the other's are."""
    del dice
    count = len(case.devices)
    turned = (evolve(event, device=None if event.device is None else event.device % count) for event in other.events)
    return evolve(case, events=tuple(turned), uses=other.uses), "the other's schedule"


def _used(dice: Dice, case: Case, other: Case) -> tuple[Case, str]:
    """The devices of the case, used as the other's are."""
    del dice
    return (with_uses_of(case, other), "the other's uses") if other.uses else (case, "")


_PARTS: Weighted[Callable[[Dice, Case, Case], tuple[Case, str]]] = Weighted(
    {_within: 76, _beside: 6, _afterwards: 7, _schedule: 6, _used: 5}
)


def splice_cases(dice: Dice, case: Case, other: Case, identities: Identities) -> Case:
    """A child of both: ``case`` with a part or two of ``other``, rarely changed besides; chosen by ``dice`` alone.

    It is a valid case, whose provenance names what was taken; what the guest needs is as of ``case``.
    """
    parent = child = playable(case)
    notes = []
    other = playable(other)
    for _ in range(2 if dice.chance(_TWICE) else 1):
        child, note = _spliced(dice, child, other)
        if note:
            notes.append(note)
    left = 1 if dice.chance(_HAVOC) else 0
    while left > 0 or (child == parent and left > -_ATTEMPTS):  # one part, or one change, may undo another
        child, note = changed_once(dice, child, material_of(identities, child, other))
        left -= 1
        if note:
            notes.append(note)
    return named(child, "splice", notes)


def _spliced(dice: Dice, case: Case, other: Case) -> tuple[Case, str]:
    for _ in range(_ATTEMPTS):
        child, note = dice.weighted(_PARTS)(dice, case, other)
        child = playable(child)
        if note and child != case and fits(child, case):
            return child, note
    return case, ""
