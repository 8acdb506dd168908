"""HID report descriptors as items: split into them, and malformed. HID 1.11 §6.2.2."""

from __future__ import annotations

from strategies.dice import Dice, Weighted
from strategies.havoc import havoc
from usbfuzz.descriptors.hid_writer import (
    COLLECTION,
    END_COLLECTION,
    FEATURE,
    INPUT,
    LOGICAL_MAXIMUM,
    LOGICAL_MINIMUM,
    OUTPUT,
    PHYSICAL_MAXIMUM,
    PHYSICAL_MINIMUM,
    POP,
    PUSH,
    REPORT_COUNT,
    REPORT_ID,
    REPORT_SIZE,
    UNIT,
    UNIT_EXPONENT,
    USAGE,
    USAGE_MAXIMUM,
    USAGE_MINIMUM,
    USAGE_PAGE,
    item,
)

__all__ = ["malform_report", "split_items"]

_MAINS = (INPUT, OUTPUT, FEATURE)

_TAGS = (
    USAGE_PAGE,
    USAGE,
    USAGE_MINIMUM,
    USAGE_MAXIMUM,
    LOGICAL_MINIMUM,
    LOGICAL_MAXIMUM,
    PHYSICAL_MINIMUM,
    PHYSICAL_MAXIMUM,
    UNIT_EXPONENT,
    UNIT,
    REPORT_SIZE,
    REPORT_ID,
    REPORT_COUNT,
    PUSH,
    POP,
    INPUT,
    OUTPUT,
    FEATURE,
    COLLECTION,
    END_COLLECTION,
    0x38,
    0x48,
    0x58,
    0x78,
    0x88,
    0x98,
    0xA8,
    0xC4,
    0xF0,
)


def split_items(raw: bytes) -> list[bytes]:
    """The items of a report descriptor; lossless for any bytes, the last one may be short."""
    items = []
    at = 0
    while at < len(raw):
        prefix = raw[at]
        size = 2 + raw[at + 1] + 1 if prefix == 0xFE and at + 1 < len(raw) else 1 + (0, 1, 2, 4)[prefix & 3]
        items.append(raw[at : at + size])
        at += size
    return items


_EXTREMES = (
    0,
    1,
    7,
    8,
    9,
    31,
    32,
    33,
    64,
    127,
    128,
    255,
    256,
    257,
    1023,
    4095,
    12288,
    32767,
    65535,
    0x10000,
    0x7FFFFFFF,
    0xFFFFFFFF,
    -1,
    -128,
    -2147483648,
)


def _value(dice: Dice, items: list[bytes]) -> str:
    at = dice.below(len(items))
    items[at] = item(items[at][0] & 0xFC, dice.pick(_EXTREMES))
    return "report item value"


def _shape(dice: Dice, items: list[bytes]) -> str:
    """Change the sizes, counts and ids of HID reports, from which the kernel computes buffers."""
    shaped = [
        at for at, each in enumerate(items) if each[0] & 0xFC in (REPORT_SIZE, REPORT_COUNT, REPORT_ID, USAGE_MAXIMUM)
    ]
    if not shaped:
        return _value(dice, items)
    at = dice.pick(shaped)
    items[at] = item(items[at][0] & 0xFC, dice.pick(_EXTREMES))
    return "report shape"


def _drop(dice: Dice, items: list[bytes]) -> str:
    at = dice.below(len(items))
    del items[at : at + dice.pick((1, 1, 1, 2, 4, 8))]
    return "report items missing"


def _twice(dice: Dice, items: list[bytes]) -> str:
    at = dice.below(len(items))
    run = items[at : at + dice.pick((1, 1, 2, 4, 8))]
    items[at:at] = run * dice.pick((1, 1, 2, 16))
    return "report items repeated"


def _exchange(dice: Dice, items: list[bytes]) -> str:
    one, other = dice.below(len(items)), dice.below(len(items))
    items[one], items[other] = items[other], items[one]
    return "report items exchanged"


def _foreign(dice: Dice, items: list[bytes]) -> str:
    items.insert(dice.below(len(items) + 1), item(dice.pick(_TAGS), dice.pick(_EXTREMES)))
    return "report item inserted"


def _kind(dice: Dice, items: list[bytes]) -> str:
    """An input becomes an output or a feature, or its flags change: variable to array, absolute to relative."""
    mains = [at for at, each in enumerate(items) if each[0] & 0xFC in _MAINS]
    if not mains:
        return _foreign(dice, items)
    at = dice.pick(mains)
    items[at] = item(dice.pick((INPUT, OUTPUT, FEATURE)), dice.pick((0, 1, 2, 3, 6, 0x100, 0x102)))
    return "report field kind"


def _cut(dice: Dice, items: list[bytes]) -> str:
    del items[dice.below(len(items)) :]
    return "report truncated"


def _noise(dice: Dice, items: list[bytes]) -> str:
    items[:] = [havoc(dice, b"".join(items), dice.between(1, 6))]
    return "report bytes"


_BREAKS = Weighted({_shape: 8, _value: 6, _drop: 6, _twice: 3, _exchange: 3, _foreign: 4, _kind: 4, _cut: 1, _noise: 1})


def malform_report(dice: Dice, raw: bytes) -> tuple[bytes, str]:
    """One malformation of a report descriptor, and its name. At most 4095 bytes: QEMU stalls longer requests."""
    items = split_items(raw)
    if not items:
        return raw, ""
    note = dice.weighted(_BREAKS)(dice, items)
    return b"".join(items)[:4095], note
