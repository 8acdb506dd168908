"""Changes of what a device says of itself: descriptors, strings, HID reports, BOS, speed, alternate settings."""

from __future__ import annotations

import re

from attrs import evolve

from strategies.board import BCD_USB, CONTROL_SIZE, SUPER_BOS
from strategies.dice import Dice, Weighted
from strategies.havoc import havoc, payload
from strategies.hid.items import malform_report
from strategies.malform import malform
from strategies.pieces import Pieces, groups, join, split_pieces
from usbfuzz.case.model import DeviceSpec
from usbfuzz.descriptors import Descriptor, describe, split
from usbfuzz.descriptors import join as joined
from usbfuzz.wire import Speed

from .material import Change, Material
from .numbers import change_bytes, edge

__all__ = ["change_looks"]

_STRUCTURAL = ("bLength", "bDescriptorType", "bDescriptorSubtype", "wTotalLength")
_IDS = ("idVendor", "idProduct", "bcdDevice")  #: another module's
_WIDTHS = (1, 2, 4)  #: bytes of the numbers that are set whole; longer fields have their bytes changed
_SPEEDS = tuple(Speed)
_LONGEST_STRING = 254  #: bytes; bLength is one
_SAID = re.compile("[:,]")  #: what follows in a descriptor's description are its fields


def _malformed(dice: Dice, spec: DeviceSpec, material: Material) -> tuple[DeviceSpec, str]:
    del material
    changed, notes = malform(dice, spec, 1)
    return changed, "".join(notes)


def _field_value(dice: Dice, old: bytes, material: Material) -> bytes:
    if len(old) not in _WIDTHS:
        return change_bytes(dice, old, material, same_length=True)[0]
    value = int.from_bytes(old, "little")
    match dice.below(6):
        case 0 | 1:
            value = edge(dice, len(old))
        case 2:
            value += dice.pick((1, -1, 2, -2, 4, -4, 16, -16))
        case 3:
            value = dice.pick(material.numbers or (0,))
        case 4:
            value ^= 1 << dice.below(8 * len(old))
        case _:
            value = dice.below(256)
    return (value % (1 << 8 * len(old))).to_bytes(len(old), "little")


def _set_field(dice: Dice, descriptor: Descriptor, material: Material) -> tuple[bytes, str]:
    """The descriptor's bytes with another value in one field; the bytes behind its fields count as one."""
    named = zip(descriptor.fields, descriptor.spans, strict=True)
    places = [(field.name, start, stop) for field, (start, stop, _) in named if stop > start]
    end = max((stop for _, _, stop in places), default=min(2, len(descriptor.raw)))
    if end < len(descriptor.raw):
        places.append(("rest", end, len(descriptor.raw)))
    places = [place for place in places if place[0] not in (*_STRUCTURAL, *_IDS)]
    if not places:
        return descriptor.raw, ""
    name, start, stop = dice.pick(places)
    raw = descriptor.raw
    value = _field_value(dice, raw[start:stop], material)
    number = f" = {int.from_bytes(value, 'little')}" if len(value) in _WIDTHS else ""
    return raw[:start] + value + raw[stop:], f"{_SAID.split(describe(descriptor))[0]}: {name}{number}"


def _field(dice: Dice, spec: DeviceSpec, material: Material) -> tuple[DeviceSpec, str]:
    """One field of one descriptor of a configuration, rarely of the device descriptor."""
    if not spec.configurations or dice.chance(0.06):
        (first, *rest) = split(spec.device) or (None,)
        if first is None:
            return spec, ""
        raw, note = _set_field(dice, first, material)
        return evolve(spec, device=raw + joined(piece for piece in rest if piece)), note
    at = dice.below(len(spec.configurations))
    pieces = split(spec.configurations[at])
    if not pieces:
        return spec, ""
    # The configuration's own descriptor is one of many, and a driver looks at few of its fields.
    where = dice.below(len(pieces))
    raw, note = _set_field(dice, pieces[where], material)
    whole = joined(pieces[:where]) + raw + joined(pieces[where + 1 :])
    return _with_configuration(spec, at, whole), note


def _with_configuration(spec: DeviceSpec, at: int, whole: bytes) -> DeviceSpec:
    return evolve(spec, configurations=(*spec.configurations[:at], whole, *spec.configurations[at + 1 :]))


def _alternate(dice: Dice, spec: DeviceSpec, material: Material) -> tuple[DeviceSpec, str]:
    """An interface gets one more alternate setting, which differs a little; or loses one; or two exchange numbers."""
    if not spec.configurations:
        return spec, ""
    at = dice.below(len(spec.configurations))
    pieces = split_pieces(spec.configurations[at])
    head, blocks = groups(pieces)
    blocks_at = [place for place, block in enumerate(blocks) if len(block[0]) >= 9]
    if not blocks_at:
        return spec, ""
    place = dice.pick(blocks_at)
    number = blocks[place][0][2]
    mine = [other for other in blocks_at if blocks[other][0][2] == number]
    match dice.below(4) if len(mine) > 1 else 0:
        case 0 | 1:
            setting = max(blocks[other][0][3] for other in mine) + 1
            blocks.insert(max(mine) + 1, _as_setting(dice, blocks[place], setting, material))
            note = f"interface {number}: alternate setting {setting & 0xFF}, as {blocks[place][0][3]}"
        case 2:
            note = f"interface {number}: no alternate setting {blocks[place][0][3]}"
            del blocks[place]
        case _:
            other = dice.pick(mine)
            first, second = blocks[place][0][3], blocks[other][0][3]
            blocks[place][0] = _numbered(blocks[place][0], second)
            blocks[other][0] = _numbered(blocks[other][0], first)
            note = f"interface {number}: alternate settings {first} and {second} exchanged"
    whole = join([*head, *(piece for block in blocks for piece in block)])
    return _with_configuration(spec, at, whole), note


