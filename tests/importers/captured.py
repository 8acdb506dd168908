"""Devices imported from captures that are made in the test: a keyboard is enumerated, and then asked more."""

from __future__ import annotations

from attrs import evolve

from usbfuzz.case import DeviceSpec, ScriptedDevice, spec_of
from usbfuzz.descriptors.constants import DescriptorType
from usbfuzz.importers.capture.devices import import_capture
from usbfuzz.importers.model import Imported
from usbfuzz.models.hid.keyboard import Keyboard
from usbfuzz.wire import Answer, Setup, TransferType, data

from .capture_files import MMAPPED, Said, control, packets, pcap

__all__ = [
    "GET_DESCRIPTOR",
    "KEYBOARD",
    "VENDOR_READ",
    "VENDOR_WRITE",
    "answers",
    "captured",
    "descriptors",
    "enumeration",
    "moved",
    "only",
    "read",
    "talk",
    "timed",
]

KEYBOARD = spec_of(Keyboard(), "keyboard")
GET_DESCRIPTOR = 6
VENDOR_READ = Setup(0xC0, 0x10, 2, 3, 8)
VENDOR_WRITE = Setup(0x40, 0x11, 2, 3, 0)


def read(kind: int, index: int = 0, language: int = 0, length: int = 255) -> Setup:
    """GET_DESCRIPTOR of the device."""
    return Setup(0x80, GET_DESCRIPTOR, kind << 8 | index, language, length)


def enumeration(spec: DeviceSpec, address: int = 5) -> list[Said]:
    """What Linux asks of a device, as a capture of EHCI shows it: the first two requests go to address 0."""
    said = [
        control(read(DescriptorType.DEVICE, length=64), data(spec.device), address=0),
        control(Setup(0, 5, address, 0, 0), Answer(), address=0),
        control(read(DescriptorType.DEVICE, length=18), data(spec.device), address),
    ]
    for index, raw in enumerate(spec.configurations):
        said.append(control(read(DescriptorType.CONFIGURATION, index, length=9), data(raw[:9]), address))
        said.append(control(read(DescriptorType.CONFIGURATION, index, length=len(raw)), data(raw), address))
    for index, raw in spec.strings:
        said.append(control(read(DescriptorType.STRING, index, 0x409 if index else 0), data(raw), address))
    for number, raw in spec.reports:
        setup = Setup(0x81, GET_DESCRIPTOR, DescriptorType.HID_REPORT << 8, number, len(raw))
        said.append(control(setup, data(raw), address))
    return timed(said)


def timed(said: list[Said], start: int = 1000) -> list[Said]:
    """One transfer after the other, 10 µs each."""
    return [
        evolve(transfer, submitted=start + 20 * i, completed=start + 20 * i + 10) for i, transfer in enumerate(said)
    ]


def only(found: tuple[Imported, ...]) -> Imported:
    """The one device of a file."""
    assert len(found) == 1
    return found[0]


def captured(said: list[Said]) -> Imported:
    """The one device of a capture of these transfers."""
    return only(import_capture(pcap(packets(said), MMAPPED), "x.pcap"))


def descriptors(spec: DeviceSpec) -> tuple[object, ...]:
    """What a capture can tell of a device."""
    return (spec.device, spec.configurations, spec.strings, spec.reports, spec.bos, spec.qualifier)


def talk(*said: Said, spec: DeviceSpec = KEYBOARD) -> Imported:
    """The keyboard, plugged in, and then what it said."""
    before = enumeration(spec)
    return captured([*before, *timed(list(said), start=100_000)])


def answers(spec: DeviceSpec, *setups: Setup) -> list[Answer]:
    """The answers of a new device to these requests."""
    device = ScriptedDevice(spec)
    return [device.on_control(setup, b"") for setup in setups]


def moved(endpoint: int, answer: Answer, submitted: int, completed: int) -> Said:
    """A transfer of another endpoint; microseconds."""
    return Said(answer, endpoint=endpoint, type=TransferType.BULK, submitted=submitted, completed=completed)
