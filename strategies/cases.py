"""Whole cases: devices, how broken they are, and how they are plugged."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import strategies as st

from strategies.uses import with_uses
from usbfuzz.case.model import Case, DeviceSpec, Firmware, Provenance

from .devices import LEARNED_MARK, device_and_firmware
from .dice import Dice, dice
from .identities import CLASS_DRIVERS, Identities
from .malform import malform
from .palette import Palette
from .schedule import SHAPES, devices_wanted, schedule

__all__ = ["SEVERITIES", "cases", "cases_of", "make_case"]

#: How many malformations the devices of a case get, a third of the cases each: none, 1 or 2, 3 to 8.
SEVERITIES = ("plain", "light", "heavy")

_USED = 0.25  #: of the cases have programs that use the device; the others are exercised by the agent


def _changes(dice: Dice, severity: str) -> int:
    match severity:
        case "light":
            return dice.between(1, 2)
        case "heavy":
            return dice.pick((3, 3, 4, 4, 5, 6, 8))
        case _:
            return 0


_Made = tuple[DeviceSpec, tuple[Firmware, ...], tuple[str, ...]]  #: with what is wrong in it


def _device(dice: Dice, palette: Palette, kind: str, severity: str) -> _Made:
    plausible, firmware = device_and_firmware(dice, palette, kind)
    spec, notes = malform(dice, plausible, _changes(dice, severity))
    return spec, firmware, notes


def make_case(dice: Dice, palette: Palette, kind: str, severity: str, shape: str) -> Case:
    """The case of a kind of device, a severity and a shape of schedule; everything else comes from ``dice``."""
    first, firmware, notes = _device(dice, palette, kind, severity)
    made = [first]
    while len(made) < devices_wanted(shape):
        other, files, more = _device(
            dice, palette, kind if dice.chance(0.4) else dice.weighted(palette.shares), severity
        )
        made.append(other)
        firmware, notes = (*firmware, *files), (*notes, *more)
    broken = f"{len(notes)} malformation{'s' * (len(notes) != 1)}" if notes else "plausible"
    plugged = "" if shape == "once" else f", {shape}"
    used = dice.chance(_USED)
    learned = any(spec.name.endswith(LEARNED_MARK) for spec in made)
    case = Case(
        devices=tuple(made),
        events=schedule(dice, shape),
        title=f"{' + '.join(spec.name for spec in made)}, {broken}{plugged}{', used' if used else ''}",
        firmware=tuple({file.name: file for file in firmware}.values()),
        provenance=Provenance("hypothesis", strategy=f"{kind}, learned" if learned else kind, notes="; ".join(notes)),
    )
    return with_uses(dice, case, kind) if used else case


def cases(identities: Identities = CLASS_DRIVERS) -> st.SearchStrategy[Case]:
    """Cases for a kernel with the drivers of ``identities``; four Hypothesis draws each."""
    return cases_of(Palette(identities))


def cases_of(palette: Palette, severities: Sequence[str] = SEVERITIES) -> st.SearchStrategy[Case]:
    """The same for the drivers of a palette, with the energy that they have there, and so broken."""
    return st.builds(
        lambda kind, severity, shape, chosen: make_case(chosen, palette, kind, severity, shape),
        palette.shares.strategy(),
        st.sampled_from(severities),
        SHAPES.strategy(),
        dice(),
    )
