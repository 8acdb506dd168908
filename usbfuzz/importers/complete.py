"""Fill the gaps of a device: report descriptors and strings its descriptors promise and its record does not hold."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator

from attrs import evolve

from usbfuzz.case.model import DeviceSpec
from usbfuzz.descriptors import Descriptor, split
from usbfuzz.descriptors.constants import DescriptorType
from usbfuzz.descriptors.hid import HidDescriptor
from usbfuzz.descriptors.standard import InterfaceDescriptor

from .class_answers import class_answers
from .synthesise import report_descriptor, string_for

__all__ = ["REPORT_NOTE", "complete", "promised_reports"]

REPORT_NOTE = "the HID report descriptor of interface"  #: and its number: how a made-up one is listed
_INDEX = re.compile(r"i[A-Z]")
_NO_STRING = frozenset(("iLandingPage",))  #: index of a URL


def complete(
    spec: DeviceSpec, *, refused: Collection[int] = (), mute: Collection[int] = (), answers: bool = True
) -> tuple[DeviceSpec, tuple[str, ...]]:
    """The device with what it lacks made up, and a list of that: strings, HID report descriptors, answers drivers need.

    ``refused`` are the strings and ``mute`` the interfaces whose descriptors the device is known not to give;
    without ``answers`` none is made up, as those it gave are known.
    """
    descriptors = [descriptor for raw in (spec.device, *spec.configurations, spec.bos) for descriptor in split(raw)]
    strings, reports = dict(spec.strings), dict(spec.reports)
    made_up: list[str] = []
    for name, index in _promised_strings(descriptors):
        if index not in strings and index not in refused:
            strings[index] = string_for(name, index)
            made_up.append(f"string {index} ({name})")
    for interface, length in promised_reports(descriptors):
        number = interface.bInterfaceNumber
        if number not in reports and number not in mute:
            reports[number] = report_descriptor(interface.bInterfaceSubClass, interface.bInterfaceProtocol, length)
            made_up.append(f"{REPORT_NOTE} {number}, {length} bytes")
    scripts, answered = class_answers(descriptors) if answers else ((), ())
    whole = evolve(
        spec,
        strings=tuple(sorted(strings.items())),
        reports=tuple(sorted(reports.items())),
        control=(*spec.control, *scripts),
    )
    return whole, (*made_up, *answered)


def _promised_strings(descriptors: list[Descriptor]) -> Iterator[tuple[str, int]]:
    for descriptor in descriptors:
        for field in descriptor.fields:
            is_index = field.kind == "int" and _INDEX.match(field.name) and field.name not in _NO_STRING
            if is_index and (index := getattr(descriptor, field.name)):
                yield field.name, index


def promised_reports(descriptors: Iterable[Descriptor]) -> Iterator[tuple[InterfaceDescriptor, int]]:
    """The interfaces that have HID report descriptors, and how many bytes each."""
    interface: InterfaceDescriptor | None = None
    for descriptor in descriptors:
        if isinstance(descriptor, InterfaceDescriptor):
            interface = descriptor
        elif isinstance(descriptor, HidDescriptor) and interface is not None:
            for below in descriptor.descriptors:
                if below.bDescriptorType == DescriptorType.HID_REPORT:
                    yield interface, below.wDescriptorLength
