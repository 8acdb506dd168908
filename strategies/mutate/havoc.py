"""Havoc: a few changes of one case, anywhere in it."""

from __future__ import annotations

from attrs import evolve

from strategies.dice import Dice, Weighted
from strategies.firmware import asks_for_firmware, change_firmware
from strategies.identities import Identities
from usbfuzz.case.model import Case

from .answers import change_answers
from .children import fits, named, playable, spelled_out
from .identity import change_identity
from .looks import change_looks
from .material import Change, Material, material_of
from .packets import change_packets
from .timing import change_schedule
from .uses import change_uses

__all__ = ["changed_once", "havoc_case"]

_MORE = 0.5  #: the chance of one more change after each
_MOST_CHANGES = 8
_MANY = 0.03  #: of the cases get about as many changes as the most, for what one change at a time does not reach
_SCHEDULE = 0.1  #: of the changes
_FIRMWARE = 0.2  #: of the changes of a case whose driver asks for some
_USED, _UNUSED = 0.2, 0.04  #: of the changes are of programs, when a case has some, or gets the first
_ATTEMPTS = 12  #: at a change, as many do not apply to every device

#: What of a device is changed, by what drivers look at.
_CHANGES: Weighted[Change] = Weighted({change_looks: 40, change_answers: 32, change_packets: 22, change_identity: 6})


def changed_once(dice: Dice, case: Case, material: Material) -> tuple[Case, str]:
    """The case with one change, and what it was; a case may be so bare or so large that nothing is changed."""
    for _ in range(_ATTEMPTS):
        child, note = _attempt(dice, case, material)
        if note and child != case and fits(child, case):
            return child, note
    return case, ""


def _attempt(dice: Dice, case: Case, material: Material) -> tuple[Case, str]:
    if asks_for_firmware(case, material.identities) and dice.chance(_FIRMWARE):
        return change_firmware(dice, case, material.identities)
    if dice.chance(_USED if case.uses else _UNUSED):
        child, note = change_uses(dice, case)
        return playable(child), note
    at = dice.below(len(case.devices))
    model = bool(case.devices[at].model)
    # A model has no bytes to change: every other time it is left to what it does well.
    if dice.chance(0.5 if model else _SCHEDULE):
        child, note = change_schedule(dice, case)
        return playable(child), note
    spec, note = dice.weighted(_CHANGES)(dice, spelled_out(case.devices[at]), material)
    if len(case.devices) > 1:
        note = note and f"device {at}: {note}"
    return evolve(case, devices=(*case.devices[:at], spec, *case.devices[at + 1 :])), note


def _how_many(dice: Dice) -> int:
    """Mostly one to three."""
    if dice.chance(_MANY):
        return dice.between(_MOST_CHANGES // 2, 2 * _MOST_CHANGES)
    count = 1
    while count < _MOST_CHANGES and dice.chance(_MORE):
        count += 1
    return count


def havoc_case(dice: Dice, case: Case, identities: Identities) -> Case:
    """A child of ``case``: one to a few changes, chosen by ``dice`` alone, that its provenance names.

    It is a valid case; what the guest needs stays, what was expected goes.
    """
    parent = child = playable(case)
    material = material_of(identities, parent)
    left, notes = _how_many(dice), []
    while left > 0 or (child == parent and left > -_ATTEMPTS):  # a change may undo the one before
        child, note = changed_once(dice, child, material)
        left -= 1
        if note:
            notes.append(note)
    return named(child, "havoc", notes)
