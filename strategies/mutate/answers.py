"""Changes of what a device answers to control requests."""

from __future__ import annotations

from attrs import evolve

from strategies.dice import Dice, Weighted
from strategies.havoc import payload
from strategies.requests import IN_REQUESTS, OUT_REQUESTS, request_text
from strategies.responses import FAILURES
from usbfuzz.case.model import ControlScript, DeviceSpec, RequestPattern, Step
from usbfuzz.wire import data

from .material import Change, Material
from .numbers import edge
from .steps import Kind, change_steps

__all__ = ["change_answers", "pattern_text"]

#: Lengths that drivers ask for: registers, EEPROM words, MAC addresses, tables, blocks of firmware.
_KIND = Kind((0, 1, 2, 3, 4, 6, 7, 8, 16, 17, 18, 26, 32, 64, 255, 512), forever=True)
_FIELDS = ("bRequest", "wValue", "wIndex", "wLength")
_MOST_SCRIPTS = 96

#: Requests that the kernel itself makes of any device, as bmRequestType, bRequest and wValue. USB 2.0 §9.4.
_STANDARD = (
    (0x80, 0x00, None),  # GET_STATUS of the device, an interface, an endpoint
    (0x81, 0x00, None),
    (0x82, 0x00, None),
    (0x80, 0x06, 0x0100),  # GET_DESCRIPTOR of device, configuration, strings, qualifier, BOS
    (0x80, 0x06, 0x0200),
    (0x80, 0x06, 0x0300),
    (0x80, 0x06, 0x0301),
    (0x80, 0x06, 0x0302),
    (0x80, 0x06, 0x0600),
    (0x80, 0x06, 0x0F00),
    (0x80, 0x06, 0x2900),  # of a hub; of a class
    (0x81, 0x06, 0x2200),  # of an interface: HID report
    (0x81, 0x06, 0x2100),
    (0x80, 0x08, None),  # GET_CONFIGURATION
    (0x81, 0x0A, None),  # GET_INTERFACE
    (0x00, 0x09, None),  # SET_CONFIGURATION
    (0x01, 0x0B, None),  # SET_INTERFACE
    (0x02, 0x01, None),  # CLEAR_FEATURE of an endpoint, of the device
    (0x00, 0x01, None),
    (0x00, 0x03, None),  # SET_FEATURE
)


def pattern_text(of: ControlScript | RequestPattern) -> str:
    """The requests that a script answers, in a few words."""
    return request_text(of.bmRequestType, of.bRequest, of.wValue, of.wIndex)


def _with(spec: DeviceSpec, at: int, *scripts: ControlScript) -> DeviceSpec:
    return evolve(spec, control=(*spec.control[:at], *scripts, *spec.control[at + 1 :]))


def _talking(spec: DeviceSpec) -> list[int]:
    """Where the scripts are that answer with data: the others only accept, and many of them are alike."""
    return [at for at, script in enumerate(spec.control) if any(step.answer.data for step in script.steps)]


def _script(dice: Dice, spec: DeviceSpec) -> int:
    talking = _talking(spec)
    return dice.pick(talking) if talking and dice.chance(0.9) else dice.below(len(spec.control))


def _steps(dice: Dice, spec: DeviceSpec, material: Material) -> tuple[DeviceSpec, str]:
    if not spec.control:
        return _fresh(dice, spec, material)
    at = _script(dice, spec)
    script = spec.control[at]
    steps, note = change_steps(dice, script.steps, _KIND, material)
    return _with(spec, at, evolve(script, steps=steps)), note and f"{pattern_text(script)}: {note}"


def _value(dice: Dice, field: str, material: Material) -> int:
    most = 0xFF if field == "bRequest" else 0xFFFF
    if material.numbers and dice.chance(0.5):
        return dice.pick(material.numbers) & most
    return dice.below(16) if dice.chance(0.5) else edge(dice, 1 if field == "bRequest" else 2)


def _narrower(dice: Dice, spec: DeviceSpec, material: Material) -> tuple[DeviceSpec, str]:
    """Some of the requests that a script answers get another answer than the rest."""
    if not spec.control:
        return _fresh(dice, spec, material)
    at = _script(dice, spec)
    script = spec.control[at]
    open_fields = [field for field in _FIELDS if getattr(script, field) is None] or list(_FIELDS)
    special = script
    for field in dice.sample(open_fields, dice.pick((1, 1, 2))):
        chosen: dict[str, int] = {field: _value(dice, field, material)}
        special = evolve(special, **chosen)  # type: ignore[arg-type]
    steps, note = change_steps(dice, special.steps, _KIND, material)
    return _with(
        spec, at, evolve(special, steps=steps), script
    ), f"{pattern_text(special)}, of its own: {note or 'as before'}"


