"""Firmware that is made up: files for the names that a driver asks for, which change as the rest of a case does."""

from __future__ import annotations

from collections.abc import Callable

from attrs import evolve

from usbfuzz.case.model import Case, Firmware, is_firmware_name

from .dice import Dice, Weighted
from .identities import Identities
from .target import module_of

__all__ = ["asks_for_firmware", "change_firmware", "with_firmware"]

_MOST_FILES = 16  #: of one case
#: Bytes; large ones take their time: each is sent to the device.
_SIZES = Weighted({16: 1, 256: 3, 1024: 4, 4096: 2})
_HEAD = 16  #: bytes that are small numbers, so that what is read from them as a length or a count fits
_FRONT = 64  #: bytes in which most magic numbers are
_WORD = 4  #: bytes
_RUN = 8  #: bytes that one change sets at most


def asks_for_firmware(case: Case, identities: Identities) -> bool:
    """Whether a driver of one of its devices declares firmware, or the case has some."""
    return bool(case.firmware or _names(case, identities))


def _names(case: Case, identities: Identities) -> list[str]:
    return [name for device in case.devices for name in identities.firmware.get(module_of(device.name), ())]


def with_firmware(dice: Dice, case: Case, identities: Identities) -> Case:
    """The case with a file for each name that the drivers of its devices declare, unless it has one already."""
    has = {file.name for file in case.firmware}
    new = [name for name in dict.fromkeys(_names(case, identities)) if name not in has and is_firmware_name(name)]
    files = [_made_up(dice, name) for name in new[: max(0, _MOST_FILES - len(has))]]
    return evolve(case, firmware=(*case.firmware, *files)) if files else case


def _made_up(dice: Dice, name: str) -> Firmware:
    size = dice.weighted(_SIZES)
    head = bytes(dice.below(4) for _ in range(_HEAD))
    return Firmware(name, head + bytes(dice.below(256) for _ in range(size - _HEAD)))


def change_firmware(dice: Dice, case: Case, identities: Identities) -> tuple[Case, str]:
    """One file changed, or files made up where the case has none; and what was done, "" if nothing could be."""
    if not case.firmware:
        given = with_firmware(dice, case, identities)
        return given, "firmware made up" if given is not case else ""
    at = dice.below(len(case.firmware))
    file = case.firmware[at]
    data, note = dice.weighted(_CHANGES)(dice, file.data, _constants(case, identities))
    changed = (*case.firmware[:at], evolve(file, data=data), *case.firmware[at + 1 :])
    return evolve(case, firmware=changed), f"firmware {file.name}: {note}"


def _constants(case: Case, identities: Identities) -> list[int]:
    return [number for device in case.devices for number in identities.constants.get(module_of(device.name), ())]


def _set(dice: Dice, data: bytes, constants: list[int]) -> tuple[bytes, str]:
    """A number that the driver compares with, mostly at the front, where headers are."""
    at = dice.below(1 + (min(len(data), _FRONT) if dice.chance(0.7) else len(data)))
    number = dice.pick(constants) if constants else dice.below(1 << 8 * _WORD)
    width = max(1, (number.bit_length() + 7) // 8) if dice.chance(0.5) else _WORD
    raw = (number & (1 << 8 * width) - 1).to_bytes(width, "big" if dice.chance(0.3) else "little")
    return data[:at] + raw + data[at + width :], f"{number:#x} at {at}"


def _scramble(dice: Dice, data: bytes, _constants: list[int]) -> tuple[bytes, str]:
    at = dice.below(len(data) + 1)
    raw = bytes(dice.below(256) for _ in range(1 + dice.below(_RUN)))
    return data[:at] + raw + data[at + len(raw) :], f"{len(raw)} bytes at {at}"


def _cut(dice: Dice, data: bytes, _constants: list[int]) -> tuple[bytes, str]:
    left = dice.below(len(data) + 1)
    return data[:left], f"cut to {left} bytes"


_Change = Callable[[Dice, bytes, list[int]], tuple[bytes, str]]
_CHANGES: Weighted[_Change] = Weighted({_set: 6, _scramble: 3, _cut: 1})
