"""A whole device around HID report descriptors: what no recording of reports holds is made up, and listed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from attrs import field, frozen, mutable

from usbfuzz.case.model import DeviceSpec, EndpointScript, Step
from usbfuzz.descriptors import report_items
from usbfuzz.descriptors.constants import ClassCode
from usbfuzz.descriptors.hid_writer import COLLECTION, END_COLLECTION, INPUT, HidReport
from usbfuzz.device import build
from usbfuzz.importers.complete import complete
from usbfuzz.importers.model import Imported, Problem
from usbfuzz.importers.naming import named
from usbfuzz.importers.synthesise import cut_string
from usbfuzz.wire import Answer, Speed, TransferType

__all__ = ["MAX_REPORT", "Function", "Gadget", "is_report_descriptor", "scripts", "synthesised_device"]

MAX_REPORT = 4096  #: bytes of a report descriptor. HID_MAX_DESCRIPTOR_SIZE, include/linux/hid.h
_MOST_FUNCTIONS = 15  #: endpoints of one direction
_MOST_STEPS = 512
_LONGEST_DELAY = 60_000  #: ms
_FULL_SPEED_PACKET, _HIGH_SPEED_PACKET = 64, 1024  #: bytes, of an interrupt endpoint. USB 2.0 §5.7.3
_INTERVAL, _HIGH_SPEED_INTERVAL = 8, 7  #: bInterval, 8 ms each
_IDS = (0x1209, 0x0001)  #: for tests. https://pid.codes/1209/0001
_LONG_ITEM, _RESERVED = 0xFE, 3


@mutable
class Function:
    """One HID interface: its report descriptor, and when it sent what."""

    number: int
    report: bytes
    events: list[tuple[int, bytes]] = field(factory=list)  #: time in microseconds, HID report


@frozen
class Gadget:
    """What is known of a device."""

    origin: str
    functions: Sequence[Function]
    ids: tuple[int, int] | None = None
    name: str = ""
    problems: Sequence[Problem] = ()


def is_report_descriptor(raw: bytes) -> bool:
    """Whole items of HID 1.11 §6.2.2 to the end, with collections that end, and at least one field."""
    if not 0 < len(raw) <= MAX_REPORT:
        return False
    depth = fields = 0
    for item in report_items(raw):
        head = item.raw[0]
        if item.truncated or (head != _LONG_ITEM and head >> 2 & 3 == _RESERVED):
            return False
        if head & 0x0C == 0 and head >> 4 < INPUT >> 4:  # a main item that HID does not know
            return False
        depth += (head & 0xFC == COLLECTION) - (head & 0xFC == END_COLLECTION)
        fields += head & 0x0C == 0 and head & 0xFC not in (COLLECTION, END_COLLECTION)
        if depth < 0:
            return False
    return depth == 0 and fields > 0 and COLLECTION | 1 in raw


def synthesised_device(gadget: Gadget) -> Imported:
    """The device, with an interface and an interrupt endpoint for each report descriptor."""
    functions = gadget.functions[:_MOST_FUNCTIONS]
    sizes = [_longest(function) for function in functions]
    speed = Speed.HIGH if max(sizes) > _FULL_SPEED_PACKET else Speed.FULL
    idVendor, idProduct = gadget.ids or _IDS
    configuration = build.counted(
        *(part for place, (function, size) in enumerate(zip(functions, sizes, strict=True))
          for part in _interface(place, function, size, speed)),
    )  # fmt: skip
    problems = list(gadget.problems)
    spec = DeviceSpec(
        name="",
        device=build.device(idVendor=idVendor, idProduct=idProduct, iProduct=1 if gadget.name else 0),
        configurations=(configuration,),
        speed=speed,
        strings=((1, cut_string(gadget.name)),) if gadget.name else (),
        reports=tuple((place, function.report) for place, function in enumerate(functions)),
        endpoints=tuple(scripts([(0x81 + place, function) for place, function in enumerate(functions)], problems)),
    )
    spec, made_up = complete(spec)
    notes = () if gadget.ids else (f"the ids {idVendor:04x}:{idProduct:04x}",)
    whole = "all descriptors but the reports' (a report descriptor does not tell them)"
    return Imported(named(spec), gadget.origin, (*notes, f"speed {speed.value}", whole, *made_up), tuple(problems))


def _interface(place: int, function: Function, size: int, speed: Speed) -> Iterator[bytes]:
    biggest = _HIGH_SPEED_PACKET if speed is Speed.HIGH else _FULL_SPEED_PACKET
    interval = _HIGH_SPEED_INTERVAL if speed is Speed.HIGH else _INTERVAL
    yield build.interface(place, bInterfaceClass=ClassCode.HID)
    yield build.hid(function.report)
    yield build.endpoint(0x81 + place, TransferType.INTERRUPT, wMaxPacketSize=min(size, biggest), bInterval=interval)


def _longest(function: Function) -> int:
    """Bytes of the longest HID report the device sends: announced, or seen."""
    report = HidReport()
    for item in report_items(function.report):
        if item.raw[0] != _LONG_ITEM and not item.truncated:
            report.put(item.raw[0] & 0xFC, int.from_bytes(item.raw[1:], "little"))
    announced = [-(-bits // 8) for (kind, _), bits in report.bits.items() if kind == "input"]
    seen = [len(raw) for _, raw in function.events]
    return min(max([*announced, *seen, 1]), _HIGH_SPEED_PACKET)


def scripts(pairs: Sequence[tuple[int, Function]], problems: list[Problem]) -> Iterator[EndpointScript]:
    """What each endpoint (its bEndpointAddress) sends, with the pauses of the recording; what is left out is told."""
    start = min((time for _, function in pairs for time, _ in function.events), default=0)
    for bEndpointAddress, function in pairs:
        steps, last = [], start
        for time, raw in function.events[:_MOST_STEPS]:
            delay = min(max(time - last, 0) // 1000, _LONGEST_DELAY)
            steps.append(Step(Answer(data=raw[:_HIGH_SPEED_PACKET], delay_ms=delay)))
            last = max(last, time)
        if len(function.events) > _MOST_STEPS:
            what = f"the first {_MOST_STEPS} of {len(function.events)} HID reports are kept"
            problems.append(Problem(0, f"interface {function.number}: {what}"))
        if steps:
            yield EndpointScript(bEndpointAddress, tuple(steps))