def _wider(dice: Dice, spec: DeviceSpec, material: Material) -> tuple[DeviceSpec, str]:
    """A script answers more requests, or others."""
    if not spec.control:
        return _fresh(dice, spec, material)
    at = _script(dice, spec)
    script = spec.control[at]
    field = dice.pick(("bmRequestType", *_FIELDS))
    value = None
    if dice.chance(0.5):
        value = dice.pick((*IN_REQUESTS, 0x80)) if field == "bmRequestType" else _value(dice, field, material)
    changed: dict[str, int | None] = {field: value}
    wider = evolve(script, **changed)  # type: ignore[arg-type]
    return _with(spec, at, wider), f"{pattern_text(script)}: now {pattern_text(wider)}"


def _fresh(dice: Dice, spec: DeviceSpec, material: Material) -> tuple[DeviceSpec, str]:
    """A script more, before all others: for a driver's own requests, or for the specification's."""
    length = min(dice.pick(_KIND.lengths), 255)
    answer = data(dice.pick(material.blocks) if material.blocks and dice.chance(0.4) else payload(dice, length))
    if dice.chance(0.6):
        kind, request, value = dice.pick((*IN_REQUESTS[:3], *OUT_REQUESTS[:2])), None, None
        if dice.chance(0.7):
            request = _value(dice, "bRequest", material)
    else:
        kind, request, value = dice.pick(_STANDARD)
    if not kind & 0x80 or dice.chance(0.3):
        answer = dice.weighted(FAILURES)
    once = Step(answer, dice.pick((1, 1, 2, 3, 0)))
    after = (Step(data(b""), dice.pick((1, 2, 4, 8))),) if not kind & 0x80 and dice.chance(0.4) else ()
    script = ControlScript((*after, once), kind, request, value)
    return evolve(spec, control=(script, *spec.control)), f"{pattern_text(script)}: a script of its own"


def _dropped(dice: Dice, spec: DeviceSpec, material: Material) -> tuple[DeviceSpec, str]:
    del material
    if not spec.control:
        return spec, ""
    at = dice.below(len(spec.control))
    return _with(spec, at), f"{pattern_text(spec.control[at])}: no script"


def _order(dice: Dice, spec: DeviceSpec, material: Material) -> tuple[DeviceSpec, str]:
    del material
    if len(spec.control) < 2:
        return spec, ""
    scripts = list(spec.control)
    moved = scripts.pop(dice.below(len(scripts)))
    scripts.insert(dice.below(len(scripts) + 1), moved)
    return evolve(spec, control=tuple(scripts)), f"{pattern_text(moved)}: elsewhere among the scripts"


def _exchanged(dice: Dice, spec: DeviceSpec, material: Material) -> tuple[DeviceSpec, str]:
    """Two scripts answer each other's requests."""
    del material
    talking = _talking(spec)
    if len(talking) < 2:
        return spec, ""
    one, other = dice.sample(talking, 2)
    first, second = spec.control[one], spec.control[other]
    changed = _with(_with(spec, one, evolve(first, steps=second.steps)), other, evolve(second, steps=first.steps))
    return changed, f"{pattern_text(first)} and {pattern_text(second)}: answers exchanged"


def _asleep(dice: Dice, spec: DeviceSpec, material: Material) -> tuple[DeviceSpec, str]:
    """A script sleeps until the host has made a request, or does not any more."""
    if not spec.control:
        return spec, ""
    at = _script(dice, spec)
    script = spec.control[at]
    if script.after is not None:
        return _with(spec, at, evolve(script, after=None)), f"{pattern_text(script)}: from the beginning"
    after = RequestPattern(bmRequestType=dice.pick((*OUT_REQUESTS[:5], *IN_REQUESTS[:3], 0x00, 0x01)))
    if dice.chance(0.3):
        after = evolve(after, bRequest=_value(dice, "bRequest", material))
    return _with(spec, at, evolve(script, after=after)), f"{pattern_text(script)}: only after {pattern_text(after)}"


_CHANGES: Weighted[Change] = Weighted(
    {_steps: 66, _narrower: 12, _fresh: 7, _wider: 3, _dropped: 4, _order: 3, _exchanged: 3, _asleep: 2}
)


def change_answers(dice: Dice, spec: DeviceSpec, material: Material) -> tuple[DeviceSpec, str]:
    """The device with one change of what it answers to control requests."""
    changed, note = dice.weighted(_CHANGES)(dice, spec, material)
    return (changed, note) if len(changed.control) <= max(_MOST_SCRIPTS, len(spec.control)) else (spec, "")