def _numbered(interface: bytes, bAlternateSetting: int) -> bytes:
    return interface[:3] + bytes((bAlternateSetting & 0xFF,)) + interface[4:]


def _as_setting(dice: Dice, block: Pieces, bAlternateSetting: int, material: Material) -> Pieces:
    made = [_numbered(block[0], bAlternateSetting), *block[1:]]
    if len(made) > 1 and dice.chance(0.7):
        at = dice.between(1, len(made) - 1)
        made[at] = made[at][:2] + change_bytes(dice, made[at][2:], material, same_length=True)[0]
    return made


def _report(dice: Dice, spec: DeviceSpec, material: Material) -> tuple[DeviceSpec, str]:
    """A HID report descriptor: mostly its items, else any of its bytes."""
    if not spec.reports:
        return spec, ""
    at = dice.below(len(spec.reports))
    number, raw = spec.reports[at]
    if dice.chance(0.8):
        changed, note = malform_report(dice, raw)
    else:
        changed, note = change_bytes(dice, raw, material)
    made = (*spec.reports[:at], (number, changed), *spec.reports[at + 1 :])
    return evolve(spec, reports=made), note and f"report of interface {number}: {note}"


def _string(dice: Dice, spec: DeviceSpec, material: Material) -> tuple[DeviceSpec, str]:
    """A string is another one, cut, with odd characters, missing, or there is one more."""
    strings = dict(spec.strings)
    if not strings or dice.chance(0.15):
        index = dice.between(0, 8)
        text = dice.pick(material.blocks or (b"A\0",))[: _LONGEST_STRING - 2]
        strings[index] = bytes((2 + len(text), 3)) + text
        note = "another"
    else:
        index = dice.pick(sorted(strings))
        raw = strings[index]
        match dice.below(6):
            case 0:
                del strings[index]
                note = "missing"
            case 1:
                strings[index], note = raw[: dice.below(len(raw) + 1)], "cut"
            case 2:
                text = payload(dice, dice.pick((2, 4, 30, 62, 126, 252)))
                strings[index], note = bytes((2 + len(text), 3)) + text, "other characters"
            case 3:
                strings[index], note = havoc(dice, raw, 1), "header or characters"
            case _:
                text, note = change_bytes(dice, raw[2:], material)
                text = text[: _LONGEST_STRING - 2]
                strings[index] = bytes((2 + len(text),)) + raw[1:2] + text
    return evolve(spec, strings=tuple(sorted(strings.items()))), f"string {index}: {note}"


def _beside(dice: Dice, spec: DeviceSpec, material: Material) -> tuple[DeviceSpec, str]:
    """The BOS or the qualifier: changed, cut, gone, or there where it was not."""
    name = "bos" if dice.chance(0.8) else "qualifier"
    raw = spec.bos if name == "bos" else spec.qualifier
    if not raw:
        fresh = SUPER_BOS if name == "bos" else b"\x0a\x06" + spec.device[2:8] + bytes((1, 0))
        raw, note = fresh, "there is one"
    elif dice.chance(0.1):
        raw, note = b"", "missing"
    elif dice.chance(0.3):
        raw, note = raw[: dice.below(len(raw))], "cut"
    else:
        raw, note = change_bytes(dice, raw, material)
    return (evolve(spec, bos=raw) if name == "bos" else evolve(spec, qualifier=raw)), f"{name}: {note}"


def _speed(dice: Dice, spec: DeviceSpec, material: Material) -> tuple[DeviceSpec, str]:
    """Another speed; the device descriptor and the BOS mostly say so too, or the kernel stops there."""
    del material
    speed = dice.pick([speed for speed in _SPEEDS if speed is not spec.speed])
    changed = evolve(spec, speed=speed)
    if len(spec.device) >= 8 and dice.chance(0.9):
        bcd, size = BCD_USB[speed].to_bytes(2, "little"), bytes((CONTROL_SIZE[speed],))
        changed = evolve(changed, device=spec.device[:2] + bcd + spec.device[4:7] + size + spec.device[8:])
        changed = evolve(changed, bos=spec.bos or SUPER_BOS) if speed is Speed.SUPER else changed
    return changed, f"{speed.value} speed"


def _configurations(dice: Dice, spec: DeviceSpec, material: Material) -> tuple[DeviceSpec, str]:
    """A configuration more, which is like another, or one less; bNumConfigurations agrees."""
    del material
    count = len(spec.configurations)
    if not count or len(spec.device) != 18:
        return spec, ""
    at = dice.below(count)
    made = list(spec.configurations)
    if count > 1 and dice.chance(0.6):
        del made[at]
        note = f"no configuration {at}"
    elif count < 4:
        made.append(made[at][:5] + bytes((count + 1,)) + made[at][6:])
        note = f"configuration {at} twice"
    else:
        dice.shuffle(made)
        note = "configurations in another order"
    return evolve(spec, configurations=tuple(made), device=spec.device[:17] + bytes((len(made),))), note


_CHANGES: Weighted[Change] = Weighted(
    {_malformed: 42, _field: 28, _report: 9, _alternate: 7, _string: 5, _beside: 3, _speed: 3, _configurations: 3}
)


def change_looks(dice: Dice, spec: DeviceSpec, material: Material) -> tuple[DeviceSpec, str]:
    """The device with one change of what it says of itself."""
    return dice.weighted(_CHANGES)(dice, spec, material)
