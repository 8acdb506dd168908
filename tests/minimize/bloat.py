"""Make a case large on purpose, to test whether minimizing it brings the small one back."""

from __future__ import annotations

import random
from collections.abc import Callable

from attrs import evolve

from harness.guest.qemu import PORTS
from usbfuzz.case.model import Action, Case, ControlScript, DeviceSpec, EndpointScript, Event, Step
from usbfuzz.case.parts import weight, with_part
from usbfuzz.descriptors import split, string_descriptor
from usbfuzz.descriptors.standard import (
    ConfigurationDescriptor,
    DeviceDescriptor,
    EndpointDescriptor,
    InterfaceDescriptor,
)
from usbfuzz.descriptors.tree import parse
from usbfuzz.jobs.minimize.cut import Totals, announced
from usbfuzz.wire import Answer

__all__ = ["ADDITIONS", "FACTOR", "Addition", "bloat"]

FACTOR = 20  #: times the bytes of a case, at least

#: Adds to a case something that the bug does not need.
Addition = Callable[[random.Random, Case], Case]

_VENDOR = 0xFF
_UNUSED_CLASS = 0x0D  #: content security: an interface class no Linux driver takes
_MOST_CONFIGURATION = 4000  #: bytes
_FIRST_FREE = 20  #: interface number


def bloat(case: Case, seed: int, additions: tuple[Addition, ...] = ()) -> Case:
    """``case`` with at least FACTOR times its bytes, none of which it needs; the same for the same ``seed``.

    What is added should not affect the bug: interfaces without a driver, behind those that are there, answers to
    requests that no driver makes. Only a guest can tell whether that is so. ``additions``: all of ADDITIONS, or some.
    Raises ValueError when these have nothing more to add.
    """
    dice = random.Random(seed)
    wanted = FACTOR * weight(case)
    made = case
    while (size := weight(made)) < wanted:
        for addition in additions or ADDITIONS:
            made = addition(dice, made)
        if weight(made) == size:
            raise ValueError(f"these additions add no more than {size} of {wanted} bytes")
    return made


def strings(dice: random.Random, case: Case) -> Case:
    """A long string, with an index that no request is made for, on each device that has room."""
    return _each(case, lambda device: evolve(device, strings=(*device.strings, *_string(dice, device))))


def _string(dice: random.Random, device: DeviceSpec) -> tuple[tuple[int, bytes], ...]:
    free = sorted(set(range(16, 256)) - {index for index, _ in device.strings} - {0xEE})  # 0xee: Microsoft's
    text = "".join(dice.choices("abcdefgh ", k=dice.randint(40, 120)))
    return ((dice.choice(free), string_descriptor(text)),) if free else ()


def interfaces(dice: random.Random, case: Case) -> Case:
    """One more interface at the end of the first configuration, with settings, class descriptors and endpoints."""
    return _each(case, lambda device: _with_interface(dice, device))


def _with_interface(dice: random.Random, device: DeviceSpec) -> DeviceSpec:
    if not device.configurations or len(device.configurations[0]) > _MOST_CONFIGURATION:
        return device
    raw = device.configurations[0]
    tree = parse(raw)
    number = max((*tree.interfaces, _FIRST_FREE)) + 1
    if tree.head is None or tree.head.wTotalLength != len(raw) or number - _FIRST_FREE > 8:
        return device  # a wrong total may be the bug
    more = b"".join(_setting(dice, number, alternate) for alternate in range(dice.randint(1, 4)))
    head = tree.head.replace(wTotalLength=len(raw) + len(more), bNumInterfaces=(tree.head.bNumInterfaces + 1) & 0xFF)
    longer = head.raw + raw[len(head.raw) :] + more
    return evolve(device, configurations=(longer, *device.configurations[1:]))


def _setting(dice: random.Random, number: int, alternate: int) -> bytes:
    """An alternate setting; only settings other than the default one have endpoints."""
    endpoints = dice.sample(range(0x8A, 0x90), dice.randint(1, 3)) if alternate else []
    head = InterfaceDescriptor(
        bInterfaceNumber=number,
        bAlternateSetting=alternate,
        bNumEndpoints=len(endpoints),
        bInterfaceClass=_UNUSED_CLASS,
        bInterfaceSubClass=dice.randint(0, 9),
        bInterfaceProtocol=dice.randint(0, 9),
    )
    extra = b"".join(_class_descriptor(dice) for _ in range(dice.randint(1, 4)))
    return head.raw + extra + b"".join(_endpoint(dice, address) for address in endpoints)


def _class_descriptor(dice: random.Random) -> bytes:
    payload = dice.randbytes(dice.randint(3, 60))
    return bytes((len(payload) + 2, dice.choice((0x24, 0x41, 0x42)))) + payload


def _endpoint(dice: random.Random, address: int) -> bytes:
    attributes = dice.choice((0x02, 0x03))
    return EndpointDescriptor(bEndpointAddress=address, bmAttributes=attributes, wMaxPacketSize=64, bInterval=8).raw


