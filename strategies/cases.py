"""Whole cases: devices, how broken they are, and how they are plugged."""

from __future__ import annotations

from hypothesis import strategies as st

from usbfuzz.case.model import Case, DeviceSpec, Provenance

from .devices import LEARNED_MARK, make_device
from .dice import Dice, dice
from .identities import CLASS_DRIVERS, Identities
from .malform import malform
from .palette import Palette
from .schedule import SHAPES, devices_wanted, schedule

__all__ = ["SEVERITIES", "cases", "make_case"]

#: How many malformations the devices of a case get, a third of the cases each: none, 1 or 2, 3 to 8.
SEVERITIES = ("plain", "light", "heavy")


def _changes(dice: Dice, severity: str) -> int:
    match severity:
        case "light":
            return dice.between(1, 2)
        case "heavy":
            return dice.pick((3, 3, 4, 4, 5, 6, 8))
        case _:
            return 0


def _device(dice: Dice, palette: Palette, kind: str, severity: str) -> tuple[DeviceSpec, tuple[str, ...]]:
    return malform(dice, make_device(dice, palette, kind), _changes(dice, severity))


def make_case(dice: Dice, palette: Palette, kind: str, severity: str, shape: str) -> Case:
    """The case of a kind of device, a severity and a shape of schedule; everything else comes from ``dice``."""
    first, notes = _device(dice, palette, kind, severity)
    made = [first]
    while len(made) < devices_wanted(shape):
        other, more = _device(dice, palette, kind if dice.chance(0.4) else dice.weighted(palette.shares), severity)
        made.append(other)
        notes = (*notes, *more)
    broken = f"{len(notes)} malformation{'s' * (len(notes) != 1)}" if notes else "plausible"
    plugged = "" if shape == "once" else f", {shape}"
    learned = any(spec.name.endswith(LEARNED_MARK) for spec in made)
    return Case(
        devices=tuple(made),
        events=schedule(dice, shape),
        title=f"{' + '.join(spec.name for spec in made)}, {broken}{plugged}",
        provenance=Provenance("hypothesis", strategy=f"{kind}, learned" if learned else kind, notes="; ".join(notes)),
    )


def cases(identities: Identities = CLASS_DRIVERS) -> st.SearchStrategy[Case]:
    """Cases for a kernel with the drivers of ``identities``; four Hypothesis draws each."""
    palette = Palette(identities)
    return st.builds(
        lambda kind, severity, shape, chosen: make_case(chosen, palette, kind, severity, shape),
        palette.shares.strategy(),
        st.sampled_from(SEVERITIES),
        SHAPES.strategy(),
        dice(),
    )
