"""Recordings of hid-recorder (hid-tools): report descriptors and HID reports with their times, as text.

A line begins with what it holds: ``D`` which device the following lines are of, ``R`` length and report descriptor,
``N`` name, ``P`` where it is plugged in, ``I`` bus, vendor and product, ``E`` time, length and HID report.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from attrs import field, mutable

from usbfuzz.errors import InputError
from usbfuzz.importers.model import Imported, Problem

from .device import MAX_REPORT, Function, Gadget, is_report_descriptor, synthesised_device
from .lines import hex_of, plain_lines

__all__ = ["import_recorder", "looks_recorder"]

_LOOK = 256 << 10  #: bytes searched for a report descriptor
_SIGN = re.compile(rb"^[\s>|]*R:[ \t]*\d{1,4}(?:[ \t]+[0-9a-fA-F]{2}){2}", re.MULTILINE)
_LINE = re.compile(r"([DRNPIE]):[ \t]*(.*)")
_SIZED = re.compile(r"(?:(\d{1,9})\.(\d{1,6})[ \t]+)?(\d{1,5})(?:[ \t]+(.*))?", re.ASCII)
_IDS = re.compile(r"([0-9a-fA-F]{1,4})[ \t]+([0-9a-fA-F]{1,4})[ \t]+([0-9a-fA-F]{1,4})", re.ASCII)
_USB = 3  #: BUS_USB, include/uapi/linux/input.h
_MOST_EVENTS = 100_000
_MOST_DEVICES = 256


@mutable
class _Recorded:
    """One hidraw device."""

    report: bytes = b""
    name: str = ""
    phys: str = ""
    bus: int = _USB
    ids: tuple[int, int] | None = None
    events: list[tuple[int, bytes]] = field(factory=list)


def looks_recorder(content: bytes) -> bool:
    """A line with a report descriptor and its length."""
    return _SIGN.search(content[:_LOOK]) is not None


def import_recorder(content: bytes, name: str) -> tuple[Imported, ...]:
    """The devices of a recording; those that are interfaces of one USB device together. Raises InputError."""
    recorded, problems = _read(content)
    whole = [device for device in recorded if device.report]
    if not whole:
        reason = str(problems[0]) if problems else "it has no line R"
        raise InputError(f"{name}: no report descriptor can be read: {reason}; give all that hid-recorder printed")
    first, *others = map(synthesised_device, _gadgets(whole, problems))
    return (first, *others)


def _gadgets(recorded: list[_Recorded], problems: list[Problem]) -> Iterator[Gadget]:
    groups: dict[object, list[_Recorded]] = {}
    for place, device in enumerate(recorded):
        plug, is_port, _ = device.phys.rpartition("/input")
        groups.setdefault((device.ids, plug) if is_port and device.ids else place, []).append(device)
    for same in groups.values():
        first = same[0]
        functions = [Function(place, device.report, device.events) for place, device in enumerate(same)]
        notes = [*problems]
        if first.bus != _USB:
            notes.append(Problem(0, f"the device was on bus type {first.bus:#x}, not on USB (3)"))
        yield Gadget(first.phys or first.name or "the recording", functions, first.ids, first.name, notes)
        problems = []


def _read(content: bytes) -> tuple[list[_Recorded], list[Problem]]:
    devices: dict[int, _Recorded] = {0: _Recorded()}
    problems: list[Problem] = []
    current, events = devices[0], 0
    for number, key, rest in _records(plain_lines(content)):
        if key == "D" and rest.isdecimal() and rest.isascii():
            if int(rest[:4]) in devices or len(devices) < _MOST_DEVICES:
                current = devices.setdefault(int(rest[:4]), _Recorded())
        elif key == "N":
            current.name = rest
        elif key == "P":
            current.phys = rest
        elif key == "I" and (found := _IDS.match(rest)):
            current.bus = int(found[1], 16)
            current.ids = int(found[2], 16), int(found[3], 16)
        elif key in "RE":
            complaint = _take(current, key, rest, keep=events < _MOST_EVENTS)
            events += key == "E"
            problems += [Problem(number, complaint)] if complaint else []
    return list(devices.values()), problems


def _records(lines: Iterable[tuple[int, str]]) -> Iterator[tuple[int, str, str]]:
    """Number, key and text of each record; bytes that a mailer put on lines of their own are part of it again."""
    number, key, parts = 0, "", [""]
    for at, line in lines:
        if found := _LINE.fullmatch(line):
            if key:
                yield number, key, " ".join(parts)
            number, key, parts = at, found[1], [found[2]]
        elif key in ("R", "E") and hex_of(line) is not None and len(parts) < MAX_REPORT:
            parts.append(line)
    if key:
        yield number, key, " ".join(parts)


def _take(device: _Recorded, key: str, rest: str, *, keep: bool) -> str:
    """Add a report descriptor or a HID report; what is wrong with the line, if anything is."""
    found = _SIZED.fullmatch(rest)
    raw = hex_of(found[4] or "") if found else None
    if found is None or raw is None:
        return f"{key} is not followed by a length and hex bytes; left out"
    raw, told = raw[: int(found[3])], int(found[3])
    complaint = f"{len(raw)} of {told} bytes are there" if len(raw) < told else ""
    if key == "E":
        time = int(found[1] or 0) * 1_000_000 + int((found[2] or "").ljust(6, "0"))
        device.events += [(time, raw)] if keep else []
        return complaint
    if not raw or len(raw) > MAX_REPORT:
        return f"a report descriptor has 1 to {MAX_REPORT} bytes; left out"
    device.report = raw
    return complaint or ("" if is_report_descriptor(raw) else "the report descriptor does not end well; kept as it is")
