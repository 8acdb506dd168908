"""What all cases made from cases have in common: bounds on their size, their title, where they say they come from."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from attrs import evolve

from usbfuzz.case.model import Case, DeviceSpec, Provenance
from usbfuzz.case.parts import weight
from usbfuzz.load import in_bytes

from .timing import in_order, without_unused

__all__ = ["fits", "named", "playable", "spelled_out"]

_LIMIT = 24_576  #: of :func:`_size`; a common case has one to three thousand
_STEP, _SCRIPT, _EVENT, _DEVICE = 8, 24, 32, 64  #: what each counts, in bytes
_LONGEST_TITLE = 160  #: characters
_LONGEST_NOTE = 600  #: characters


def _size(case: Case) -> int:
    """Bytes of all that a case says, and some for each part that says little but takes its time."""
    parts = 0
    for device in case.devices:
        steps = [script.steps for script in device.control] + [script.steps for script in device.endpoints]
        parts += _SCRIPT * len(steps) + _STEP * sum(map(len, steps))
    return weight(case) + parts + _EVENT * len(case.events) + _DEVICE * len(case.devices)


def fits(child: Case, parent: Case) -> bool:
    """Whether a child may be as large as it is: below the limit, or no larger than the case it comes from."""
    return (size := _size(child)) <= _LIMIT or size <= _size(parent)


def playable(case: Case) -> Case:
    """The case with only the events that can happen and the devices that they plug."""
    return without_unused(evolve(case, events=in_order(case.events, len(case.devices), len(case.uses))))


@lru_cache(128)
def _as_bytes(spec: DeviceSpec) -> DeviceSpec:
    """What a model says, which is always the same; some fill a disk before they say it."""
    return in_bytes(Case((spec,), ())).devices[0]


def spelled_out(spec: DeviceSpec) -> DeviceSpec:
    """A device as bytes that can be changed; what a model does besides is lost."""
    return _as_bytes(spec) if spec.model else spec


def named(case: Case, strategy: str, notes: Sequence[str]) -> Case:
    """The finished child: with what was done as its notes, and without what was expected of its parents."""
    title = f"{' + '.join(device.name for device in case.devices)[:_LONGEST_TITLE]}, {strategy}"
    said = "; ".join(notes)
    said = said if len(said) <= _LONGEST_NOTE else said[: _LONGEST_NOTE - 1] + "…"
    return evolve(case, title=title, expect=(), provenance=Provenance(strategy=strategy, notes=said))
