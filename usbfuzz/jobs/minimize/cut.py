"""Take bytes out of a case's descriptors, and adjust the lengths and counts that cover them, or not."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from enum import Enum
from itertools import compress, groupby
from typing import Any

from attrs import evolve, frozen

from usbfuzz.case.model import Case, DeviceSpec, Step
from usbfuzz.case.parts import parts, with_part
from usbfuzz.descriptors import Descriptor, join, split
from usbfuzz.descriptors.base import CsInterface
from usbfuzz.descriptors.bos import BosDescriptor
from usbfuzz.descriptors.constants import DescriptorType
from usbfuzz.descriptors.hid import HidDescriptor
from usbfuzz.descriptors.standard import InterfaceDescriptor
from usbfuzz.descriptors.tree import AlternateSetting, Configuration, parse

__all__ = ["Cut", "Totals", "announced", "without"]


Mask = bytearray | bytes


class Totals(Enum):
    """What becomes of lengths and counts when bytes are removed: the bug may lie in a wrong one."""

    LESS = "less"  #: lowered by what was removed: correct ones stay correct, wrong ones stay wrong by as much
    KEPT = "kept"  #: left as they are
    RIGHT = "right"  #: set to what is there


@frozen
class Cut:
    """A stretch of bytes of one part of one device."""

    device: int
    part: str
    start: int
    stop: int


def without(case: Case, cuts: Iterable[Cut], totals: Totals) -> Case:
    """The case without these bytes."""
    devices = list(case.devices)
    for number, group in groupby(sorted(cuts, key=_device), key=_device):
        devices[number] = _without(devices[number], group, totals)
    return evolve(case, devices=tuple(devices))


def _device(cut: Cut) -> int:
    return cut.device


def _without(device: DeviceSpec, cuts: Iterable[Cut], totals: Totals) -> DeviceSpec:
    before = dict(parts(device))
    stays: dict[str, bytearray] = {}  # for each byte of a part 1 when it stays
    for cut in cuts:
        mask = stays.setdefault(cut.part, bytearray(b"\1" * len(before[cut.part])))
        mask[cut.start : cut.stop] = bytes(cut.stop - cut.start)
    # HID reports come last: they change lengths in configurations, where all other cuts must be made first.
    for part, mask in sorted(stays.items(), key=lambda item: item[0].startswith("reports")):
        device = _part_without(device, part, before[part], mask, totals)
    return device


def _part_without(device: DeviceSpec, part: str, raw: bytes, stays: Mask, totals: Totals) -> DeviceSpec:
    name, _, number = part.rstrip("]").partition("[")
    match name:
        case "control" | "endpoints":
            scripts = list(getattr(device, name))
            script = scripts[int(number)]
            scripts[int(number)] = evolve(script, steps=tuple(_steps(script.steps, stays, totals)))
            changes: dict[str, Any] = {name: tuple(scripts)}
            return evolve(device, **changes)
        case "configurations":
            return with_part(device, part, _configuration(raw, stays, totals))
        case "bos":
            return with_part(device, part, _bos(raw, stays, totals))
        case "reports":
            left = _left(raw, stays)
            device = with_part(device, part, left)
            return device if totals is Totals.KEPT else announced(device, int(number), len(raw), len(left), totals)
        case _:
            return with_part(device, part, _shorter(raw, stays, totals))


def _left(raw: bytes, stays: Mask) -> bytes:
    return bytes(compress(raw, stays))


def _shorter(raw: bytes, stays: Mask, totals: Totals) -> bytes:
    """One descriptor without some of its bytes; its first byte is bLength."""
    left = _left(raw, stays)
    if len(left) in (0, len(raw)) or totals is Totals.KEPT:
        return left
    length = len(left) if totals is Totals.RIGHT else raw[0] - (len(raw) - len(left))
    return bytes((max(0, length) & 0xFF,)) + left[1:]


def _steps(steps: Sequence[Step], stays: Mask, totals: Totals) -> Iterator[Step]:
    """Answers without some of their bytes; one that starts with its own length has that adjusted."""
    at = 0
    for step in steps:
        raw = step.answer.data
        mask = stays[at : at + len(raw)]
        at += len(raw)
        counted = raw and raw[0] == len(raw) and mask[0]
        left = _shorter(raw, mask, totals) if counted else _left(raw, mask)
        yield evolve(step, answer=evolve(step.answer, data=left))


def _pieces(raw: bytes, stays: Mask, totals: Totals) -> Iterator[tuple[Descriptor, bytes]]:
    """Each descriptor and what is left of it, which may be nothing."""
    at = 0
    for descriptor in split(raw):
        yield descriptor, _shorter(descriptor.raw, stays[at : at + len(descriptor.raw)], totals)
        at += len(descriptor.raw)


def _bos(raw: bytes, stays: Mask, totals: Totals) -> bytes:
    pieces = list(_pieces(raw, stays, totals))
    left = b"".join(rest for _, rest in pieces)
    head = split(left)[0] if left else None
    if not isinstance(head, BosDescriptor) or totals is Totals.KEPT:
        return left
    if totals is Totals.RIGHT:
        head = head.replace(wTotalLength=len(left) & 0xFFFF, bNumDeviceCaps=(len(split(left)) - 1) & 0xFF)
    else:
        dropped = sum(not rest for _, rest in pieces)
        total = max(0, head.wTotalLength - (len(raw) - len(left)))
        head = head.replace(wTotalLength=total, bNumDeviceCaps=max(0, head.bNumDeviceCaps - dropped))
    return head.raw + left[len(head.raw) :]


def _configuration(raw: bytes, stays: Mask, totals: Totals) -> bytes:
    pieces = list(_pieces(raw, stays, totals))
    after = parse(b"".join(rest for _, rest in pieces))
    match totals:
        case Totals.KEPT:
            return after.raw
        case Totals.RIGHT:
            return after.with_totals().raw
        case Totals.LESS:
            survives = [bool(rest) for descriptor, rest in pieces if isinstance(descriptor, InterfaceDescriptor)]
            return _less(parse(raw), after, survives).raw


def _less(before: Configuration, after: Configuration, survives: Sequence[bool]) -> Configuration:
    """``after`` with each total wrong by as much as it was ``before``."""
    was, now = before.with_totals(), after.with_totals()
    old = [
        pair for pair, stays in zip(zip(before.settings, was.settings, strict=True), survives, strict=False) if stays
    ]
    if len(old) == len(after.settings):
        new = zip(old, after.settings, now.settings, strict=True)
        after = evolve(after, settings=tuple(_setting(*pair, have, right) for pair, have, right in new))
    if after.head is None or before.head is None or was.head is None or now.head is None:
        return after
    length = before.head.wTotalLength + now.head.wTotalLength - was.head.wTotalLength
    interfaces = before.head.bNumInterfaces + now.head.bNumInterfaces - was.head.bNumInterfaces
    head = after.head.replace(wTotalLength=max(0, length) & 0xFFFF, bNumInterfaces=max(0, interfaces) & 0xFF)
    return evolve(after, head=head)


def _setting(
    before: AlternateSetting, was: AlternateSetting, after: AlternateSetting, now: AlternateSetting
) -> AlternateSetting:
    endpoints = before.head.bNumEndpoints + now.head.bNumEndpoints - was.head.bNumEndpoints
    olds = [pair for pair in zip(before.extra, was.extra, strict=True) if _counts(pair[0])]
    places = [at for at, descriptor in enumerate(after.extra) if _counts(descriptor)]
    extra = list(after.extra)
    if len(places) == len(olds):
        for at, (old, right) in zip(places, olds, strict=True):
            length = _total(old) + _total(now.extra[at]) - _total(right)
            extra[at] = extra[at].replace(wTotalLength=max(0, length) & 0xFFFF)
    return evolve(after, head=after.head.replace(bNumEndpoints=max(0, endpoints) & 0xFF), extra=tuple(extra))


def _counts(descriptor: Descriptor) -> bool:
    """Whether it is a class-specific header with the length of all class descriptors of its interface."""
    return isinstance(descriptor, CsInterface) and any(field.name == "wTotalLength" for field in descriptor.fields)


def _total(descriptor: Descriptor) -> int:
    total: int = descriptor.wTotalLength  # type: ignore[attr-defined]
    return total


def announced(device: DeviceSpec, number: int, before: int, after: int, totals: Totals) -> DeviceSpec:
    """The device with the new length of a HID report descriptor in the HID descriptors of interface ``number``."""
    made = []
    for raw in device.configurations:
        here = False
        pieces: list[Descriptor] = []
        for descriptor in split(raw):
            if isinstance(descriptor, InterfaceDescriptor):
                here = descriptor.bInterfaceNumber == number
            if here and isinstance(descriptor, HidDescriptor):
                pieces.append(_with_length(descriptor, before, after, totals))
            else:
                pieces.append(descriptor)
        made.append(join(pieces))
    return evolve(device, configurations=tuple(made))


def _with_length(descriptor: HidDescriptor, before: int, after: int, totals: Totals) -> HidDescriptor:
    listed = []
    for subordinate in descriptor.descriptors:
        if subordinate.bDescriptorType == DescriptorType.HID_REPORT:
            length = after if totals is Totals.RIGHT else subordinate.wDescriptorLength - (before - after)
            subordinate = subordinate.replace(wDescriptorLength=max(0, length) & 0xFFFF)  # noqa: PLW2901
        listed.append(subordinate)
    return descriptor.replace(descriptors=tuple(listed))
