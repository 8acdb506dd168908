"""Changes of what user space does: calls, their arguments and order, threads, when a program runs and how long."""

from __future__ import annotations

import re
from collections.abc import Callable

from attrs import evolve

from strategies.dice import Dice, Weighted
from strategies.uses import NODES, a_call, changed_number, kind_of, with_uses
from usbfuzz.case.model import Case, Use
from usbfuzz.uses import MOST_STEPS, sound

from .timing import MOST_EVENTS

__all__ = ["change_uses", "with_uses_of"]

Lines = list[str]

_MOST_USES = 6
_LONGEST = MOST_STEPS // 2  #: lines of a program
#: A number that is an argument of its own, or one of several joined by ``|``.
_NUMBER = re.compile(r"(?<![*] )(?<=[ =|(])(?:0x[0-9a-f]+|\d+)(?=[,)|])")
_LASTS_MS = (None, 0, 50, 100, 300, 600)
_FLAGS = ("O_RDWR", "O_RDWR|O_NONBLOCK", "O_RDONLY", "O_WRONLY", "O_RDONLY|O_NONBLOCK")
_OPEN_FLAGS = re.compile(r"\bO_[A-Z_|]+")


def _node_of(program: Lines) -> str:
    """The kind of node that a program opens first, by the pattern it names."""
    text = next((line for line in program if '"/' in line), "")
    pattern = text.partition('"')[2].partition('"')[0]
    found = (name for name, kind in NODES.items() if any(pattern in line for opened in kind.opens for line in opened))
    return next(found, "usbmisc") if pattern else "usbmisc"


def _inserted(dice: Dice, program: Lines) -> Lines:
    at = dice.between(1, len(program))
    return [*program[:at], *a_call(dice, _node_of(program)), *program[at:]]


def _dropped(dice: Dice, program: Lines) -> Lines:
    at = dice.below(len(program))
    return program[:at] + program[at + 1 :]


def _doubled(dice: Dice, program: Lines) -> Lines:
    at = dice.below(len(program))
    return [*program[: at + 1], *program[at : at + 1] * dice.pick((1, 1, 2, 4)), *program[at + 1 :]]


def _moved(dice: Dice, program: Lines) -> Lines:
    line = program[dice.below(len(program))]
    left = [other for other in program if other is not line]
    at = dice.below(len(left) + 1)
    return [*left[:at], line, *left[at:]]


def _numbered(dice: Dice, program: Lines) -> Lines:
    """One number of one line is another."""
    places = [(at, match) for at, line in enumerate(program) for match in _NUMBER.finditer(line)]
    if not places:
        return program
    at, match = dice.pick(places)
    line = program[at]
    changed = line[: match.start()] + changed_number(dice, match[0]) + line[match.end() :]
    return [*program[:at], changed, *program[at + 1 :]]


def _opened(dice: Dice, program: Lines) -> Lines:
    """What is opened is opened with other flags."""
    at = next((at for at, line in enumerate(program) if "open(" in line), None)
    if at is None:
        return program
    return [*program[:at], _OPEN_FLAGS.sub(dice.pick(_FLAGS), program[at]), *program[at + 1 :]]


def _parted(dice: Dice, program: Lines) -> Lines:
    """What comes behind a line runs in a thread of its own."""
    at = dice.between(1, len(program))
    rest = program[at:] or list(a_call(dice, _node_of(program)))
    return [*program[:at], "thread", *rest]


def _held(dice: Dice, program: Lines) -> Lines:
    """It waits for the unplug, or goes on until then."""
    at = dice.between(1, len(program))
    return [*program[:at], dice.pick(("hold until unplugged", "repeat until unplugged")), *program[at:]]


_CHANGES: Weighted[Callable[[Dice, Lines], Lines]] = Weighted(
    {_inserted: 26, _numbered: 26, _dropped: 12, _doubled: 8, _moved: 10, _opened: 4, _parted: 7, _held: 7}
)


def _changed(dice: Dice, case: Case) -> tuple[Case, str]:
    at = dice.below(len(case.uses))
    change = dice.weighted(_CHANGES)
    program = sound(change(dice, list(case.uses[at].program)))[:_LONGEST]
    if not program:
        return case, ""
    uses = (*case.uses[:at], Use(program), *case.uses[at + 1 :])
    return evolve(case, uses=uses), f"use {at}: {change.__name__[1:]}"


def _lasting(dice: Dice, case: Case) -> tuple[Case, str]:
    runs = [at for at, event in enumerate(case.events) if event.use is not None]
    at = dice.pick(runs)
    event = evolve(case.events[at], for_ms=dice.pick(_LASTS_MS))
    return evolve(case, events=(*case.events[:at], event, *case.events[at + 1 :])), f"use for {event.for_ms} ms"


def change_uses(dice: Dice, case: Case) -> tuple[Case, str]:
    """The case with one change of its programs, or with one more; with no words for it, nothing was changed."""
    if not case.uses or (len(case.uses) < _MOST_USES and dice.chance(0.1)):
        more = with_uses(dice, case, kind_of(case.devices[0]))
        return (more, "one more use") if len(more.events) <= MOST_EVENTS else (case, "")
    return _lasting(dice, case) if dice.chance(0.1) else _changed(dice, case)


def with_uses_of(case: Case, other: Case) -> Case:
    """The case with the programs of another instead of its own, run where the other's first device would be."""
    at = next(at for at, event in enumerate(case.events) if event.device is not None)
    port = case.events[at].port
    theirs = [evolve(event, port=port) for event in other.events if event.use is not None]
    before = [event for event in case.events[: at + 1] if event.use is None]
    after = [event for event in case.events[at + 1 :] if event.use is None]
    if len(before) + len(theirs) + len(after) > MOST_EVENTS:
        return case
    return evolve(case, uses=other.uses, events=(*before, *theirs, *after))