def configurations(dice: random.Random, case: Case) -> Case:
    """One more configuration, which Linux does not choose: its first interface is the vendor's."""
    return _each(case, lambda device: _with_configuration(dice, device))


def _with_configuration(dice: random.Random, device: DeviceSpec) -> DeviceSpec:
    head = split(device.device)[0] if device.device else None
    count = len(device.configurations)
    if not isinstance(head, DeviceDescriptor) or head.bNumConfigurations != count or not 0 < count < 5:
        return device
    body = InterfaceDescriptor(
        bInterfaceNumber=0, bNumEndpoints=0, bInterfaceClass=_VENDOR, bInterfaceSubClass=0, bInterfaceProtocol=0
    ).raw
    body += b"".join(_class_descriptor(dice) for _ in range(dice.randint(2, 6)))
    top = ConfigurationDescriptor(wTotalLength=9 + len(body), bNumInterfaces=1, bConfigurationValue=100 + count)
    longer = head.replace(bNumConfigurations=count + 1).raw + device.device[len(head.raw) :]
    return evolve(device, device=longer, configurations=(*device.configurations, top.raw + body))


def scripts(dice: random.Random, case: Case) -> Case:
    """Answers to vendor requests that no driver makes, and on an endpoint that is in no descriptor."""
    control = tuple(
        ControlScript(_steps(dice), bmRequestType=0xC2, bRequest=dice.randrange(256), wValue=dice.randrange(65536))
        for _ in range(2)
    )
    endpoint = EndpointScript(dice.choice((0x09, 0x89)), _steps(dice))
    return _each(
        case,
        lambda device: evolve(device, control=(*device.control, *control), endpoints=(*device.endpoints, endpoint)),
    )


def _steps(dice: random.Random) -> tuple[Step, ...]:
    count = dice.randint(1, 6)
    return tuple(Step(Answer(data=dice.randbytes(dice.randint(1, 64)))) for _ in range(count))


def devices(dice: random.Random, case: Case) -> Case:
    """One more device, plugged in at another port and unplugged again before anything else happens."""
    port = max(event.port for event in case.events) + 1
    if port >= PORTS:
        return case
    fat = _with_interface(dice, _with_configuration(dice, _bystander(dice)))
    number = len(case.devices)
    before = (Event(Action.PLUG, port, number), Event(Action.UNPLUG, port, after_ms=dice.randint(1, 900)))
    return evolve(case, devices=(*case.devices, fat), events=(*before, *case.events))


def _bystander(dice: random.Random) -> DeviceSpec:
    head = DeviceDescriptor(
        bcdUSB=0x0200,
        bDeviceClass=0,
        bDeviceSubClass=0,
        bDeviceProtocol=0,
        bMaxPacketSize0=64,
        idVendor=0xFFF0,
        idProduct=dice.randrange(65536),
        bcdDevice=dice.randrange(65536),
    )
    body = InterfaceDescriptor(
        bInterfaceNumber=0, bNumEndpoints=0, bInterfaceClass=_UNUSED_CLASS, bInterfaceSubClass=0, bInterfaceProtocol=0
    )
    top = ConfigurationDescriptor(wTotalLength=18, bNumInterfaces=1)
    return DeviceSpec("bystander", head.raw, (top.raw + body.raw,))


def events(dice: random.Random, case: Case) -> Case:
    """One more unplug and replug of the device that is plugged first, before the schedule begins."""
    first = next((event for event in case.events if event.action is Action.PLUG), None)
    if first is None or len(case.events) > 12:
        return case
    again = (evolve(first, after_ms=None, after_requests=None), Event(Action.UNPLUG, first.port, after_requests=1))
    return evolve(case, events=(*again, *case.events)) if dice.random() < 0.5 else case


def reports(dice: random.Random, case: Case) -> Case:
    """A further collection, of the vendor's own usages, at the end of HID report descriptors."""
    return _each(case, lambda device: _with_collection(dice, device))


def _with_collection(dice: random.Random, device: DeviceSpec) -> DeviceSpec:
    made = device
    for number, raw in device.reports:
        if not raw.endswith(_END_COLLECTION) or len(raw) > _MOST_REPORT:
            continue
        usages = b"".join(bytes((0x09, dice.randrange(256))) for _ in range(dice.randint(4, 30)))
        longer = raw + _VENDOR_COLLECTION + usages + _END_COLLECTION
        made = with_part(made, f"reports[{number}]", longer)
        made = announced(made, number, len(raw), len(longer), Totals.LESS)
    return made


_VENDOR_COLLECTION = bytes.fromhex("06 00 ff 09 01 a1 01")  #: usage page ff00, usage 1, application
_END_COLLECTION = b"\xc0"
_MOST_REPORT = 2000  #: bytes; the kernel takes 4096


def _each(case: Case, change: Callable[[DeviceSpec], DeviceSpec]) -> Case:
    return evolve(case, devices=tuple(map(change, case.devices)))


#: All additions.
ADDITIONS: tuple[Addition, ...] = (interfaces, configurations, strings, scripts, reports, devices, events)
