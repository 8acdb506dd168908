"""Malformed devices: plausible ones in which a few things are wrong."""

from __future__ import annotations

from attrs import evolve

from strategies.hid.items import malform_report
from usbfuzz.case.model import DeviceSpec

from .dice import Dice, Weighted
from .faults import FAULTS, totals
from .havoc import havoc
from .pieces import join, split_pieces
from .responses import change_between_reads, disturb

__all__ = ["malform"]


def _configuration(dice: Dice, spec: DeviceSpec) -> tuple[DeviceSpec, str]:
    if not spec.configurations:
        return spec, ""
    at = dice.below(len(spec.configurations))
    pieces = split_pieces(spec.configurations[at])
    if len(pieces) < 2:
        return spec, ""
    change = dice.weighted(FAULTS)
    change(dice, pieces)
    whole = join(pieces, keep_total=change is totals)
    made = (*spec.configurations[:at], whole, *spec.configurations[at + 1 :])
    return evolve(spec, configurations=made), change.__name__.replace("_", " ")


def _report(dice: Dice, spec: DeviceSpec) -> tuple[DeviceSpec, str]:
    if not spec.reports:
        return _configuration(dice, spec)
    at = dice.below(len(spec.reports))
    number, raw = spec.reports[at]
    changed, note = malform_report(dice, raw)
    made = (*spec.reports[:at], (number, changed), *spec.reports[at + 1 :])
    return evolve(spec, reports=made), note


#: Offset and values: bNumConfigurations, bDeviceClass, bMaxPacketSize0, bcdUSB, iManufacturer.
_DEVICE_FIELDS = (
    (17, (0, 2, 9, 255)),
    (4, (0, 0x01, 0x09, 0xEF, 0xFF)),
    (7, (0, 7, 9, 255)),
    (3, (0, 1, 3, 255)),
    (14, (0, 4, 255)),
)


def _device(dice: Dice, spec: DeviceSpec) -> tuple[DeviceSpec, str]:
    """Change one field, but not the ids (no driver would bind) and not the length (nothing would be read)."""
    raw = bytearray(spec.device)
    at, values = dice.pick(_DEVICE_FIELDS)
    if at < len(raw):
        raw[at] = dice.pick(values)
    return evolve(spec, device=bytes(raw)), "device descriptor"


#: Empty, without text, longer than 126 units, format directives, lone surrogates.
_ODD_STRINGS = (b"", b"\x02\x03", b"\xff\x03" + b"%n" * 126, b"\xfe\x03" + b"\xff\xd8" * 126)


def _string(dice: Dice, spec: DeviceSpec) -> tuple[DeviceSpec, str]:
    if not spec.strings:
        return spec, ""
    at = dice.below(len(spec.strings))
    index, raw = spec.strings[at]
    odd = dice.pick((raw[:1], raw[:-1], havoc(dice, raw, 2), *_ODD_STRINGS))
    return evolve(spec, strings=(*spec.strings[:at], (index, odd), *spec.strings[at + 1 :])), "string"


_TARGETS = Weighted({_configuration: 62, _report: 18, disturb: 12, change_between_reads: 4, _device: 2, _string: 2})


def malform(dice: Dice, spec: DeviceSpec, changes: int) -> tuple[DeviceSpec, tuple[str, ...]]:
    """``spec`` with ``changes`` malformations, and their names; their fields stay inside what a case file can hold."""
    notes = []
    for _ in range(changes):
        spec, note = dice.weighted(_TARGETS)(dice, spec)
        if note:
            notes.append(note)
    return spec, tuple(notes)
