"""The bytes of a case by name, for its size, for comparing cases on the wire, and for marks of minimizing."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from attrs import evolve

from .exchange import to_json
from .model import Case, DeviceSpec, Firmware, Provenance, Step

__all__ = ["digest", "one_of_each", "parts", "weight", "with_part", "without_idle_uses"]

_NAME = re.compile(r"(\w+)(?:\[(\d+)\])?")


def parts(device: DeviceSpec) -> Iterator[tuple[str, bytes]]:
    """Names and bytes of everything the device says: ``device``, ``configurations[0]``, ``strings[1]`` ….

    ``strings`` and ``reports`` are numbered as in case files (string index, bInterfaceNumber), the others by position.
    The bytes of a response script, ``control[0]`` or ``endpoints[0]``, are those of its answers in a row.
    """
    yield "device", device.device
    for name in ("bos", "qualifier"):
        if raw := getattr(device, name):
            yield name, raw
    for at, raw in enumerate(device.configurations):
        yield f"configurations[{at}]", raw
    for name in ("strings", "reports"):
        for number, raw in getattr(device, name):
            yield f"{name}[{number}]", raw
    for name in ("control", "endpoints"):
        for at, script in enumerate(getattr(device, name)):
            yield f"{name}[{at}]", _said(script.steps)


def with_part(device: DeviceSpec, part: str, raw: bytes) -> DeviceSpec:
    """The device with the bytes ``raw`` in ``part``; for the answers of a script there must be as many as before."""
    match = _NAME.fullmatch(part)
    assert match is not None, part
    name, number = match[1], int(match[2] or 0)
    old: Any = getattr(device, name)
    new: Any = raw
    if name in ("strings", "reports"):
        new = tuple((kept_number, raw if kept_number == number else kept) for kept_number, kept in old)
    elif name not in ("device", "bos", "qualifier"):
        changed = raw if name == "configurations" else evolve(old[number], steps=_say(old[number].steps, raw))
        new = (*old[:number], changed, *old[number + 1 :])
    changes: dict[str, Any] = {name: new}
    return evolve(device, **changes)


def weight(case: Case) -> int:
    """Bytes of all descriptors, scripted answers and firmware of a case, and characters of its programs."""
    firmware = sum(len(each.data) for each in case.firmware)
    programs = sum(len(line) for use in case.uses for line in use.program)
    return firmware + programs + sum(len(raw) for device in case.devices for _, raw in parts(device))


def without_idle_uses(case: Case) -> Case:
    """The case without the programs that no event runs."""
    run = sorted({event.use for event in case.events if event.use is not None})
    if len(run) == len(case.uses):
        return case
    place = {use: at for at, use in enumerate(run)}
    events = (event if event.use is None else evolve(event, use=place[event.use]) for event in case.events)
    return evolve(case, uses=tuple(case.uses[use] for use in run), events=tuple(events))


def one_of_each(cases: Iterable[Case]) -> tuple[Firmware, ...]:
    """The firmware of cases that share a guest: of a name that several give, the first one's."""
    found: dict[str, Firmware] = {}
    for case in cases:
        for firmware in case.firmware:
            found.setdefault(firmware.name, firmware)
    return tuple(found.values())


def digest(case: Case) -> str:
    """SHA-256, in hex, of what a guest sees of a case: of everything but names, expectations and provenance."""
    devices = tuple(evolve(device, name="") for device in case.devices)
    bare = evolve(case, devices=devices, title="", expect=(), provenance=Provenance())
    return hashlib.sha256(to_json(bare).encode()).hexdigest()


def _said(steps: Sequence[Step]) -> bytes:
    return b"".join(step.answer.data for step in steps)


def _say(steps: Sequence[Step], raw: bytes) -> tuple[Step, ...]:
    said, at = [], 0
    for step in steps:
        end = at + len(step.answer.data)
        said.append(evolve(step, answer=evolve(step.answer, data=raw[at:end])))
        at = end
    return tuple(said)
