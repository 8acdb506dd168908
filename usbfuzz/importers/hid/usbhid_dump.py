"""What usbhid-dump prints: report descriptors and HID reports of a device's interfaces, in hex.

``003:002:000:DESCRIPTOR 1289.123`` (bus, address and interface) stands before the bytes, ``STREAM`` before HID reports.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from attrs import evolve, field, mutable

from usbfuzz.case.model import DeviceSpec
from usbfuzz.descriptors import split
from usbfuzz.descriptors.standard import EndpointDescriptor, InterfaceDescriptor
from usbfuzz.errors import InputError
from usbfuzz.importers.complete import REPORT_NOTE
from usbfuzz.importers.lsusb.dump import import_lsusb
from usbfuzz.importers.model import Imported, Problem
from usbfuzz.wire import TransferType

from .device import MAX_REPORT, Function, Gadget, is_report_descriptor, scripts, synthesised_device
from .lines import hex_of, plain_lines

__all__ = ["import_usbhid_dump", "looks_usbhid_dump"]

_LOOK = 256 << 10  #: bytes searched for a heading
_HEAD = r"(\d{3}):(\d{3}):(\d{3}):(DESCRIPTOR|STREAM)[ \t]+(\d{1,12})(?:\.(\d{1,6}))?"
_SIGN = re.compile(rb"^[\s>|]*" + _HEAD.encode(), re.MULTILINE)
_LINE = re.compile(_HEAD, re.ASCII)
#: A line of plain lsusb that somebody gave with it.
_NAMED = re.compile(r"Bus (\d{3}) Device (\d{3}): ID ([0-9a-f]{4}):([0-9a-f]{4})[ \t]*(.*)", re.ASCII)
_ORIGIN = re.compile(r"Bus (\d{1,3}) Device (\d{1,3})", re.ASCII)
_MOST_DEVICES = 256
_MOST_EVENTS = 100_000

_Address = tuple[int, int]


@mutable
class _Dump:
    """What the text tells of one device."""

    functions: dict[int, Function] = field(factory=dict)
    ids: tuple[int, int] | None = None
    name: str = ""


def looks_usbhid_dump(content: bytes) -> bool:
    """A heading of usbhid-dump."""
    return _SIGN.search(content[:_LOOK]) is not None


def import_usbhid_dump(content: bytes, name: str) -> tuple[Imported, ...]:
    """The devices of the text; of those that ``lsusb -v`` shows in it the report descriptors are filled in.

    Raises InputError when there is no report descriptor.
    """
    dumps = _dumps(content)
    if not any(function.report for dump in dumps.values() for function in dump.functions.values()):
        what = "no report descriptor can be read, only HID reports"
        raise InputError(f"{name}: {what}; make it with: usbhid-dump -e all")
    found = []
    for imported in _shown(content, name):
        where = _ORIGIN.match(imported.origin)
        dump = dumps.pop((int(where[1]), int(where[2])), None) if where else None
        found.append(_filled(imported, dump) if dump else imported)
    _name(dumps, content)
    gadgets = [gadget for place, dump in sorted(dumps.items()) if (gadget := _gadget(place, dump))]
    return (*found, *map(synthesised_device, gadgets))


def _dumps(content: bytes) -> dict[_Address, _Dump]:
    dumps: dict[_Address, _Dump] = {}
    for (bus, address, interface), what, time, raw in _records(content):
        if (bus, address) not in dumps and len(dumps) == _MOST_DEVICES:
            break
        dump = dumps.setdefault((bus, address), _Dump())
        function = dump.functions.setdefault(interface, Function(interface, b""))
        if what == "DESCRIPTOR":
            function.report = raw[:MAX_REPORT]
        elif len(function.events) < _MOST_EVENTS:
            function.events.append((time, raw))
    return dumps


def _shown(content: bytes, name: str) -> tuple[Imported, ...]:
    """The devices that lsusb shows in the same text, if it does."""
    lines = content.split(b"\n")
    in_dump = False
    for number, line in plain_lines(content):
        is_head = _LINE.match(line) is not None
        in_dump = is_head or (in_dump and hex_of(line) is not None)
        if in_dump:
            lines[number - 1] = b""
    try:
        return import_lsusb(b"\n".join(lines), name)
    except InputError:
        return ()


def _filled(imported: Imported, dump: _Dump) -> Imported:
    """The device with the report descriptors and HID reports of the dump."""
    endpoints = _interrupt_endpoints(imported.device)
    functions = [function for number, function in sorted(dump.functions.items()) if number in endpoints]
    reports = {function.number: function.report for function in functions if function.report}
    problems = list(imported.problems)
    pairs = [(endpoints[function.number], function) for function in functions]
    device = evolve(
        imported.device,
        reports=tuple(sorted((dict(imported.device.reports) | reports).items())),
        endpoints=(*imported.device.endpoints, *scripts(pairs, problems)),
    )
    known = tuple(f"{REPORT_NOTE} {number}," for number in reports)
    made_up = tuple(note for note in imported.synthesised if not note.startswith(known))
    return evolve(imported, device=device, synthesised=made_up, problems=tuple(problems))


def _interrupt_endpoints(device: DeviceSpec) -> dict[int, int]:
    """bInterfaceNumber and the bEndpointAddress of its first interrupt IN endpoint."""
    found: dict[int, int] = {}
    number = 0
    for descriptor in split(device.configurations[0] if device.configurations else b""):
        if isinstance(descriptor, InterfaceDescriptor):
            number = descriptor.bInterfaceNumber
        elif (
            isinstance(descriptor, EndpointDescriptor)
            and descriptor.is_in
            and descriptor.transfer_type is TransferType.INTERRUPT
        ):
            found.setdefault(number, descriptor.bEndpointAddress)
    return found


def _gadget(where: _Address, dump: _Dump) -> Gadget | None:
    functions = [function for _, function in sorted(dump.functions.items()) if function.report]
    if not functions:
        return None
    problems = [
        Problem(0, f"interface {function.number}: the report descriptor does not end well; kept as it is")
        for function in functions
        if not is_report_descriptor(function.report)
    ]
    return Gadget(f"Bus {where[0]:03} Device {where[1]:03}", functions, dump.ids, dump.name, problems)


def _records(content: bytes) -> Iterator[tuple[tuple[int, int, int], str, int, bytes]]:
    """Bus, address and interface, DESCRIPTOR or STREAM, time in microseconds, bytes."""
    head: re.Match[str] | None = None
    raw = bytearray()
    for _, line in plain_lines(content):
        found = _LINE.match(line)
        more = hex_of(line)
        if found is None and more is not None:
            raw += more
            continue
        if head is not None and (found or raw):
            yield _told(head, bytes(raw))
            head = None
        if found is not None:
            head, raw = found, bytearray()
    if head is not None:
        yield _told(head, bytes(raw))


def _told(head: re.Match[str], raw: bytes) -> tuple[tuple[int, int, int], str, int, bytes]:
    time = int(head[5]) * 1_000_000 + int((head[6] or "").ljust(6, "0"))
    return (int(head[1]), int(head[2]), int(head[3])), head[4], time, raw


def _name(dumps: dict[_Address, _Dump], content: bytes) -> None:
    for _, line in plain_lines(content):
        if (found := _NAMED.match(line)) and (dump := dumps.get((int(found[1]), int(found[2])))):
            dump.ids, dump.name = (int(found[3], 16), int(found[4], 16)), found[5].strip()
