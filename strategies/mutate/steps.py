"""Changes of a script's steps: what is answered, how long, how late, how often, in which order."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from attrs import evolve, frozen

from strategies.dice import Dice, Weighted
from strategies.havoc import payload
from usbfuzz.case.model import Step
from usbfuzz.wire import Answer, Status

from .material import Material
from .numbers import LONGEST, change_bytes

__all__ = ["Kind", "Steps", "change_steps"]

Steps = tuple[Step, ...]

_STATUSES = Weighted(
    {
        Status.STALL: 8,
        Status.IO_ERROR: 4,
        Status.BABBLE: 3,
        Status.TIMEOUT: 2,
        Status.OK: 2,
        Status.NAK: 2,
        Status.CANCELLED: 1,
        Status.INVAL: 1,
        Status.NEVER: 1,
    }
)
_DELAYS = (0, 1, 4, 10, 50, 100, 300, 1000)  #: ms
_MOST_TIMES = 200
_MOST_STEPS = 64


@frozen
class Kind:
    """What kind of script the steps are of."""

    lengths: Sequence[int]  #: of answers that the host's buffers make likely, in bytes
    forever: bool  #: whether an answer may be given for ever: a host that asks by itself would not stop asking


def _longer(dice: Dice, answer: Answer, kind: Kind) -> tuple[Answer, str]:
    """Cut or lengthen an answer, mostly to a length that counts."""
    data = answer.data
    match dice.below(4):
        case 0:
            length = dice.below(len(data) + 1)
        case 1:
            length = max(0, len(data) + dice.pick((-1, 1, -2, 2, -4, 4)))
        case _:
            length = max(0, dice.pick(kind.lengths) + dice.pick((0, 0, 0, 1, -1)))
    length = min(length, max(LONGEST, len(data)))
    longer = data[:length] + payload(dice, length - len(data)) if length > len(data) else data[:length]
    return evolve(answer, data=longer), f"{length} bytes"


def _answer_bytes(dice: Dice, answer: Answer, kind: Kind, material: Material) -> tuple[Answer, str]:
    if not answer.data:
        return _longer(dice, answer, kind)
    data, note = change_bytes(dice, answer.data, material)
    return evolve(answer, data=data), note


def _answer_length(dice: Dice, answer: Answer, kind: Kind, material: Material) -> tuple[Answer, str]:
    del material
    return _longer(dice, answer, kind)


def _answer_status(dice: Dice, answer: Answer, kind: Kind, material: Material) -> tuple[Answer, str]:
    del kind, material
    status = dice.weighted(_STATUSES)
    return evolve(answer, status=status), status.value


def _answer_delay(dice: Dice, answer: Answer, kind: Kind, material: Material) -> tuple[Answer, str]:
    del kind, material
    delay = dice.pick(_DELAYS)
    return evolve(answer, delay_ms=delay), f"after {delay} ms"


AnswerChange = Callable[[Dice, Answer, Kind, Material], tuple[Answer, str]]

_ANSWERS: Weighted[AnswerChange] = Weighted(
    {_answer_bytes: 40, _answer_length: 14, _answer_status: 7, _answer_delay: 4}
)


def _replace(steps: Steps, at: int, *made: Step) -> Steps:
    return (*steps[:at], *made, *steps[at + 1 :])


def _one(dice: Dice, steps: Steps, at: int) -> tuple[Step, Step, Step] | None:
    """A step that is given several times as three: the first few times, once, and the rest."""
    step = steps[at]
    if step.times == 1 or len(steps) + 2 > _MOST_STEPS:
        return None
    before = dice.below(min(step.times, 12) if step.times else dice.pick((2, 4, 8, 24)))
    rest = step.times - before - 1 if step.times else 0
    return evolve(step, times=before), evolve(step, times=1), evolve(step, times=rest)


def _answered(dice: Dice, steps: Steps, kind: Kind, material: Material) -> tuple[Steps, str]:
    """Another answer, each time the step is given or only once."""
    at = dice.below(len(steps))
    parts = _one(dice, steps, at) if dice.chance(0.4) else None
    changed = parts[1] if parts else steps[at]
    answer, note = dice.weighted(_ANSWERS)(dice, changed.answer, kind, material)
    changed = evolve(changed, answer=answer)
    if parts is None:
        return _replace(steps, at, changed), note and f"step {at}: {note}"
    before, _, after = parts
    kept_before = (before,) if before.times else ()
    kept_after = (after,) if after.times or not steps[at].times else ()
    return _replace(steps, at, *kept_before, changed, *kept_after), note and f"step {at}, once: {note}"


def _times(dice: Dice, steps: Steps, kind: Kind, material: Material) -> tuple[Steps, str]:
    del material
    at = dice.below(len(steps))
    times = dice.pick((1, 1, 2, 3, steps[at].times + 1, steps[at].times * 2, 10, 50, 0 if kind.forever else 20))
    times = min(times, _MOST_TIMES)
    return _replace(steps, at, evolve(steps[at], times=times)), f"step {at}: {times or 'any number of'} times"


def _inserted(dice: Dice, steps: Steps, kind: Kind, material: Material) -> tuple[Steps, str]:
    """An answer more: one that the case has elsewhere, or a new one."""
    known = dice.pick(material.blocks) if material.blocks and dice.chance(0.5) else b""
    made = Step(Answer(data=known or payload(dice, min(LONGEST, dice.pick(kind.lengths)))))
    at = dice.below(len(steps) + 1)
    return (*steps[:at], made, *steps[at:]), f"a step more before {at}"


def _twice(dice: Dice, steps: Steps, kind: Kind, material: Material) -> tuple[Steps, str]:
    del kind, material
    at, where = dice.below(len(steps)), dice.below(len(steps) + 1)
    again = evolve(steps[at], times=max(1, steps[at].times))
    return (*steps[:where], again, *steps[where:]), f"step {at} again before {where}"


def _dropped(dice: Dice, steps: Steps, kind: Kind, material: Material) -> tuple[Steps, str]:
    del kind, material
    at = dice.below(len(steps))
    return _replace(steps, at), f"without step {at}" if len(steps) > 1 else ""


def _swapped(dice: Dice, steps: Steps, kind: Kind, material: Material) -> tuple[Steps, str]:
    del kind, material
    one, other = dice.below(len(steps)), dice.below(len(steps))
    made = list(steps)
    made[one], made[other] = made[other], made[one]
    return tuple(made), f"steps {one} and {other} exchanged"


def _chopped(dice: Dice, steps: Steps, kind: Kind, material: Material) -> tuple[Steps, str]:
    """One answer becomes two, or two become one: what a driver puts together from packets arrives cut elsewhere."""
    del kind, material
    at = dice.below(len(steps))
    whole = steps[at].answer
    if at + 1 < len(steps) and dice.chance(0.3):
        longer = (whole.data + steps[at + 1].answer.data)[:LONGEST]
        joined = evolve(steps[at], answer=evolve(whole, data=longer))
        return (*steps[:at], joined, *steps[at + 2 :]), f"steps {at} and {at + 1} in one"
    if len(whole.data) < 2:
        return steps, ""
    cut = dice.between(1, len(whole.data) - 1)
    first, second = evolve(whole, data=whole.data[:cut]), evolve(whole, data=whole.data[cut:])
    times = steps[at].times
    return _replace(steps, at, Step(first, max(1, times)), Step(second, times)), f"step {at} in two"


StepsChange = Callable[[Dice, Steps, Kind, Material], tuple[Steps, str]]

_CHANGES: Weighted[StepsChange] = Weighted(
    {_answered: 62, _times: 7, _inserted: 6, _twice: 4, _dropped: 8, _swapped: 5, _chopped: 4}
)


def change_steps(dice: Dice, steps: Steps, kind: Kind, material: Material) -> tuple[Steps, str]:
    """The steps with one change, and what it was; there are never more than a bounded number because of it."""
    if not steps:
        return _inserted(dice, steps, kind, material)
    changed, note = dice.weighted(_CHANGES)(dice, steps, kind, material)
    return (changed, note) if len(changed) <= max(_MOST_STEPS, len(steps)) else (steps, "")
