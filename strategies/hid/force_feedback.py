"""Force feedback: the reports of the Physical Interface Device class (PID 1.0), complete or with some missing."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from strategies.dice import Dice
from usbfuzz.descriptors.hid_writer import FEATURE, INPUT, OUTPUT, HidReport

__all__ = ["REPORTS", "force_feedback"]

PID = 0x0F
_EFFECTS = (0x26, 0x27, 0x30, 0x31, 0x32, 0x33, 0x34, 0x40, 0x41, 0x42, 0x43)
_BLOCK_INDEX = "22"
_WIDE = ("50", "54", "a7", "80")
#: By usage: kind of report, its usages (``*``: a collection of selectors), and whether hid-pidff insists on it.
REPORTS: Mapping[int, tuple[int, str, bool]] = MappingProxyType(
    {
        0x21: (OUTPUT, "22 25* 50 51 52 53 54 55* 56 57* a7", True),  # set effect
        0x77: (OUTPUT, "22 78* 7c", True),  # effect operation
        0x7D: (OUTPUT, "7e", True),  # device gain
        0x7F: (FEATURE, "80 83 a9 aa", True),  # pool
        0x89: (FEATURE, "22 8b* ac", True),  # block load
        0x90: (OUTPUT, "22", True),  # block free
        0x96: (OUTPUT, "97*", True),  # device control
        0xAB: (FEATURE, "25*", True),  # create new effect
        0x5A: (OUTPUT, "22 5b 5c 5d 5e", False),  # set envelope
        0x5F: (OUTPUT, "22 23 60 61 62 63 64 65", False),  # set condition
        0x6E: (OUTPUT, "22 70 6f 71 72", False),  # set periodic
        0x73: (OUTPUT, "22 70", False),  # set constant force
        0x74: (OUTPUT, "22 75 76", False),  # set ramp force
        0x92: (INPUT, "9f a0 a4 a5 a6", False),  # state
    }
)

_SELECTORS: Mapping[int, tuple[int, ...]] = MappingProxyType(
    {
        0x25: _EFFECTS,
        0x55: (0x010030, 0x010031),
        0x57: (0x0A0001, 0x0A0002),
        0x78: (0x79, 0x7A, 0x7B),
        0x8B: (0x8C, 0x8D, 0x8E),
        0x97: (0x98, 0x99, 0x9A, 0x9B, 0x9C, 0x9D),
    }
)
_ABSENT_OPTIONAL, _ABSENT_REQUIRED, _ABSENT_FIELD, _ODD_COUNT = 0.2, 0.01, 0.02, 0.03


def _selector(dice: Dice, report: HidReport, main: int, usage: int) -> None:
    """A logical collection of named values: an array as hid-pidff expects it, a bit or a byte each for axes."""
    chosen = _SELECTORS[usage]
    if dice.chance(0.15):
        chosen = tuple(dice.sample(chosen, dice.between(1, len(chosen))))
    with report.collection(usage, 2):
        match usage:
            case 0x55:
                report.field(main, chosen, 1).pad(main, -len(chosen) % 8)
            case 0x57:
                report.field(main, chosen, 8)
            case _:
                count = dice.pick((0, 2)) if dice.chance(_ODD_COUNT) else 1
                report.field(main, chosen, 8, count, low=1, high=len(chosen), flags=0)


def force_feedback(dice: Dice, report: HidReport) -> None:
    """Write the PID reports; each optional one may be missing, and, seldom, a required one or a field."""
    usages = list(REPORTS)
    if dice.chance(0.3):
        dice.shuffle(usages)
    for number, usage in enumerate(usages, 2):
        main, fields, required = REPORTS[usage]
        if dice.chance(_ABSENT_REQUIRED if required else _ABSENT_OPTIONAL):
            continue
        report.page(PID)
        with report.collection(usage, 2):
            report.report_id(number)
            for name in fields.split():
                if dice.chance(_ABSENT_FIELD):
                    continue
                report.page(PID)
                if name.endswith("*"):
                    _selector(dice, report, main, int(name[:-1], 16))
                else:
                    low, high = (1, 40) if name == _BLOCK_INDEX else (0, None)
                    report.field(main, (int(name, 16),), 16 if name in _WIDE else 8, low=low, high=high)
