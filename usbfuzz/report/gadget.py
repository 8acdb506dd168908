"""``repro.c``: the devices of a case as a program for Linux' raw-gadget and dummy_hcd.

The program is joined from the files of ``raw_gadget/``; what it plays stands behind ``types.h``, which declares it.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path

from usbfuzz.case.model import Action, Case, ControlScript, DeviceSpec, Event, RequestPattern, Step
from usbfuzz.descriptors import describe, report_items, split
from usbfuzz.descriptors.constants import DIRECTION_IN, DescriptorType, Recipient
from usbfuzz.wire import Speed, Status

from .c_source import c_array, c_bytes, c_comment, c_string
from .events import outside_events
from .programs import programs_beside
from .served import served

__all__ = ["load_modules", "render_gadget"]

_SOURCES = Path(__file__).parent / "raw_gadget"
_TYPES = "types.h"
#: What follows the case, in the order in which one needs the other.
_PARTS = ("answers.c", "endpoints.c", "main.c")
_SPEEDS = {
    Speed.LOW: "USB_SPEED_LOW",
    Speed.FULL: "USB_SPEED_FULL",
    Speed.HIGH: "USB_SPEED_HIGH",
    Speed.SUPER: "USB_SPEED_SUPER",
}
#: How a gadget can end a transfer. The others (babble, an error on the bus) it cannot cause: it stalls instead.
_STATUS = {Status.OK: "OK", Status.NAK: "NAK", Status.NEVER: "NEVER", Status.TIMEOUT: "NEVER"}


def load_modules(case: Case) -> str:
    """The shell command that loads what repro.c needs: a port of dummy_hcd for each of the case, and their speed."""
    speed = " is_super_speed=1" if any(device.speed is Speed.SUPER for device in case.devices) else ""
    return f"modprobe dummy_hcd num={case.ports}{speed} && modprobe raw_gadget"


def render_gadget(case: Case, *, title: str, kernel: str = "") -> str:
    """The text of repro.c; without a kernel it does not say that the devices caused anything."""
    seen = (
        f"Seen on {c_comment(kernel)}\n *\n * Plays the USB device that caused it"
        if kernel
        else "Plays this USB device"
    )
    beside = "".join(f" * {c_comment(line)}\n" for line in programs_beside(case))
    comment = f"""\
/*
 * {c_comment(title)}
 * {seen}, by raw-gadget on dummy_hcd. As root:
 *
 *     {load_modules(case)}
 *     gcc -pthread -o repro repro.c && ./repro
{f" *{chr(10)}{beside}" if beside else ""} */
"""
    licence, _, types = _source(_TYPES).partition("\n")
    return "\n".join((f"{licence}\n{comment}{types}", _case(case), *map(_source, _PARTS)))


@cache
def _source(name: str) -> str:
    return (_SOURCES / name).read_text(encoding="utf-8")


def _case(case: Case) -> str:
    blocks = [f"#define PORTS {case.ports}"]
    for number, device in enumerate(case.devices):
        blocks += _device(number, device)
    events = tuple(outside_events(case)) or (Event(Action.PLUG, device=0),)
    blocks.append(c_array("struct event", "events", map(_event, events)))
    return "\n\n".join(blocks) + "\n"


def _device(number: int, spec: DeviceSpec) -> list[str]:
    name, tables = f"d{number}", served(spec)
    blocks, descriptors = [], []
    for wValue, raw in sorted(tables.device.items()):
        at = f"{name}_{wValue:04x}"
        blocks.append(c_bytes(at, _parts(wValue >> 8, raw)))
        descriptors.append(f"{{ 0x{DIRECTION_IN:02x}, 0x{wValue:04x}, ANY, {at}, sizeof({at}) }}")
    for (kind, interface), raw in sorted(tables.interface.items()):
        at = f"{name}_{kind:02x}_{interface}"
        blocks.append(c_bytes(at, _parts(kind, raw)))
        request = DIRECTION_IN | Recipient.INTERFACE
        descriptors.append(f"{{ 0x{request:02x}, 0x{kind << 8:04x}, {interface}, {at}, sizeof({at}) }}")
    scripts = []
    for nth, script in enumerate(spec.control):
        blocks += _answers(f"{name}_control{nth}", script.steps)
        scripts.append(_script(f"{name}_control{nth}", script))
    endpoints = []
    for address in dict.fromkeys(script.bEndpointAddress for script in spec.endpoints):
        steps = [step for script in spec.endpoints if script.bEndpointAddress == address for step in script.steps]
        blocks += _answers(f"{name}_ep{address:02x}", steps)
        endpoints.append(f"{{ 0x{address:02x}, {name}_ep{address:02x}, ARRAY_SIZE({name}_ep{address:02x}) }}")
    tables_of = {
        "descriptors": ("struct descriptor", descriptors),
        "scripts": ("struct script", scripts),
        "endpoints": ("struct endpoint_script", endpoints),
        "hid": ("uint8_t", list(map(str, tables.hid))),
    }
    counts = {"descriptors": "descriptor_count", "scripts": "script_count", "endpoints": "endpoint_count"}
    fields = [f".name = {c_string(spec.name)}", f".speed = {_SPEEDS[spec.speed]}"]
    for field, (kind_, rows) in tables_of.items():
        if rows:
            blocks.append(c_array(kind_, f"{name}_{field}", rows))
            fields += [
                f".{field} = {name}_{field}",
                f".{counts.get(field, 'hid_count')} = ARRAY_SIZE({name}_{field})",
            ]
    body = ",\n\t".join(fields)
    return [*blocks, f"static const struct device {name} = {{\n\t{body},\n}};"]


def _parts(kind: int, raw: bytes) -> list[tuple[bytes, str]]:
    if kind == DescriptorType.HID_REPORT:
        return [(item.raw, "  " * min(item.depth, 8) + item.text) for item in report_items(raw)]
    return [(descriptor.raw, describe(descriptor)) for descriptor in split(raw)]


def _answers(name: str, steps: Sequence[Step]) -> list[str]:
    """C arrays of a script: first the data of each answer, then the answers."""
    blocks, rows = [], []
    for nth, step in enumerate(steps):
        answer, at = step.answer, f"{name}_{nth}"
        if answer.data:
            blocks.append(c_bytes(at, [(answer.data, f"{len(answer.data)} bytes")]))
        where = f"{at}, sizeof({at})" if answer.data else "NULL, 0"
        rows.append(f"{{ {where}, {_STATUS.get(answer.status, 'STALL')}, {answer.delay_ms}, {step.times} }}")
    return [*blocks, c_array("struct answer", name, rows or ["{ NULL, 0, NEVER, 0, 0 }"])]


def _script(answers: str, script: ControlScript) -> str:
    after = _pattern(script.after or RequestPattern())
    sleeps = "true" if script.after else "false"
    count = f"ARRAY_SIZE({answers})" if script.steps else "0"
    return f"{{ {_pattern(script)}, {after}, {sleeps}, {answers}, {count} }}"


def _pattern(pattern: ControlScript | RequestPattern) -> str:
    values = (pattern.bmRequestType, pattern.bRequest, pattern.wValue, pattern.wIndex, pattern.wLength)
    return f"{{ {', '.join('ANY' if value is None else f'0x{value:02x}' for value in values)} }}"


def _event(event: Event) -> str:
    device = "NULL" if event.device is None else f"&d{event.device}"
    after = ("SETTLED" if value is None else str(value) for value in (event.after_ms, event.after_requests))
    return f"{{ {event.action.name}, {event.port}, {device}, {', '.join(after)} }}"
